"""Child process: a DVC command in its own process group, read line by line, that can always be stopped.

DVC ignores SIGINT while a stage runs, and on SIGTERM it leaves the stage's command behind as an orphan. So the whole
group is signalled until it has exited.
"""

import codecs
import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from lineage_pipelines.errors import DatasetError

_ENTRY = Path(__file__).with_name("dvc_child.py")
_GRACE_SECONDS = 3.0
_PAUSE_MILLISECONDS = 200
_MAX_LINE = 64 << 10
_LINE_END = re.compile(r"\r\n|\n|\r")


class Deadline:
    """A time limit, or none."""

    def __init__(self, seconds: float | None, what: str) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._seconds = seconds
        self._what = what

    def check(self) -> None:
        """Check the time limit.

        Raises:
            DatasetError: it has passed.
        """
        if self._end is not None and time.monotonic() > self._end:
            raise DatasetError(
                f"{self._what} did not end within {self._seconds:g} seconds and was stopped",
                fix="allow more time, or run it manually to see what it waits for",
            )


class Child:
    """A running DVC command.

    Use it in a `with` statement: on exit no process of the command's group is left.

    Args:
        arguments: of `dvc`.
        cwd: the folder it runs in.
        lock: the handle of a lock file that is to stay locked as long as the command runs.
    """

    def __init__(self, arguments: Sequence[str], *, cwd: Path, lock: int) -> None:
        # The child reads from this pipe, and sees its end when this process exits, in whatever way.
        ours_to_read, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_ENTRY), str(ours_to_read), str(lock), *arguments],
                cwd=cwd,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(ours_to_read, lock),
            )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(ours_to_read)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None or self._process.poll() != 0:
                self._end()
        finally:
            os.close(self._lifeline)
            if self._process.stdout is not None:
                self._process.stdout.close()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def lines(self, deadline: Deadline, on_pause: Callable[[], None] = lambda: None) -> Iterator[str]:
        """Yield what the command prints, standard output and error together, line by line, until it ends.

        Args:
            deadline: how long to wait.
            on_pause: called again and again while it prints nothing.

        Raises:
            DatasetError: the deadline has passed.
        """
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        rest = ""
        for data in self._output(deadline, on_pause):
            *whole, rest = _LINE_END.split(rest + decoder.decode(data))
            yield from whole
            if len(rest) > _MAX_LINE:
                yield rest
                rest = ""
        if rest:
            yield rest

    def wait(self, deadline: Deadline) -> int:
        """Return the exit code, negative for a signal.

        Raises:
            DatasetError: the deadline has passed.
        """
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._process.wait(_PAUSE_MILLISECONDS / 1000)
            deadline.check()

    def _output(self, deadline: Deadline, on_pause: Callable[[], None]) -> Iterator[bytes]:
        if self._process.stdout is None:
            return
        handle = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(handle, select.POLLIN | select.POLLHUP)
        while True:
            deadline.check()
            ended = self._process.poll() is not None
            if poll.poll(0 if ended else _PAUSE_MILLISECONDS):
                data = os.read(handle, _MAX_LINE)
                if not data:
                    return
                yield data
            elif ended:
                return  # a process that the command left behind still holds the pipe
            else:
                on_pause()

    def _end(self) -> None:
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, sign)
            if self._is_gone(within=_GRACE_SECONDS):
                return

    def _is_gone(self, *, within: float) -> bool:
        end = time.monotonic() + within
        while time.monotonic() < end:
            if self._process.poll() is not None and not _has_members(self._process.pid):
                return True
            time.sleep(0.02)
        return False


def _has_members(group: int) -> bool:
    """Whether a process group has a member that is more than a zombie."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    states = [_state(place, group) for place in Path("/proc").glob("[0-9]*/stat")]
    return any(states) if states else True


def _state(place: Path, group: int) -> bool:
    try:
        # "pid (name) state parent group …"; the name may hold anything.
        state, _, its_group = place.read_text(errors="replace").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return int(its_group) == group and state not in "ZX"


def _environment() -> Mapping[str, str]:
    """Return this process's environment, in which `python` and `dvc` are those of this interpreter.

    No usage statistics: DVC sends them from a process that outlives the command. Python prints as it goes, because a
    line that is kept back until the end is not progress.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {"PYTHONUNBUFFERED": "1"} | os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1"}
