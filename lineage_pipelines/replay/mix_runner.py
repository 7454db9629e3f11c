"""Mix runner: trains mixes of two versions in sandboxes; what was trained once is not trained again."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import LineageError
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.training_run import Evaluation
from lineage_pipelines.replay.attribution.game import AttributionError, Coalition, InfeasibleMixError
from lineage_pipelines.replay.mix_design import Differing, differing_parts, mix, recipe
from lineage_pipelines.replay.reproduction_run import Options
from lineage_pipelines.replay.runner import RunError, run_training
from lineage_pipelines.replay.sandbox import build_sandbox, private_folder
from lineage_pipelines.system.atomic_file import replace_file


class MixCache:
    """Metrics of mixes, by their recipe, in a folder of the user's cache; past versions are mixes that cost nothing.

    Args:
        folder: where results are stored.
        known: versions whose results count as mixes.
    """

    def __init__(self, folder: Path, known: Iterable[Entry] = ()) -> None:
        self._folder = folder
        self._known: dict[str, Mapping[str, float]] = {}
        for entry in known:
            if entry.record.evaluation is not None:
                self._known.setdefault(recipe(entry.record), entry.record.evaluation.metrics)

    def get(self, name: str) -> Mapping[str, float] | None:
        """Return the metrics of a recipe.

        Raises:
            InfeasibleMixError: it was tried, and cannot run.
        """
        if name in self._known:
            return self._known[name]
        try:
            stored = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if "failed" in stored:
            raise InfeasibleMixError(stored["failed"])
        metrics: Mapping[str, float] = stored["metrics"]
        return metrics

    def put(self, name: str, outcome: Mapping[str, object]) -> None:
        """Store the outcome of a recipe, atomically."""
        replace_file(self._folder / f"{name}.json", json.dumps(outcome).encode())


def mixes_folder() -> Path:
    """Return where results are stored: `$XDG_CACHE_HOME/lineage-pipelines/mixes`."""
    from lineage_pipelines.replay.environments import cache_folder

    return cache_folder().with_name("mixes")


class RetrainedMixes:
    """Trains mixes of two versions of a model.

    Args:
        old: the old version.
        new: the new version.
        metric: the metric whose change is asked about.
        options: how a version is run again.
        cache: what is known already.

    Raises:
        AttributionError: nothing differs, or the metric was not measured in both.
    """

    def __init__(self, old: Entry, new: Entry, metric: str, options: Options, cache: MixCache) -> None:
        self.parts: dict[str, Differing] = {each.part.name: each for each in differing_parts(old.record, new.record)}
        """What may be taken from the new version, by name."""
        self.players = tuple(each.part for each in self.parts.values())
        if not self.parts:
            raise AttributionError(f"{old.ref} and {new.ref} were made of the same, so there is nothing to allocate to")
        for entry in (old, new):
            _value(entry.record.evaluation, metric, entry.ref)
        self._old, self._new, self._metric = old, new, metric
        self._options, self._cache = options, cache

    def measure(self, coalition: Coalition, seed: int) -> float:
        """Return the metric of a mix.

        Raises:
            InfeasibleMixError: it cannot run.
            LineageError: an environment or the data of a version is gone.
        """
        record = self._mix(coalition, seed)
        metrics = self.metrics(record)
        if self._metric not in metrics:
            raise InfeasibleMixError(f"{self._metric} was not measured")
        return metrics[self._metric]

    def _mix(self, coalition: Coalition, seed: int) -> LineageRecord:
        whole = coalition == {each.name for each in self.players}
        return mix(self._old.record, self._new.record, self.parts, coalition, whole=whole, seed=seed)

    def is_known(self, coalition: Coalition, seed: int) -> bool:
        """Say whether a mix needs no training."""
        record = self._mix(coalition, seed)
        try:
            return self._cache.get(recipe(record)) is not None
        except InfeasibleMixError:
            return True

    def metrics(self, record: LineageRecord) -> Mapping[str, float]:
        """Return the metrics of a mix, trained now or before.

        Raises:
            InfeasibleMixError: it cannot run.
            LineageError: an environment or data is gone.
        """
        name = recipe(record)
        known = self._cache.get(name)
        if known is not None:
            return known
        try:
            found = self._train(record)
        except RunError as error:
            self._cache.put(name, {"failed": error.what})
            raise InfeasibleMixError(error.what) from error
        self._cache.put(name, {"metrics": dict(found)})
        return found

    def _train(self, record: LineageRecord) -> Mapping[str, float]:
        options = self._options
        with private_folder() as folder:
            sandbox = build_sandbox(
                record,
                project_dir=options.project_dir,
                artifacts=options.artifacts,
                folder=folder,
            )
            if not sandbox.can_run:
                raise LineageError("a mix cannot be laid out: " + "; ".join((*sandbox.differs, *sandbox.notes)))
            python = options.interpreter(record, sandbox.project)
            entry = run_training(
                sandbox.record,
                sandbox.place(python.python, options.pass_on, options.trusted_types),
                timeout=options.timeout,
            )
        return entry.record.evaluation.metrics if entry.record.evaluation else {}


def _value(evaluation: Evaluation | None, metric: str, ref: str) -> float:
    metrics = evaluation.metrics if evaluation else {}
    if metric not in metrics:
        known = ", ".join(metrics) or "none"
        raise AttributionError(f"{ref} has no metric {metric!r}", fix=f"its metrics are: {known}")
    return metrics[metric]
