"""Progress: one line on stderr that is updated while work takes longer than two seconds, on a terminal only."""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from lineage_pipelines.errors import visible

_PATIENCE_SECONDS = 2.0
_PERIOD_SECONDS = 0.25
_CLEAR = "\r\x1b[K"


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """Yield a function that sets the text of the line. It is removed at the end; a pipe or a file gets nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    line = _Line()
    writer = threading.Thread(target=line.write, daemon=True)
    writer.start()
    try:
        yield line.show
    finally:
        line.ended.set()
        writer.join()


@contextmanager
def progress_count() -> Iterator[Callable[[str, int], None]]:
    """Yield a function that shows a count, given a plural noun and the number so far."""
    with progress_line() as show:
        yield lambda what, number: show(f"{number:,} {what}")


def echo_step(text: str) -> None:
    """Print a separate line on a terminal's stderr, above the progress line if there is one."""
    if sys.stderr.isatty():
        click.echo(f"{_CLEAR}{visible(text)}", err=True)


class _Line:
    def __init__(self) -> None:
        self.ended = threading.Event()
        self._text = ""
        self._start = 0.0

    def show(self, text: str) -> None:
        """Set the text of the line. The seconds count from the first call."""
        self._start = self._start or time.monotonic()
        self._text = text

    def write(self) -> None:
        """Update the line at intervals until the work has ended."""
        written = False
        while not self.ended.wait(_PERIOD_SECONDS):
            seconds = time.monotonic() - self._start
            if self._text and seconds > _PATIENCE_SECONDS:
                text = visible(self._text)
                columns = shutil.get_terminal_size().columns - len(f", {seconds:.0f} s") - 1
                click.echo(f"{_CLEAR}{text[: max(columns, 0)]}, {seconds:.0f} s", err=True, nl=False)
                written = True
        if written:
            click.echo(_CLEAR, err=True, nl=False)
