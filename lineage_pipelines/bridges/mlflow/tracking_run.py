"""The runs that a training began, as MLflow tells them: which one stands for the training, and what it holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lineage_pipelines.bridges.mlflow import tags
from lineage_pipelines.bridges.mlflow.server import public_address
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.training_run import MlflowRun

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

FROM_THE_RUN = "from MLflow's run"
"""How the line ends that says of values of a record that they are MLflow's."""
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
class Wanted:
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


def read_run(wanted: Wanted) -> TrackedRun:
    """Ask the server for the runs that a training began, and read the one that stands for it.

    That is the one that was begun last and is nested in no other; else the one that was active all the time.

    Raises:
        Exception: whatever MLflow raises.
    """
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=wanted.address)
    begun = list(_begun(client, wanted))
    run = _stands_for_it(client, begun, wanted)
    if run is None:
        return TrackedRun()
    experiment = client.get_experiment(run.info.experiment_id).name
    others = [each for each in _tops(begun, wanted.known) if each.info.run_id != run.info.run_id]
    return TrackedRun(
        link=MlflowRun(run_id=run.info.run_id, server=public_address(wanted.address), experiment=experiment),
        metrics=_metrics(run, wanted.began),
        params={name: text for name, text in run.data.params.items() if name not in _older(run, wanted)},
        nested=tuple(_nested(run, begun)),
        gaps=(_said(others),) if others else (),
    )


def _begun(client: "MlflowClient", wanted: Wanted) -> "Iterator[Run]":
    """Yield the runs that bear the training's tag, the oldest first."""
    filtered = f"tags.`{tags.ATTEMPT}` = '{wanted.attempt}'"
    order = ["attributes.start_time ASC"]
    for page in _experiments(client):
        ids = [experiment.experiment_id for experiment in page]
        token = None
        while True:
            runs = client.search_runs(ids, filtered, max_results=_AT_ONCE, order_by=order, page_token=token)
            yield from runs
            token = runs.token
            if not token:
                break


def _experiments(client: "MlflowClient") -> "Iterator[Sequence[Experiment]]":
    token = None
    while True:
        page = client.search_experiments(max_results=_AT_ONCE, page_token=token)
        yield page
        token = page.token
        if not token:
            break


def _stands_for_it(client: "MlflowClient", begun: "Sequence[Run]", wanted: Wanted) -> "Run | None":
    tops = _tops(begun, wanted.known)
    if tops:
        return tops[-1]
    return client.get_run(wanted.known) if wanted.known else None


def _tops(begun: "Sequence[Run]", known: str | None) -> "list[Run]":
    ids = {run.info.run_id for run in begun}
    outer = known if known not in ids else None
    return [run for run in begun if run.data.tags.get(_PARENT) not in ids | {outer} or _PARENT not in run.data.tags]


def _metrics(run: "Run", began: int) -> Mapping[str, float]:
    points = getattr(run.data, "_metric_objs", None)
    if run.info.start_time >= began or points is None:
        return dict(run.data.metrics)
    return {point.key: point.value for point in points if point.timestamp >= began}


def _older(run: "Run", wanted: Wanted) -> frozenset[str]:
    return wanted.others if run.info.run_id == wanted.known else frozenset()


def _nested(run: "Run", begun: "Sequence[Run]") -> Iterator[NestedRun]:
    for each in begun:
        if each.data.tags.get(_PARENT) == run.info.run_id and (each.data.metrics or each.data.params):
            name = each.info.run_name or each.info.run_id
            yield NestedRun(name=name, metrics=dict(each.data.metrics), params=dict(each.data.params))


def _said(others: "Sequence[Run]") -> str:
    names = ", ".join(run.info.run_id for run in others[:_NAMED])
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    return f"run.mlflow: training began {len(others) + 1} runs; the last one is linked, not {names}{more}"
