"""Tracking session: joins the MLflow run in which a training function tracks itself, and reads it afterwards.

MLflow is not imported unless the function used it. What MLflow does not answer in time is noted in the record, and
neither fails nor delays the training.
"""

import contextlib
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lineage_pipelines.bridges.mlflow import tags
from lineage_pipelines.bridges.mlflow.run_context import Training, environment, register
from lineage_pipelines.bridges.mlflow.server import LostServerError, public_address, read_pages, translated_errors
from lineage_pipelines.errors import LineageError
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.training_run import MlflowRun

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.store.entities import PagedList

FROM_THE_RUN = "from MLflow's run"
"""The end of the line that declares values of a record to be MLflow's."""
_PARENT = "mlflow.parentRunId"
_AT_ONCE = 1000
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedRun:
    """A run under the training's."""

    name: str
    metrics: Mapping[str, float]
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedRun:
    """What MLflow knows of a training, values as MLflow has them."""

    link: MlflowRun | None = None
    """None where the run is not known by its id."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Last values; they need not be finite."""
    params: Mapping[str, str] = field(default_factory=dict)
    nested: tuple[NestedRun, ...] = ()
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingQuery:
    """What is known of a training's runs in the process that trained."""

    address: str
    """The tracking URI."""
    attempt: str
    began: int
    """When training began, in milliseconds since 1970: older runs hold values of others, too."""
    known: str | None = None
    """The run that is or was active, if there is one."""
    others: frozenset[str] = frozenset()
    """Parameters that `known` had before the training."""


def candidates_are_runs(record: LineageRecord) -> bool:
    """Say whether the candidates of a record are nested runs of the run that it links."""
    return any(line.startswith("candidates: ") and line.endswith(FROM_THE_RUN) for line in record.completeness.declared)


def read_run(query: TrackingQuery) -> TrackedRun:
    """Ask the server for the runs that a training began, and read the one that stands for it.

    That is the one that was begun last and is nested in no other; else the one that was active all the time.

    Raises:
        Exception: whatever MLflow raises.
    """
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=query.address)
    begun = list(_begun(client, query))
    run = _training_run(client, begun, query)
    if run is None:
        return TrackedRun()
    experiment = client.get_experiment(run.info.experiment_id).name
    others = [each for each in _tops(begun, query.known) if each.info.run_id != run.info.run_id]
    return TrackedRun(
        link=MlflowRun(run_id=run.info.run_id, server=public_address(query.address), experiment=experiment),
        metrics=_metrics(run, query.began),
        params={name: text for name, text in run.data.params.items() if name not in _older(run, query)},
        nested=tuple(_nested(run, begun)),
        gaps=(_other_runs(others),) if others else (),
    )


def _begun(client: "MlflowClient", query: TrackingQuery) -> "Iterator[Run]":
    """Yield the runs that bear the training's tag, the oldest first."""
    filtered = f"tags.`{tags.ATTEMPT}` = '{query.attempt}'"
    for experiments in read_pages(
        query.address, lambda token: client.search_experiments(max_results=_AT_ONCE, page_token=token)
    ):
        ids = [experiment.experiment_id for experiment in experiments]
        for runs in read_pages(query.address, partial(_search_runs, client, ids, filtered)):
            yield from runs


def _search_runs(client: "MlflowClient", experiments: list[str], filtered: str, token: str | None) -> "PagedList[Run]":
    order = ["attributes.start_time ASC"]
    return client.search_runs(experiments, filtered, max_results=_AT_ONCE, order_by=order, page_token=token)


def _training_run(client: "MlflowClient", begun: "Sequence[Run]", query: TrackingQuery) -> "Run | None":
    tops = _tops(begun, query.known)
    if tops:
        return tops[-1]
    return client.get_run(query.known) if query.known else None


def _tops(begun: "Sequence[Run]", known: str | None) -> "list[Run]":
    ids = {run.info.run_id for run in begun}
    outer = known if known not in ids else None
    return [run for run in begun if run.data.tags.get(_PARENT) not in ids | {outer} or _PARENT not in run.data.tags]


def _metrics(run: "Run", began: int) -> Mapping[str, float]:
    points = getattr(run.data, "_metric_objs", None)
    if run.info.start_time >= began or points is None:
        return dict(run.data.metrics)
    return {point.key: point.value for point in points if point.timestamp >= began}


def _older(run: "Run", query: TrackingQuery) -> frozenset[str]:
    return query.others if run.info.run_id == query.known else frozenset()


def _nested(run: "Run", begun: "Sequence[Run]") -> Iterator[NestedRun]:
    for each in begun:
        if each.data.tags.get(_PARENT) == run.info.run_id and (each.data.metrics or each.data.params):
            name = each.info.run_name or each.info.run_id
            yield NestedRun(name=name, metrics=dict(each.data.metrics), params=dict(each.data.params))


def _other_runs(others: "Sequence[Run]") -> str:
    names = ", ".join(run.info.run_id for run in others[:_NAMED])
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    return f"run.mlflow: training began {len(others) + 1} runs; the last one is linked, not {names}{more}"


SECONDS = 10.0
"""How long the training waits for MLflow, in all."""
_ADDRESS = "MLFLOW_TRACKING_URI"
_ONE_ANSWER = 4
"""Seconds for one answer of a server."""
_Answer = TypeVar("_Answer")
_log = logging.getLogger(__name__)


class TrackingSession:
    """One call of a training function, and what MLflow knows of it."""

    def __init__(self, training: Training) -> None:
        self.run: TrackedRun | None = None
        """None as long as the training runs, and where it did not use MLflow."""
        self._training = training
        self._began = int(time.time() * 1000)
        self._open = _open_runs()
        self._last = _last_run()
        self._lost: LineageError | None = None
        self._unread: LineageError | None = None
        self._others: frozenset[str] = frozenset()

    def before(self) -> None:
        """Note which parameters the open run already has: they are not the training's."""
        if self._open:  # else MLflow may not be imported
            address, run_id = _mlflow().get_tracking_uri(), self._open[-1]

            def read() -> frozenset[str]:
                return frozenset(_mlflow().MlflowClient(tracking_uri=address).get_run(run_id).data.params)

            try:
                self._others = _within(SECONDS, read, address)
            except LineageError as error:
                self._unread = error

    def after(self, status: str) -> None:
        """End the runs that the training left open, the innermost first, and read the training's. Never fails."""
        try:
            self._after(status, time.monotonic() + SECONDS)
        except Exception as error:  # noqa: BLE001  # a model was trained, whatever MLflow has become
            _log.warning("the MLflow run of the training could not be joined", exc_info=True)
            self.run = TrackedRun(gaps=(f"run.mlflow: not joined: {type(error).__name__} in MLflow",))

    def _after(self, status: str, deadline: float) -> None:
        address = self._training.noted()
        if "mlflow" not in sys.modules and address is None:
            return
        begun = [run for run in _open_runs() if run not in self._open]
        for _ in begun:
            self._end(status, deadline)
        known = self._known(begun)
        if status == "FINISHED" and (address or known):
            self.run = self._read(address or _mlflow().get_tracking_uri(), known, deadline)

    def _end(self, status: str, deadline: float) -> None:
        """End the innermost run that is open in this thread, by another one: MLflow's own call has no time limit."""
        fluent, address = _fluent(), _mlflow().get_tracking_uri()
        run = fluent._active_run_stack.get().pop()  # noqa: SLF001  # MLflow lets only its own thread close a run
        fluent._last_active_run_id.set(run.info.run_id)  # noqa: SLF001

        def end() -> None:
            fluent._active_run_stack.set([run])  # noqa: SLF001
            _mlflow().end_run(status)

        if self._lost is None:
            try:
                _within(deadline - time.monotonic(), end, address)
            except LineageError as error:
                self._lost = error
                _log.warning("the MLflow run %s could not be ended: %s", run.info.run_id, error.what)

    def _known(self, begun: list[str]) -> str | None:
        """Return the run that this process knows: the outermost that was left open, the last one, or the one around."""
        last = _last_run()
        if begun:
            return begun[0]
        if last is not None and last != self._last and last not in self._open:
            return last
        return self._open[-1] if self._open else None

    def _read(self, address: str, known: str | None, deadline: float) -> TrackedRun:
        query = TrackingQuery(
            address=address, attempt=self._training.attempt, began=self._began, known=known, others=self._others
        )
        try:
            lost = self._lost or (self._unread if known in self._open else None)
            if lost is not None:
                raise lost
            return _within(deadline - time.monotonic(), lambda: _read_all(query), address)
        except LineageError as error:
            named = f"run {known}" if known else "a run that the training began"
            link = MlflowRun(run_id=known, server=public_address(address)) if known else None
            return TrackedRun(link=link, gaps=(f"run.mlflow: {named} could not be read: {error.what}",))


@contextlib.contextmanager
def track_training(training: Training, mirror: str | None = None) -> Iterator[TrackingSession]:
    """Surround the call of a training function; what MLflow knows of it is in `run` afterwards.

    Args:
        training: names it.
        mirror: the project's MLflow: where the function tracks itself, unless it says otherwise.
    """
    register()
    joined = TrackingSession(training)
    # `mlflow.set_tracking_uri` sets the variable, too: it is for the function's own run, and no mirror of the catalog.
    with environment({_ADDRESS: mirror} if mirror else {}, keep=[_ADDRESS]):
        with _impatient():
            joined.before()
        try:
            with training.named():
                yield joined
        except BaseException:
            with _impatient():
                joined.after("FAILED")
            raise
        with _impatient():
            joined.after("FINISHED")


def _mlflow() -> Any:  # noqa: ANN401
    import mlflow

    return mlflow


def _fluent() -> Any:  # noqa: ANN401
    """MLflow's module that knows the open runs, if it was imported; its public calls know the innermost of them."""
    return sys.modules.get("mlflow.tracking.fluent")


def _open_runs() -> list[str]:
    """Return the runs that are open in this thread, the outermost first."""
    stack = getattr(_fluent(), "_active_run_stack", None)
    return [run.info.run_id for run in stack.get()] if stack is not None else []


def _last_run() -> str | None:
    """Return the run that was ended last in this thread; no server is asked, unlike by `mlflow.last_active_run`."""
    last = getattr(_fluent(), "_last_active_run_id", None)
    found: str | None = last.get() if last is not None else None
    return found


def _read_all(query: TrackingQuery) -> TrackedRun:
    _mlflow().flush_async_logging()
    return read_run(query)


def _impatient() -> contextlib.AbstractContextManager[None]:
    """Let MLflow's client wait a few seconds for an answer, and ask once: by itself it asks for minutes."""
    return environment({"MLFLOW_HTTP_REQUEST_TIMEOUT": str(_ONE_ANSWER), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"})


def _within(seconds: float, ask: Callable[[], _Answer], address: str) -> _Answer:
    """Return what MLflow answers.

    Raises:
        LineageError: it does not, or not in time.
    """
    answers: queue.SimpleQueue[tuple[_Answer | None, LineageError | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            with translated_errors(address):
                answers.put((ask(), None))
        except Exception as error:  # noqa: BLE001  # an exception in a thread is lost
            answers.put((None, _as_ours(error, address)))

    # A daemon: the process does not wait for it when it ends, either.
    threading.Thread(target=work, name="lineage-mlflow", daemon=True).start()
    try:
        answer, trouble = answers.get(timeout=max(seconds, _ONE_ANSWER / 4))
    except queue.Empty:
        raise LostServerError(f"no answer within {SECONDS:.0f} s", where=public_address(address)) from None
    if trouble is not None:
        raise trouble
    return answer  # type: ignore[return-value]  # None is an answer where None was asked for


def _as_ours(error: Exception, address: str) -> LineageError:
    if isinstance(error, LineageError):
        return error
    return LostServerError(f"{type(error).__name__} in MLflow", where=public_address(address))
