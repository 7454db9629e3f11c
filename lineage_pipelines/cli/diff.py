"""`lineage diff REF REF`: why are two versions different?"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineage_pipelines.cli.session import FORMATS, Session, answer, print_answer
from lineage_pipelines.errors import CatalogError

if TYPE_CHECKING:
    from lineage_pipelines.queries.diff.changes import VersionDiff
    from lineage_pipelines.queries.diff.stored_tables import Progress

_PATIENCE = 2.0
_FOOT = "This page says what differs, never what caused it. It needs no network and runs no program."


@click.command("diff")
@click.argument("first", metavar="REF")
@click.argument("second", metavar="REF")
@click.option("--rows", is_flag=True, help="Read the data itself again, where both snapshots are at hand.")
@click.option("--full", is_flag=True, help="Unfold what is identical; show patches and tables whole.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of stdout.")
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
    session: Session, *, first: str, second: str, rows: bool, full: bool, output: Path | None, form: str
) -> int:
    """Say why the second version is different from the first, the most likely explanation first.

    Text ends with it, Markdown and HTML begin with it. Exits with 1 when anything differs.

    \b
    Examples:
      lineage diff flight_delay@production flight_delay
      lineage diff flight_delay@4 flight_delay@5 --rows
      lineage diff flight_delay@4 flight_delay@5 --format html -o why.html
    """
    if form == "html" and output is None and sys.stdout.isatty():
        raise click.UsageError("a page is nothing for a terminal: write it to a file, -o why.html")
    diff = _compare(session, first, second, rows=rows)
    if output is not None:
        _write(output, _written(diff, form, full=full))
        click.echo(f"wrote {output}", err=True)
    elif form == "html":
        print_answer(_written(diff, form, full=full).encode())
    else:
        _print(diff, form, full=full)
    return 0 if diff.identical else 1


def _compare(session: Session, first: str, second: str, *, rows: bool) -> "VersionDiff":
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.queries.diff.comparison import compare_versions
    from lineage_pipelines.queries.refs import resolve

    settings = session.settings()
    with session.open_catalog() as catalog, _told_when_long() as progress:
        return compare_versions(
            catalog,
            resolve(catalog, first),
            resolve(catalog, second),
            artifacts=ArtifactStore(settings.artifacts),
            project_dir=settings.project_dir,
            rows=rows,
            progress=progress,
        )


def _print(diff: "VersionDiff", form: str, *, full: bool) -> None:
    from lineage_pipelines.reports.views.diff import diff_document, diff_json

    answer(
        form,
        document=lambda: diff_document(diff, full=full, sentences_last=form == "text"),
        plain=lambda: diff_json(diff),
    )


def _written(diff: "VersionDiff", form: str, *, full: bool) -> str:
    """The answer for a file: without colours, lines as long as they are."""
    from lineage_pipelines.reports.render.html import render_html
    from lineage_pipelines.reports.render.json_text import render_json
    from lineage_pipelines.reports.render.markdown import render_markdown
    from lineage_pipelines.reports.render.text import render_text
    from lineage_pipelines.reports.views.diff import diff_document, diff_json

    if form == "json":
        return render_json(diff_json(diff))
    document = diff_document(diff, full=full, sentences_last=form == "text")
    if form == "html":
        return render_html(document, foot=_FOOT)
    return render_markdown(document) if form == "markdown" else render_text(document)


def _write(path: Path, text: str) -> None:
    try:
        # Names that Git or a disk gave may hold what is no UTF-8.
        path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        fix = "name a file in a folder that is there, and that this user may write to"
        raise CatalogError(f"the answer cannot be written: {error.strerror}", where=str(path), fix=fix) from error


class _Told:
    """What is said on stderr, in one line that is written over."""

    def __init__(self) -> None:
        self._begun, self._over = time.monotonic(), threading.Event()
        self._name, self._rows, self._long = "", 0, 0

    def rows(self, name: str, rows: int) -> None:
        """Take note of rows that were read."""
        self._rows = self._rows + rows if name == self._name else rows
        self._name = name

    def tell(self) -> None:
        """Say every half second what is read, once a person may wonder, until all is said."""
        while not self._over.wait(_PATIENCE if time.monotonic() - self._begun < _PATIENCE else 0.5):
            what = f" {self._name.encode('ascii', 'backslashreplace').decode()[:40]}" if self._rows else ""
            read = f", {self._rows:,} rows read" if self._rows else ""
            line = f"comparing{what}{read}, {time.monotonic() - self._begun:.0f} s"
            click.echo(f"\r{line:<{self._long}}", err=True, nl=False)
            self._long = len(line)

    def end(self) -> None:
        """Say no more, and take away what was said."""
        self._over.set()

    def wipe(self) -> None:
        """Leave the line as if nothing had been said."""
        if self._long:
            click.echo(f"\r{' ' * self._long}\r", err=True, nl=False)


@contextmanager
def _told_when_long() -> Iterator["Progress | None"]:
    """Say on stderr what is done, once a person may wonder; a file or a pipe is told nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    told = _Told()
    teller = threading.Thread(target=told.tell, daemon=True)
    teller.start()
    try:
        yield told.rows
    finally:
        told.end()
        teller.join()
        told.wipe()
