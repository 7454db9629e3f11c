"""`lineage bisect MODEL`: the first version in which a metric is bad."""

import click

from lineage_pipelines.cli.session import Session, answer, format_option, full_option


@click.command("bisect")
@click.argument("model")
@click.option("--metric", required=True, help="The metric to look at: roc_auc.")
@click.option("--good", metavar="REF", required=True, help="A version in which the metric is good.")
@click.option("--bad", metavar="REF", required=True, help="A version in which the metric is bad.")
@click.option("--threshold", type=float, help="The limit between good and bad; by default the middle of the two.")
@full_option("Show every version, however many.")
@format_option
@click.pass_obj
def command(
    session: Session, *, model: str, metric: str, good: str, bad: str, threshold: float | None, full: bool, form: str
) -> int:
    """Find the first recorded version of MODEL whose metric is bad.

    \b
    Example:
      lineage bisect flight_delay --metric roc_auc --good flight_delay@2 --bad flight_delay@5
    """
    from lineage_pipelines.queries.versions.bisect import bisect_metric
    from lineage_pipelines.reports.views.bisect import bisect_document, bisect_json

    with session.open_catalog() as catalog:
        result = bisect_metric(catalog, model, metric, good=good, bad=bad, threshold=threshold)
    answer(
        form,
        document=lambda: bisect_document(result),
        plain=lambda: bisect_json(result),
        full=full,
    )
    return 0
