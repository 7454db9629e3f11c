"""What every verb shares: the catalog that was asked for, the format of the answer, and how it is printed."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from lineage_pipelines.catalog import Settings, resolve_settings

if TYPE_CHECKING:
    from lineage_pipelines.catalog import Catalog
    from lineage_pipelines.records import Json
    from lineage_pipelines.reports import Document

Function = TypeVar("Function", bound=Callable[..., object])

FORMATS = ("text", "json", "markdown")


@dataclass(frozen=True, slots=True)
class Session:
    """The global options."""

    catalog: str | None

    def settings(self) -> Settings:
        """Resolve the configuration from here upwards."""
        return resolve_settings(catalog=self.catalog)

    def open_catalog(self) -> "Catalog":
        """Open the catalog for reading; it is never made by a question.

        Raises:
            NotFoundError: there is none.
            CatalogError: it cannot be read.
        """
        from lineage_pipelines.catalog import Catalog

        settings = self.settings()
        return Catalog(settings.catalog, create=False, read_only=True, keys=settings.keys)

    def open_for_writing(self) -> "Catalog":
        """Open the catalog for a decision; it is not made by one.

        Raises:
            NotFoundError: there is none.
            CatalogError: it cannot be opened.
        """
        from lineage_pipelines.catalog import Catalog

        settings = self.settings()
        return Catalog(settings.catalog, create=False, keys=settings.keys)


def format_option(function: Function) -> Function:
    """Give a verb the option `--format`."""
    choice = click.Choice(FORMATS)
    return click.option(
        "--format", "form", type=choice, default="text", show_default=True, help="How to write the answer."
    )(function)


def answer(form: str, *, document: "Callable[[], Document]", plain: "Callable[[], Json]") -> None:
    """Print one answer in the form that was asked for."""
    from lineage_pipelines import reports

    if form == "json":
        _print(reports.render_json(plain()))
    elif form == "markdown":
        _print(reports.render_markdown(document()))
    else:
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        _print(reports.render_text(document(), colour=_colour(), columns=columns))


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _print(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`head`, `less`) has had enough; nothing is wrong, and nothing more may be written. Not left to
        # click, which would end with 1.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
