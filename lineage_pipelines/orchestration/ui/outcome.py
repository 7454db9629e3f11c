"""Outcome of a run: the committed version, and the versions that its page compares it with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage_pipelines.capture.trained_model import TrainedModel

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log.entries import Entry
    from lineage_pipelines.orchestration.ui.version_list import ListedVersion
    from lineage_pipelines.queries.diff.explanation.change import Change
    from lineage_pipelines.queries.registry.alias_history import LoggedDecision
    from lineage_pipelines.queries.registry.baseline import Baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a version differs by from another one."""

    label: str
    """`flight_delay@3, in production`."""
    changes: "tuple[Change, ...]"
    """Most likely explanation first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A committed version."""

    entry: "Entry"
    trained: TrainedModel | None
    """None when an earlier attempt of this run had already committed it."""
    previous: "Entry | None"
    baseline: "Baseline | None"
    holder: "LoggedDecision | None" = None
    """The decision by which a version is in production; None where none is."""
    versions: "Sequence[ListedVersion]" = ()
    """This version and the last ones before it, newest first."""
    differences: tuple[Difference, ...] = ()
    repeated: bool = False
    """Whether the run would only have made this version again; then nothing was trained."""
