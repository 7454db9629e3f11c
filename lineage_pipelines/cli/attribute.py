"""`lineage attribute REF REF --metric M`: which of the differences account for the change of a metric?"""

import math
from typing import TYPE_CHECKING, Any

import click

from lineage_pipelines.cli.progress import progress_line
from lineage_pipelines.cli.replay_options import ask, build_options, replay_options
from lineage_pipelines.cli.session import Session, answer, echo_note, format_option, full_option, print_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from lineage_pipelines.catalog.log.entries import Entry
    from lineage_pipelines.records.decisions.attribution import Attribution
    from lineage_pipelines.replay.attribution_run import Callbacks, Estimate
    from lineage_pipelines.replay.reproduction_run import Options


@click.command("attribute")
@click.argument("old")
@click.argument("new")
@click.option("--metric", required=True, help="The metric whose change is to be allocated.")
@click.option("--seeds", type=click.IntRange(min=3), default=3, show_default=True, help="Trainings of every mix.")
@click.option("--html", "page", is_flag=True, help="Write one self-contained HTML page with a plot.")
@click.option("--no-store", is_flag=True, help="Do not record the analysis in the log.")
@replay_options
@full_option("Show every factor from both versions, interactions, and how this was found.")
@format_option
@click.pass_obj
def command(
    session: Session,
    /,
    old: str,
    new: str,
    *,
    metric: str,
    seeds: int,
    page: bool,
    no_store: bool,
    yes: bool,
    full: bool,
    form: str,
    **given: Any,  # noqa: ANN401  # as `build_options` takes them
) -> int:
    """Allocate the change of a metric from OLD to NEW to the data, code, parameters and libraries that differ.

    Mixes of the two versions are trained in sandboxes, each with three seeds or more, and Shapley values are computed
    from the results. Finished trainings are kept, so that an interrupted analysis continues where it stopped. Before it
    starts, it estimates how long it will take and asks for confirmation.

    \b
    Examples:
      lineage attribute flight_delay@2 flight_delay@3 --metric roc_auc
      lineage attribute flight_delay@4 flight_delay@5 --metric roc_auc --yes --html > why.html
    """
    from lineage_pipelines.errors import NotFoundError
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.replay.attribution_run import attribute
    from lineage_pipelines.reports.views.attribute import attribution_document, attribution_html, attribution_json

    with session.open_catalog() as catalog:
        options = build_options(session.settings(), session.open_artifacts(catalog), **given)
        first, second = resolve(catalog, old), resolve(catalog, new)
        if first.model != second.model:
            raise NotFoundError(
                f"{first.ref} and {second.ref} are versions of different models; name two versions of one model"
            )
        with progress_line() as show:
            callbacks = _callbacks(first, second, options, show, yes=yes)
            attribution = attribute(catalog, first, second, metric, options, seeds=seeds, callbacks=callbacks)
    if not no_store:
        echo_note(f"recorded as entry {_store(session, attribution):,} of the log")
    if page:
        print_answer(attribution_html(attribution))
    else:
        answer(
            form,
            document=lambda: attribution_document(attribution, full=full),
            plain=lambda: attribution_json(attribution),
            full=full,
        )
    return 1


def _callbacks(
    first: "Entry", second: "Entry", options: "Options", show: "Callable[[str], None]", *, yes: bool
) -> "Callbacks":
    from lineage_pipelines.replay.attribution_run import Callbacks

    def confirm(estimate: "Estimate") -> None:
        if not yes:
            ask([first, second], options, *_words(estimate))
        show("training")

    return Callbacks(confirm=confirm, progress=_shown(show))


def _words(estimate: "Estimate") -> list[str]:
    players = ", ".join(part.name for part in estimate.players)
    fewest, most = (max(count - estimate.known, 0) for count in (estimate.fewest, estimate.most))
    low, high = (math.ceil(count * estimate.seconds / 60) for count in (fewest, most))
    return [
        f"what differs: {players}",
        f"{fewest:,} to {most:,} trainings, {low:,} to {high:,} minutes at {estimate.seconds:.0f} s each",
    ]


def _shown(show: "Callable[[str], None]") -> "Callable[[int, int, frozenset[str], int], None]":
    def training(done: int, count: int, mix: frozenset[str], seed: int) -> None:
        new = ", ".join(sorted(mix)) or "nothing"
        show(f"{done:,} of {count:,} trainings, new: {new[:50]} (seed {seed})")

    return training


def _store(session: Session, attribution: "Attribution") -> int:
    from lineage_pipelines.records.decisions.attribution import encode_attribution

    with session.open_for_writing() as catalog:
        about = [attribution.old.record, attribution.new.record]
        return catalog.registry.attach("attribution", encode_attribution(attribution), about=about)
