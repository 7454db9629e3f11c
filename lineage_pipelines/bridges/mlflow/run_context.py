"""Run context: the tags that MLflow writes on every run that begins while a model of ours is trained.

MLflow itself loads this module, by its entry point `mlflow.run_context_provider`, in every process of an environment
that has this package: standard library only. The training is named in the environment, so that the processes that it
starts know of it, too.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.bridges.mlflow import tags

_NOTES = "LINEAGE_MLFLOW_NOTES"
_TAGS = {
    "LINEAGE_RUN_KEY": (tags.RUN_KEY,),
    "LINEAGE_ATTEMPT": (tags.ATTEMPT,),
    "LINEAGE_DAGSTER_RUN": (tags.DAGSTER_RUN, tags.DAGSTER_RUN_OF_OTHERS),
    "LINEAGE_ASSET_KEY": (tags.DAGSTER_ASSET,),
}
"""Variables of the environment, and the tags that hold their values."""


_here = threading.local()
"""The same variables, in the thread that trains: the environment is one for two trainings at once."""


def _variables() -> Mapping[str, str]:
    return getattr(_here, "variables", None) or os.environ


@contextlib.contextmanager
def environment(variables: Mapping[str, str], *, keep: Sequence[str] = ()) -> Iterator[None]:
    """Set variables of this process's environment; put back what was there, also of those that others may set."""
    before = {name: os.environ.get(name) for name in (*variables, *keep)}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One call of a training function."""

    run_key: str
    attempt: str
    dagster_run: str
    asset_key: str
    notes: Path
    """A file in the private folder of the attempt. MLflow asking for tags is noted there, with its tracking URI."""

    @contextlib.contextmanager
    def named(self) -> Iterator[None]:
        """Name this training in the environment of this process; put back what was there."""
        values = (self.run_key, self.attempt, self.dagster_run, self.asset_key)
        self.notes.touch()
        variables = {**dict(zip(_TAGS, values, strict=True)), _NOTES: str(self.notes)}
        with environment(variables):
            _here.variables = variables
            try:
                yield
            finally:
                _here.variables = None

    def noted(self) -> str | None:
        """Return the tracking URI of the run that was begun last, in whichever process; None when there was none."""
        lines = self.notes.read_text(encoding="utf-8").splitlines()
        return lines[-1] if lines else None


class TrainingContext:
    """MLflow's view of it, by the two methods that MLflow calls."""

    def in_context(self) -> bool:
        """Say whether a model of ours is being trained."""
        # A pool of processes may outlive the training that made it; the private folder does not.
        return Path(_variables().get(_NOTES, "/nowhere")).is_file()

    def tags(self) -> Mapping[str, str]:
        """Return the tags of a run that begins now."""
        variables = _variables()
        with contextlib.suppress(OSError), Path(variables[_NOTES]).open("a", encoding="utf-8") as notes:
            notes.write(f"{sys.modules['mlflow'].get_tracking_uri()}\n")
        return {tag: variables[name] for name, names in _TAGS.items() if name in variables for tag in names}


def register() -> None:
    """Register the provider where MLflow is loaded and did not find the entry point."""
    module = sys.modules.get("mlflow.tracking.context.registry")
    registry = getattr(module, "_run_context_provider_registry", None)
    if registry is not None and not any(type(each).__name__ == TrainingContext.__name__ for each in registry):
        registry.register(TrainingContext)
