"""Progress on a terminal: nothing at first, then one line that is removed; nothing at all for a pipe."""

import os
import pty
import subprocess
import sys

_WORK = """
import time
from lineage_pipelines.cli.progress import echo_step, progress_count
with progress_count() as progress:
    progress("rows \\x1b[31m", 1)
    time.sleep({seconds})
    progress("entries", 12_345)
    echo_step("a step")
    time.sleep({seconds})
"""


def _on_a_terminal(seconds: float) -> str:
    reader, writer = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", _WORK.format(seconds=seconds)], stderr=writer, check=True)
        os.set_blocking(reader, False)
        return os.read(reader, 100_000).decode()
    finally:
        os.close(reader)
        os.close(writer)


def test_work_of_a_moment_shows_steps_only() -> None:
    assert _on_a_terminal(0.1) == "\r\x1b[Ka step\r\n"


def test_long_work_shows_one_line_that_is_removed() -> None:
    shown = _on_a_terminal(2.8)
    assert "1 rows \\x1b[31m, " in shown, "no escape of the data reaches the terminal"
    assert "12,345 entries, " in shown
    assert shown.count("\n") == 1
    assert shown.endswith("\r\x1b[K")


def test_a_pipe_is_given_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", _WORK.format(seconds=0.1)], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
