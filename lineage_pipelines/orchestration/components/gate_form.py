"""Gate form: a gate of a model as a `defs.yaml` writes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import dagster as dg

from lineage_pipelines.orchestration.training.gates import (
    Gate,
    disjoint,
    no_worse,
    slices_evaluated,
    threshold,
    unique_rows,
)


@dataclass
class GateForm(dg.Resolvable):
    """One gate; gates of your own are for Python."""

    kind: Annotated[
        Literal["threshold", "no_worse", "slices_evaluated", "disjoint", "unique_rows"],
        dg.Resolver.default(description="What is required.", examples=["threshold"]),
    ]
    metrics: Annotated[
        Mapping[str, float],
        dg.Resolver.default(
            description="Limits of threshold (min_…, max_…), tolerances of no_worse.",
            examples=[{"min_roc_auc": 0.7}, {"roc_auc": 0.01}],
        ),
    ] = field(default_factory=dict)
    columns: Annotated[
        Sequence[str], dg.Resolver.default(description="Columns of slices_evaluated.", examples=[["country"]])
    ] = ()
    inputs: Annotated[
        Sequence[str],
        dg.Resolver.default(description="Inputs of disjoint and unique_rows.", examples=[["train", "test"]]),
    ] = ()
    min_rows: Annotated[
        int, dg.Resolver.default(description="Of slices_evaluated: the smallest group that counts.", examples=[200])
    ] = 200
    max_share: Annotated[
        float, dg.Resolver.default(description="Of unique_rows: the share that may repeat.", examples=[0.01])
    ] = 0.0
    blocking: Annotated[
        bool, dg.Resolver.default(description="False: a warning that stops nothing.", examples=[False])
    ] = True

    def build(self) -> Gate:
        """Return the gate.

        Raises:
            CaptureError: its values do not fit its kind.
        """
        match self.kind:
            case "threshold":
                return threshold(blocking=self.blocking, **self.metrics)
            case "no_worse":
                return no_worse(blocking=self.blocking, falls=None, **self.metrics)
            case "slices_evaluated":
                return slices_evaluated(*self.columns, min_rows=self.min_rows, blocking=self.blocking)
            case "disjoint":
                return disjoint(*self.inputs, blocking=self.blocking)
            case "unique_rows":
                return unique_rows(*self.inputs, max_share=self.max_share, blocking=self.blocking)
