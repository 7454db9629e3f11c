"""`lineage diff REF REF`: why are two versions different?"""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineage_pipelines.cli.progress import progress_line
from lineage_pipelines.cli.session import FORMATS, Session, answer, output_option, print_answer, write_output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lineage_pipelines.queries.diff.stored_tables import Progress
    from lineage_pipelines.queries.diff.version_diff import VersionDiff

_FOOT = "This page shows what differs, not what caused it. It loads nothing from the network and runs no script."


@click.command("diff")
@click.argument("first", metavar="REF")
@click.argument("second", metavar="REF")
@click.option(
    "--rows/--no-rows",
    default=None,
    help="Compare the rows of changed data that is still stored: always, or never. By default up to 2 million cells.",
)
@click.option("--full", is_flag=True, help="Show every table, patches, and what is identical.")
@output_option()
@click.option(
    "--format",
    "form",
    type=click.Choice((*FORMATS, "html")),
    default="text",
    show_default=True,
    help="How to write the answer.",
)
@click.pass_obj
def command(
    session: Session, *, first: str, second: str, rows: bool | None, full: bool, output: Path | None, form: str
) -> int:
    """Explain how the second version differs from the first, the most likely explanation first.

    One screen: what moved, the five changes that explain most, and a line for each layer. Exits with 1 if anything
    differs.

    \b
    Examples:
      lineage diff flight_delay@production flight_delay
      lineage diff flight_delay@4 flight_delay@5 --rows
      lineage diff flight_delay@4 flight_delay@5 --format html -o why.html
    """
    if form == "html" and output is None and sys.stdout.isatty():
        raise click.UsageError("HTML is not written to a terminal: name a file, -o why.html")
    diff = _compare(session, first, second, rows=rows)
    if output is not None:
        write_output(output, _written(diff, form, full=full))
    elif form == "html":
        print_answer(_written(diff, form, full=full).encode())
    else:
        _print(diff, form, full=full)
    return 0 if diff.identical else 1


def _compare(session: Session, first: str, second: str, *, rows: bool | None) -> "VersionDiff":
    from lineage_pipelines.queries.diff.comparison import compare_versions
    from lineage_pipelines.queries.refs import resolve

    settings = session.settings()
    with session.open_catalog() as catalog, _progress() as progress:
        return compare_versions(
            catalog,
            resolve(catalog, first),
            resolve(catalog, second),
            artifacts=session.open_artifacts(catalog),
            project_dir=settings.project_dir,
            rows=rows,
            progress=progress,
        )


def _print(diff: "VersionDiff", form: str, *, full: bool) -> None:
    from lineage_pipelines.reports.views.diff import diff_document, diff_json

    answer(
        form,
        document=lambda: diff_document(diff, full=full),
        full=full,
        plain=lambda: diff_json(diff),
    )


def _written(diff: "VersionDiff", form: str, *, full: bool) -> str:
    """Return the answer for a file: without colours and without wrapping lines."""
    from lineage_pipelines.reports.render.html import render_html
    from lineage_pipelines.reports.render.json_text import render_json
    from lineage_pipelines.reports.render.markdown import render_markdown
    from lineage_pipelines.reports.render.text import render_text
    from lineage_pipelines.reports.views.diff import diff_document, diff_json, page_document

    if form == "json":
        return render_json(diff_json(diff))
    if form == "html":
        return render_html(diff_document(diff, full=True) if full else page_document(diff), foot=_FOOT)
    document = diff_document(diff, full=full)
    return render_markdown(document) if form == "markdown" else render_text(document)


@contextmanager
def _progress() -> "Iterator[Progress]":
    name, total = "", 0

    with progress_line() as show:
        show("comparing")

        def read(table: str, rows: int) -> None:
            nonlocal name, total
            total = total + rows if table == name else rows
            name = table
            show(f"comparing {name[:40]}, {total:,} rows read")

        yield read
