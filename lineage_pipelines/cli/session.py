"""Session of one command: the chosen catalog, the format of the answer, and printing it."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from lineage_pipelines.errors import CatalogError, visible
from lineage_pipelines.settings import Settings, resolve_settings
from lineage_pipelines.system.user_account import user_name

if TYPE_CHECKING:
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.records.values.canonical import Json
    from lineage_pipelines.reports.document import Document

Function = TypeVar("Function", bound=Callable[..., object])

FORMATS = ("text", "json", "markdown")


@dataclass(frozen=True, slots=True)
class Session:
    """The global options."""

    catalog: str | None

    def settings(self) -> Settings:
        """Resolve the settings of the project around the current folder."""
        return resolve_settings(catalog=self.catalog)

    def open_catalog(self) -> "Catalog":
        """Open the catalog for reading; it is not created.

        Raises:
            NotFoundError: there is no catalog.
            CatalogError: it cannot be read.
        """
        from lineage_pipelines.catalog.catalog import Catalog

        settings = self.settings()
        return Catalog(settings.catalog, create=False, read_only=True, keys=settings.keys)

    def open_for_writing(self) -> "Catalog":
        """Open the catalog for writing; it is not created.

        Raises:
            NotFoundError: there is no catalog.
            CatalogError: it cannot be opened.
        """
        from lineage_pipelines.catalog.catalog import Catalog

        settings = self.settings()
        return Catalog(settings.catalog, create=False, keys=settings.keys, mirrors=settings.mirrors)

    def open_artifacts(self, catalog: "Catalog") -> "ArtifactStore":
        """Return the artifact store, which knows from the log what was removed from it on purpose."""
        from lineage_pipelines.artifacts.artifact_store import ArtifactStore
        from lineage_pipelines.queries.tombstones import purged_words

        return ArtifactStore(self.settings().artifacts, purged=purged_words(catalog))

    def start_mirroring(self) -> None:
        """Start sending what was committed to the systems that mirror the catalog, without waiting for them."""
        settings = self.settings()
        if settings.mirrors:
            from lineage_pipelines.bridges.mlflow.delivery_launcher import start_mirroring

            start_mirroring(settings, lambda words: echo_note(f"note: {words}"))


def echo_note(text: str) -> None:
    """Print a line on stderr. What it says of records is escaped: a terminal obeys what stands in it."""
    click.echo(visible(text), err=True)


def format_option(function: Function) -> Function:
    """Add the option `--format` to a command."""
    choice = click.Choice(FORMATS)
    return click.option(
        "--format", "form", type=choice, default="text", show_default=True, help="The format of the answer."
    )(function)


def limit_option(what: str) -> Callable[[Function], Function]:
    """Return the option `-n`: how many are shown, the newest ones."""
    return click.option(
        "-n",
        "--limit",
        type=click.IntRange(min=0),
        help=f"How many {what} to show, the newest ones; 0 for all. By default {PAGE}, and all in JSON.",
    )


PAGE = 20
"""How many lines of a list an answer in text or Markdown has by default."""


def page_size(limit: int | None, form: str) -> int | None:
    """Return how many things a list shows: what was asked for, else a page in text; None for all."""
    if limit is None:
        return None if form == "json" else PAGE
    return limit or None


def output_option(help_text: str = "Write to this file instead of stdout.") -> Callable[[Function], Function]:
    """Return the option `-o FILE` for a command."""
    return click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help=help_text)


def write_output(path: Path, text: str, *, what: str = "answer") -> None:
    """Write an answer to the file that `-o` names, in UTF-8, and say so.

    Args:
        path: the file.
        text: the answer. What is not valid Unicode, in names that Git or a disk gave, is escaped.
        what: a noun for the answer, for the error.

    Raises:
        CatalogError: the file cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        fix = "name a file in an existing folder that this user may write to"
        raise CatalogError(f"the {what} cannot be written: {error.strerror}", where=str(path), fix=fix) from error
    echo_note(f"wrote {path}")


def read_instant(text: str, option: str) -> datetime:
    """Return the instant, in UTC, that a person wrote as an option: ISO 8601 with a time zone.

    Raises:
        BadParameter: it is not a time, has no time zone, or is out of range in UTC.
    """
    example = "write 2026-12-01T00:00Z"
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise click.BadParameter(f"{text[:40]!r} has no time zone; {example} for UTC", param_hint=option)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        leap = " (leap seconds are not supported: write the next second)" if ":60" in text else ""
        raise click.BadParameter(f"not a time: {text[:40]!r}{leap}; {example}", param_hint=option) from error


def decider() -> str:
    """Return the name of the user, who makes the decision.

    Raises:
        CatalogError: the account has no name.
    """
    name = user_name()
    if name is None:
        raise CatalogError("this account has no user name, and a decision needs one", fix="set it: export LOGNAME=…")
    return name


WIDEST = 100
"""Columns of an answer in text."""
HIGHEST = 25
"""Lines of an answer in text, unless it is asked for whole."""


def full_option(help_text: str) -> Callable[[Function], Function]:
    """Return the option `--full` for a command whose answer is a screen by default."""
    return click.option("--full", is_flag=True, help=help_text)


def answer(
    form: str,
    *,
    document: "Callable[[], Document]",
    plain: "Callable[[], Json]",
    full: bool = True,
    whole: str = "--full",
) -> None:
    """Print one answer in the chosen format.

    Args:
        form: one of `FORMATS`.
        document: makes the answer in text and Markdown.
        plain: makes the answer in JSON.
        full: whether a text may be longer than a screen; else it is cut to one.
        whole: the option that shows what was cut.
    """
    from lineage_pipelines.reports.render.json_text import render_json
    from lineage_pipelines.reports.render.markdown import render_markdown
    from lineage_pipelines.reports.render.text import render_text

    if form == "json":
        print_answer(render_json(plain()))
    elif form == "markdown":
        print_answer(render_markdown(document()))
    else:
        columns = min(shutil.get_terminal_size().columns, WIDEST) if sys.stdout.isatty() else WIDEST
        lines = None if full else HIGHEST
        print_answer(render_text(document(), colour=_colour(), columns=columns, lines=lines, whole=whole))


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_answer(text: str | bytes) -> None:
    """Write an answer to standard output: text in its encoding, bytes as they are.

    Raises:
        CatalogError: it cannot be written.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        if isinstance(text, bytes):
            sys.stdout.buffer.write(text)
        else:
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`head`, `less`) has closed the pipe, which is not an error; nothing more may be written. click
        # would exit with 1.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python would flush the buffer again at exit, and report that
        raise CatalogError(
            f"the answer cannot be written: {error.strerror}",
            where="standard output",
            fix="redirect it elsewhere; the log already has what was to be stored (lineage history)",
        ) from error
