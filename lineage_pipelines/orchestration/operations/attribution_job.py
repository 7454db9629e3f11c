"""Attribution job: `lineage attribute` in Dagster, one step for each mix, so that any executor distributes them.

Every step finds what the others trained in the cache of mixes; executors on several machines need that folder shared
(`XDG_CACHE_HOME`). There is a round for the repeats of the two versions, for one part at a time, and for all mixes; the
last step trains the rest.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from lineage_pipelines.errors import visible
from lineage_pipelines.orchestration.launch_check import check_at_launch
from lineage_pipelines.orchestration.lineage_resource import LineageResource
from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.records.statement.metric import metric_text

if TYPE_CHECKING:
    from lineage_pipelines.replay.mix_runner import RetrainedMixes

Request = dict[str, Any]
"""The question and, for one step, its mix, as plain values: steps are processes of their own."""
_POOL = "lineage_mixes"
_ROUNDS = ("versions", "one_at_a_time", "mixes")


class AttributionForm(dg.Config):
    """The launch form of an attribution."""

    old: str = Field(min_length=1, description="The old version, as flight_delay@4.")
    new: str = Field(min_length=1, description="The new version, as flight_delay@5.")
    metric: str = Field(min_length=1, description="The metric whose change is to be explained, as roc_auc.")
    seeds: int = Field(default=3, ge=3, description="Repeats of every mix. At least 3.")
    this_environment: bool = Field(default=False, description="Train with the libraries of this process.")


def build_attribute_job(*, name: str = "attribute_change") -> dg.JobDefinition:
    """Return the job that allocates a metric's change between two versions to what differs. It needs `lineage`.

    The analysis is stored in the log and shown on the last step.
    """

    @dg.op
    def ask(config: AttributionForm) -> Request:
        return config.model_dump()

    check_at_launch(ask, name, lambda values: AttributionForm(**values))

    @dg.op(out=dg.DynamicOut(), ins={"trained": dg.In(list)})
    def next_mixes(request: Request, trained: list[str], lineage: LineageResource) -> Iterator[Any]:  # noqa: ARG001  # before it
        yield from _next_mixes(request, lineage)

    @dg.op
    def nothing_yet() -> list[str]:
        return []

    @dg.op(pool=_POOL)
    def train_mix(context: dg.OpExecutionContext, asked: Request, lineage: LineageResource) -> str:
        return _train(context, asked, lineage)

    @dg.op(pool=_POOL, ins={"trained": dg.In(list)})
    def allocate_change(
        context: dg.OpExecutionContext, request: Request, trained: list[str], lineage: LineageResource
    ) -> None:
        context.log.info("%s mixes were trained in steps of their own", len(trained))
        _finish(context, request, lineage)

    @dg.job(name=name, description="To which of what differs is a metric's change allocated?")
    def job() -> None:
        request = ask()
        trained = nothing_yet()
        for stage in _ROUNDS:
            batch = next_mixes.alias(f"ask_for_{stage}")(request, trained)
            trained = batch.map(train_mix.alias(f"train_{stage}")).collect()
        allocate_change(request, trained)

    return job


def _open(request: Request, lineage: LineageResource) -> "RetrainedMixes":
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.replay.attribution_run import open_mixes

    with lineage.open_catalog() as catalog:
        old, new = resolve(catalog, request["old"]), resolve(catalog, request["new"])
        return open_mixes(catalog, old, new, request["metric"], _options(request, lineage))


def _options(request: Request, lineage: LineageResource) -> Any:  # noqa: ANN401  # imported when it is needed
    from lineage_pipelines.replay.reproduction_run import Options

    settings = lineage.settings()
    return Options(
        project_dir=settings.project_dir,
        artifacts=lineage.open_artifacts(),
        this_environment=request["this_environment"],
        trusted_types=settings.trusted_types,
    )


def _next_mixes(request: Request, lineage: LineageResource) -> Iterator[dg.DynamicOutput[Request]]:
    from lineage_pipelines.replay.attribution_run import next_batch

    mixes = _open(request, lineage)
    for number, (coalition, seed) in enumerate(next_batch(mixes, request["seeds"])):
        asked = {**request, "coalition": sorted(coalition), "seed": seed}
        yield dg.DynamicOutput(asked, mapping_key=f"mix_{number}")


def _train(context: dg.OpExecutionContext, asked: Request, lineage: LineageResource) -> str:
    from lineage_pipelines.replay.attribution.game import InfeasibleMixError

    mixes = _open(asked, lineage)
    words = ", ".join(asked["coalition"]) or "nothing"
    try:
        value = mixes.measure(frozenset(asked["coalition"]), asked["seed"])
    except InfeasibleMixError as error:  # an answer: two of the parts do not go without each other
        context.log.warning("new: %s (seed %s) cannot run: %s", words, asked["seed"], visible(error.what))
        return "infeasible"
    context.log.info("new: %s (seed %s): %s = %s", words, asked["seed"], asked["metric"], metric_text(value))
    return f"{value!r}"


def _finish(context: dg.OpExecutionContext, request: Request, lineage: LineageResource) -> None:
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.records.decisions.attribution import encode_attribution
    from lineage_pipelines.replay.attribution_run import attribute
    from lineage_pipelines.reports.views.attribute import sentence

    with lineage.open_catalog() as catalog:
        old, new = resolve(catalog, request["old"]), resolve(catalog, request["new"])
        found = attribute(catalog, old, new, request["metric"], _options(request, lineage), seeds=request["seeds"])
        about = [found.old.record, found.new.record]
        seq = catalog.registry.attach("attribution", encode_attribution(found), about=about)
    rows: Sequence[dict[str, str | int | float | bool | None]] = [
        {"player": each.name, "differs": each.differs, "allocated": each.allocated, "share": each.share}
        for each in found.allocation.players
    ]
    context.add_output_metadata(
        metadata_keys.without_none(
            {
                "attribution/sentence": dg.MetadataValue.text(sentence(found)),
                "attribution/players": metadata_keys.table(rows),
                "attribution/entry": seq,
            }
        )
    )
    context.log.info(visible(sentence(found)))
