"""Trains mixes of two versions in sandboxes; what was trained once, by anybody, is not trained again."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import LineageError
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.training_run import Evaluation
from lineage_pipelines.replay.attribution.game import AttributionError, Coalition, InfeasibleMixError, Part
from lineage_pipelines.replay.mix_design import (
    MIXED,
    Differing,
    data_parts,
    differing_parts,
    mix,
    recipe,
    sub_parts,
)
from lineage_pipelines.replay.reproduction_run import Options
from lineage_pipelines.replay.row_groups import divide, fetch_table, write_between
from lineage_pipelines.replay.runner import RunError, run_training
from lineage_pipelines.replay.sandbox import build_sandbox
from lineage_pipelines.replay.workdirs import private_folder
from lineage_pipelines.system.atomic_file import replace_file


class KeptMixes:
    """What mixes came to, by their recipe, in a folder of the user's cache; past versions are mixes for free.

    Args:
        folder: where results are kept.
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
            said = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if "failed" in said:
            raise InfeasibleMixError(said["failed"])
        metrics: Mapping[str, float] = said["metrics"]
        return metrics

    def put(self, name: str, said: Mapping[str, object]) -> None:
        """Keep what a recipe came to; whole, or not at all."""
        replace_file(self._folder / f"{name}.json", json.dumps(said).encode())


def mixes_folder() -> Path:
    """Return where results are kept: `$XDG_CACHE_HOME/lineage-pipelines/mixes`."""
    from lineage_pipelines.replay.environments import cache_folder

    return cache_folder().with_name("mixes")


class RetrainedMixes:
    """Trains mixes of two versions of a model.

    Args:
        old: the old version.
        new: the new version.
        metric: the metric whose change is asked about.
        options: how a version is run again.
        kept: what is known already.

    Raises:
        AttributionError: nothing differs, or the metric was not measured in both.
    """

    def __init__(self, old: Entry, new: Entry, metric: str, options: Options, kept: KeptMixes) -> None:
        self.parts: dict[str, Differing] = {each.part.name: each for each in differing_parts(old.record, new.record)}
        """What may be taken from the new version, by name; `split` adds to it."""
        self.players = tuple(each.part for each in self.parts.values())
        if not self.parts:
            raise AttributionError(f"{old.ref} and {new.ref} were made of the same, so there is nothing to allocate to")
        for entry in (old, new):
            _value(entry.record.evaluation, metric, entry.ref)
        self._old, self._new, self._metric = old, new, metric
        self._options, self._kept = options, kept

    def split(self, player: str) -> tuple[Part, ...]:
        """Return the parts of a player that may be taken one by one; fewer than two where it has none."""
        name = self._divided(player)
        found = self._groups(name) if name else sub_parts(self._old.record, self._new.record, player)
        self.parts |= {each.part.name: each for each in found}
        return tuple(each.part for each in found)

    def _divided(self, player: str) -> str | None:
        """Return the dataset that a player is, if it is one."""
        names = {data.name for data in self._new.record.data}
        found = [name for name in names if player.endswith(f"({name})") or player == f"preparation of {name}"]
        return found[0] if found else None

    def _groups(self, name: str) -> Sequence[Differing]:
        before, after = self._tables(name)
        if before is None or after is None:
            return ()
        try:
            with private_folder() as folder:
                division = divide(*self._fetched(before, after, folder))
        except LineageError:  # a folder, or no table: it stays whole
            return ()
        return data_parts(self._new.record, name, division.column, division.groups) if division else ()

    def _tables(self, name: str) -> Sequence[DatasetSnapshot | None]:
        records = (self._old.record, self._new.record)
        return [next((data for data in record.data if data.name == name), None) for record in records]

    def _fetched(self, before: DatasetSnapshot, after: DatasetSnapshot, folder: Path) -> tuple[Path, Path]:
        project_dir = self._options.project_dir
        paths = folder / f"old-{before.name}", folder / f"new-{after.name}"
        return fetch_table(before, project_dir, paths[0]), fetch_table(after, project_dir, paths[1])

    def _between(self, record: LineageRecord, folder: Path) -> Mapping[str, Path]:
        """Write the tables of which only some groups are the new version's."""
        found = {}
        for data in record.data:
            said: Any = data.extra.get(MIXED)
            before, after = self._tables(data.name)
            if said and before is not None and after is not None:
                paths = self._fetched(before, after, folder)
                into = folder / f"mixed-{data.name}"
                into.mkdir()
                found[data.name] = write_between(*paths, said["column"], said["groups"], into)
        return found

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
            return self._kept.get(recipe(record)) is not None
        except InfeasibleMixError:
            return True

    def metrics(self, record: LineageRecord) -> Mapping[str, float]:
        """Return the metrics of a mix, trained now or before.

        Raises:
            InfeasibleMixError: it cannot run.
            LineageError: an environment or data is gone.
        """
        name = recipe(record)
        known = self._kept.get(name)
        if known is not None:
            return known
        try:
            found = self._train(record)
        except RunError as error:
            self._kept.put(name, {"failed": error.what})
            raise InfeasibleMixError(error.what) from error
        self._kept.put(name, {"metrics": dict(found)})
        return found

    def _train(self, record: LineageRecord) -> Mapping[str, float]:
        options = self._options
        with private_folder() as folder:
            sandbox = build_sandbox(
                record,
                project_dir=options.project_dir,
                artifacts=options.artifacts,
                folder=folder,
                substitutes=self._between(record, folder / "between"),
            )
            if not sandbox.can_run:
                raise LineageError("a mix cannot be laid out: " + "; ".join((*sandbox.differs, *sandbox.notes)))
            python = options.interpreter(record, sandbox.project)
            entry = run_training(sandbox.record, sandbox.place(python.python, options.pass_on), timeout=options.timeout)
        return entry.record.evaluation.metrics if entry.record.evaluation else {}


def _value(evaluation: Evaluation | None, metric: str, ref: str) -> float:
    metrics = evaluation.metrics if evaluation else {}
    if metric not in metrics:
        known = ", ".join(metrics) or "none"
        raise AttributionError(f"{ref} has no metric {metric!r}", fix=f"its metrics are: {known}")
    return metrics[metric]
