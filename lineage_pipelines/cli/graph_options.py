"""Graph options of `trace` and `impact`: the formats of a graph, and the file for a drawing."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineage_pipelines.cli.session import Function, answer, output_option, print_answer, write_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from lineage_pipelines.queries.graph.lineage_graph import LineageGraph
    from lineage_pipelines.records.values.canonical import Json
    from lineage_pipelines.reports.document import Document

FORMATS = ("text", "json", "markdown", "mermaid", "svg")


def drawing_options(function: Function) -> Function:
    """Add the options `--format`, including drawings, and `--output` to a command."""
    function = output_option("Write to this file instead of stdout; only mermaid and svg.")(function)
    choice = click.Choice(FORMATS)
    return click.option(
        "--format", "form", type=choice, default="text", show_default=True, help="The format of the answer."
    )(function)


def answer_drawn(
    form: str,
    output: Path | None,
    *,
    document: "Callable[[], Document]",
    plain: "Callable[[], Json]",
    graph: "Callable[[], LineageGraph]",
    full: bool,
) -> None:
    """Print an answer as `answer` does, or write its drawing.

    Raises:
        CatalogError: the file cannot be written.
    """
    if form not in ("mermaid", "svg"):
        if output is not None:
            raise click.UsageError("-o needs a drawing: add --format svg or --format mermaid")
        answer(form, document=document, plain=plain, full=full)
        return
    from lineage_pipelines.reports.charts.graph_svg import render_svg
    from lineage_pipelines.reports.views.trace import render_mermaid

    text = (render_svg if form == "svg" else render_mermaid)(graph())
    if output is None:
        print_answer(text.encode())
    else:
        write_output(output, text, what="drawing")
