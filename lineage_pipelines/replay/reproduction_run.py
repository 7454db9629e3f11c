"""Reproduction run: a past run, rebuilt outside the workspace and run again; the level reached is the verdict."""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import ArtifactError, NotFoundError
from lineage_pipelines.records.decisions.reproduction import (
    Level,
    MetricAgain,
    Reproduction,
    ReproductionStep,
    reached_level,
)
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.metric import metric_text
from lineage_pipelines.replay.environments import (
    Building,
    EnvironmentGoneError,
    Interpreter,
    find_interpreter,
    in_words,
    this_instead,
)
from lineage_pipelines.replay.level_check import (
    Tolerances,
    compare_hosts,
    compare_inputs,
    compare_metrics,
    compare_models,
    compare_predictions,
    unrecorded_influences,
)
from lineage_pipelines.replay.runner import RunError, passed_variables, run_training
from lineage_pipelines.replay.sandbox import Sandbox, build_sandbox, private_folder
from lineage_pipelines.system.user_account import account


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a version is run again."""

    project_dir: Path
    """Any folder of the project."""
    artifacts: ArtifactStore
    check_only: bool = False
    """Whether nothing is trained and nothing is built: R2 is then the highest level."""
    building: Building = field(default_factory=Building)
    this_environment: bool = False
    """Whether to run in this environment, whatever the record says."""
    tolerances: Tolerances = field(default_factory=Tolerances)
    substitutes: Mapping[str, Path] = field(default_factory=dict)
    """Other files for inputs, by the input's name: what if it had been this?"""
    pass_on: Sequence[str] = ()
    """Environment variables that training gets beside those that every process needs."""
    trusted_types: Sequence[str] = ()
    """Types that the reader trusts beyond those of scikit-learn, NumPy and SciPy."""
    timeout: float | None = None
    """Seconds; None for no limit."""
    keep: Path | None = None
    """Leave the sandbox here."""
    tell: Callable[[str], None] = lambda _: None

    def interpreter(self, record: LineageRecord, own: Path) -> Interpreter:
        """Return the Python that a record is run with.

        Args:
            record: whose environment it is to be.
            own: the project in the sandbox.

        Raises:
            EnvironmentGoneError: it cannot be had.
        """
        if self.this_environment:
            return this_instead(record.environment, self.artifacts)
        building = replace(self.building, build=False) if self.check_only else self.building
        return find_interpreter(record.environment, self.artifacts, own=own, building=building)


def reproduce(entry: Entry, options: Options) -> Reproduction:
    """Run a version again in a sandbox and say how far it came.

    The workspace, DVC's state, Git, the catalog and the Dagster instance are left as they are; storing the verdict is
    for the caller.

    Raises:
        NotFoundError: a substitute names no input, or the folder to keep is not empty.
        DatasetError: the DVC project cannot be read.
    """
    started = datetime.now(UTC)
    unknown = set(options.substitutes) - {data.name for data in entry.record.data}
    if unknown:
        known = ", ".join(data.name for data in entry.record.data)
        raise NotFoundError(f"{entry.ref} has no input {sorted(unknown)[0]!r}", fix=f"its inputs are: {known}")
    with private_folder(options.keep) as folder:
        attempt = _Attempt(entry, options)
        attempt.run(folder)
    return Reproduction(
        record=entry.digest,
        model=entry.model,
        version=entry.version,
        level=reached_level(attempt.steps),
        checked_only=options.check_only,
        steps=tuple(attempt.steps),
        differs=tuple(attempt.differs),
        hints=attempt.hints,
        metrics_compared=attempt.count,
        metrics=attempt.metrics,
        tolerance=options.tolerances.origin if attempt.metrics else "",
        compared=attempt.compared,
        again=attempt.again.digest if attempt.again else None,
        by=account(),
        host=socket.gethostname(),
        started=started,
        finished=datetime.now(UTC),
    )


class _Attempt:
    """Goes up the levels as far as possible, and collects what was found."""

    def __init__(self, entry: Entry, options: Options) -> None:
        self.entry, self.options = entry, options
        self.steps: list[ReproductionStep] = []
        self.differs: list[str] = []
        self.hints: tuple[str, ...] = ()
        self.count = 0
        self.metrics: tuple[MetricAgain, ...] = ()
        self.compared = ""
        self.again: Entry | None = None

    def _step(self, level: Level, *, reached: bool, detail: str) -> None:
        self.steps.append(ReproductionStep(level=level, reached=reached, detail=detail))

    def run(self, folder: Path) -> None:
        options, record = self.options, self.entry.record
        options.tell("looking for the inputs")
        sandbox = build_sandbox(
            record,
            project_dir=options.project_dir,
            artifacts=options.artifacts,
            folder=folder,
            substitutes=options.substitutes,
            check_only=options.check_only,
        )
        if not self._inputs(sandbox):
            return
        options.tell("looking for the environment")
        python = self._setting(sandbox)
        if python is None or options.check_only:
            return
        self._train(sandbox, python)

    def _inputs(self, sandbox: Sandbox) -> bool:
        self.differs += sandbox.differs
        reached = not sandbox.differs
        more = f", and {len(sandbox.differs) - 1:,} more" if len(sandbox.differs) > 1 else ""
        detail = sandbox.detail if reached else f"{sandbox.differs[0]}{more}"
        self._step(Level.INPUTS, reached=reached, detail=detail)
        return sandbox.can_run

    def _setting(self, sandbox: Sandbox) -> Interpreter | None:
        record, options = self.entry.record, self.options
        try:
            python = options.interpreter(record, sandbox.project)
        except EnvironmentGoneError as error:
            self.differs.append(f"environment: {error.what}")
            self._step(Level.SETTING, reached=False, detail=f"{error.what}; {error.fix}")
            return None
        if options.check_only:
            packages = f"{record.environment.package_count:,} libraries"
            reached = not python.differs and not sandbox.differs
            words = f"{packages} as recorded ({python.origin})" if reached else in_words(python.differs)
            self._step(Level.SETTING, reached=reached, detail=f"{words}; source from {sandbox.origin}")
        return python

    def _train(self, sandbox: Sandbox, python: Interpreter) -> None:
        options = self.options
        place = sandbox.place(python.python, options.pass_on, options.trusted_types)
        try:
            again = run_training(sandbox.record, place, timeout=options.timeout, tell=options.tell)
        except RunError as error:
            self._step(Level.SETTING, reached=not python.differs, detail=f"{python.origin}; source {sandbox.origin}")
            self._step(Level.RAN, reached=False, detail=error.what)
            self.differs.append(f"run: {error.what}")
            self.hints = tuple(unrecorded_influences(self.entry.record, passed_variables(sandbox.record, place)))
            return
        self.again = again
        self._compare(self.entry.record, again.record, sandbox, python)
        if reached_level(self.steps) is not Level.MODEL:
            self.hints = tuple(unrecorded_influences(self.entry.record, passed_variables(sandbox.record, place)))

    def _compare(self, before: LineageRecord, after: LineageRecord, sandbox: Sandbox, python: Interpreter) -> None:
        store, made = self.options.artifacts, sandbox.artifacts
        try:
            packages = made.read(after.environment.packages).decode("utf-8", "replace")
        except ArtifactError:
            packages = None
        found = list(compare_inputs(before, after, store, packages))
        self.differs += [each for each in found if each not in self.differs]
        setting = [each for each in found if each.startswith(("code:", "environment:"))]
        packages_text = f"{after.environment.package_count:,} libraries ({python.origin}), source from {sandbox.origin}"
        self._step(Level.SETTING, reached=not setting, detail=in_words(setting) if setting else packages_text)
        seconds = (after.run.finished - after.run.started).total_seconds()
        self._step(Level.RAN, reached=True, detail=f"in {seconds:.1f} s")
        self._compare_results(before, after, sandbox)
        self.differs += compare_hosts(before, after)

    def _compare_results(self, before: LineageRecord, after: LineageRecord, sandbox: Sandbox) -> None:
        store, made = self.options.artifacts, sandbox.artifacts
        self.count, self.metrics, gone = compare_metrics(before.evaluation, after.evaluation, self.options.tolerances)
        outside = [each for each in self.metrics if not each.within]
        self._step(Level.METRICS, reached=not outside and not gone, detail=self._metrics_text(gone))
        if outside or gone:
            self.differs.append(f"metrics: {self._metrics_text(gone)}")
        same, seen, self.compared = compare_models(before, after, store, made)
        equal, words = compare_predictions(before, after, store, made)
        if equal is None and same:
            equal, words = True, f"as the model is the same: {words}"
        elif equal is False:
            self.differs.append(f"predictions: {words}")
        if not same:
            self.differs.append(f"model: {seen}")
        self._step(Level.PREDICTIONS, reached=bool(equal), detail=words)
        self._step(Level.MODEL, reached=same, detail=seen)

    def _metrics_text(self, gone: Sequence[str]) -> str:
        if gone:
            return f"{in_words(gone)} not measured again"
        if not self.count:
            return "no metric was recorded"
        if not self.metrics:
            return f"all {self.count:,} equal, overall and by slice"
        outside = [each for each in self.metrics if not each.within]
        first = (outside or self.metrics)[0]
        again, recorded = metric_text(first.again), metric_text(first.recorded)
        if again == recorded:  # they differ in a later digit
            again, recorded = repr(first.again), repr(first.recorded)
        shown = f"{first.name} {again} instead of {recorded}"
        if not outside:
            return f"{len(self.metrics):,} of {self.count:,} moved, within tolerance ({self.options.tolerances.origin})"
        return f"{len(outside):,} of {self.count:,} outside tolerance ({self.options.tolerances.origin}): {shown}"
