"""Model component: a training function, its inputs, gates and retraining policy in a `defs.yaml`.

type: lineage_pipelines.ModelComponent
attributes:
  project: ../../..
  function: shop.training:churn
  inputs: {train: data/train.parquet, test: data/test.parquet}
  checks:
    - {kind: threshold, metrics: {min_roc_auc: 0.7}}
  retraining: {on_new_data: true, min_interval: 12 hours}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import dagster as dg

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.orchestration.components.gate_form import GateForm
from lineage_pipelines.orchestration.components.project_scaffolder import ModelScaffolder
from lineage_pipelines.orchestration.components.yaml_fields import ProjectPath, import_object
from lineage_pipelines.orchestration.dvc.translator import DvcTranslator, DvcTranslatorSettings
from lineage_pipelines.orchestration.retraining.retraining_policy import RetrainingPolicy
from lineage_pipelines.orchestration.training.model_asset import model_asset


@dataclass
class RetrainingForm(dg.Resolvable):
    """A `RetrainingPolicy`, field by field."""

    on_new_data: Annotated[
        bool,
        dg.Resolver.default(description="When a tracked file behind the inputs has other content.", examples=[True]),
    ] = True
    on_schedule: Annotated[
        str | None,
        dg.Resolver.default(description="At these times, in UTC, if anything changed.", examples=["0 6 1 * *"]),
    ] = None
    on_code: Annotated[
        bool,
        dg.Resolver.default(description="When the training function or a stage's script changed.", examples=[True]),
    ] = False
    on_parameters: Annotated[
        bool, dg.Resolver.default(description="When a default or a stage's parameter changed.", examples=[True])
    ] = False
    on_failed_check: Annotated[
        Sequence[str], dg.Resolver.default(description="When one of these checks has failed.", examples=[["drift"]])
    ] = ()
    min_interval: Annotated[
        str | None,
        dg.Resolver.default(description="Not before this long after the last version.", examples=["12 hours"]),
    ] = None
    max_age: Annotated[
        str | None, dg.Resolver.default(description="An older model is shown as out of date.", examples=["45 days"])
    ] = None

    def build(self) -> RetrainingPolicy:
        """Return the policy.

        Raises:
            CaptureError: a value cannot be used.
        """
        return RetrainingPolicy(**{**vars(self), "on_failed_check": list(self.on_failed_check)})


@dg.scaffold_with(ModelScaffolder)
@dataclass
class ModelComponent(dg.Component, dg.Resolvable):
    """A model: the training function becomes an asset whose every version has a record."""

    project: ProjectPath
    function: Annotated[
        str, dg.Resolver.default(description="The training function, by import path.", examples=["shop.training:churn"])
    ]
    inputs: Annotated[
        Mapping[str, str],
        dg.Resolver.default(
            description="Argument name to path in the DVC project.", examples=[{"train": "data/train.parquet"}]
        ),
    ]
    name: Annotated[
        str | None, dg.Resolver.default(description="The model; the function's name by default.", examples=["churn"])
    ] = None
    checks: Annotated[
        Sequence[GateForm],
        dg.Resolver.default(
            description="The gates.", examples=[[{"kind": "threshold", "metrics": {"min_roc_auc": 0.7}}]]
        ),
    ] = ()
    retraining: Annotated[
        RetrainingForm | None,
        dg.Resolver.default(
            description="When it is trained again by itself; needs the RetrainingComponent.",
            examples=[{"on_new_data": True, "max_age": "45 days"}],
        ),
    ] = None
    evaluate: Annotated[
        str | None,
        dg.Resolver.default(description="Measures a model without training.", examples=["shop.training:measure"]),
    ] = None
    trusted_types: Annotated[
        Sequence[str],
        dg.Resolver.default(description="Types that the model file may hold.", examples=[["shop.steps.Scaler"]]),
    ] = ()
    description: Annotated[
        str | None, dg.Resolver.default(description="What the model is for.", examples=["Who will leave?"])
    ] = None
    group_name: Annotated[str, dg.Resolver.default(description="Dagster group.", examples=["models"])] = "models"
    owners: Annotated[
        Sequence[str], dg.Resolver.default(description="Addresses or teams.", examples=[["team:shop"]])
    ] = ()
    tags: Annotated[
        Mapping[str, str], dg.Resolver.default(description="Asset tags.", examples=[{"domain": "shop"}])
    ] = field(default_factory=dict)
    by_stage: Annotated[
        bool, dg.Resolver.default(description="As of the DvcProjectComponent of the inputs.", examples=[True])
    ] = False

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002  # Dagster's signature
        """Build the asset."""
        decorate = model_asset(
            project=DvcProject(self.project),
            inputs=self.inputs,
            name=self.name,
            checks=[check.build() for check in self.checks],
            evaluate=import_object(self.evaluate) if self.evaluate is not None else None,
            trusted_types=list(self.trusted_types),
            translator=DvcTranslator(settings=DvcTranslatorSettings(by_stage=self.by_stage)),
            description=self.description,
            group_name=self.group_name,
            owners=list(self.owners),
            tags=self.tags or None,
            retraining=self.retraining.build() if self.retraining is not None else None,
        )
        return dg.Definitions(assets=[decorate(import_object(self.function))])
