"""`lineage trace REF`: the origin of a version."""

from pathlib import Path

import click

from lineage_pipelines.cli.graph_options import answer_drawn, drawing_options
from lineage_pipelines.cli.session import Session, full_option


@click.command("trace")
@click.argument("ref")
@click.option("--depth", type=click.IntRange(1), help="How many steps to go back; training is the first.")
@full_option("Show the whole tree, however deep and wide.")
@drawing_options
@click.pass_obj
def command(session: Session, ref: str, *, depth: int | None, full: bool, form: str, output: Path | None) -> int:
    """Show the origin of a version: data, preparation steps, sources, commit and environment.

    \b
    Examples:
      lineage trace flight_delay@4
      lineage trace flight_delay@production --format svg -o lineage.svg
    """
    from lineage_pipelines.queries.graph.lineage_graph import fold_code
    from lineage_pipelines.queries.graph.trace import trace
    from lineage_pipelines.reports.views.trace import graph_json, trace_document

    with session.open_catalog() as catalog:
        graph = trace(catalog, ref, depth=depth)
    answer_drawn(
        form,
        output,
        document=lambda: trace_document(graph, full=full),
        plain=lambda: graph_json(graph),
        graph=lambda: fold_code(graph),
        full=full,
    )
    return 0
