"""Workspace lock: one stage at a time, by a lock of our own, because DVC releases its lock while a stage runs."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lineage_pipelines.datasets.content.cache_layout import own_folder
from lineage_pipelines.datasets.running.child_process import Deadline
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.system.file_lock import hold_lock

_REMIND_SECONDS = 10.0


@contextmanager
def workspace_lock(root: Path, purpose: str, *, on_line: Callable[[str], None], deadline: Deadline) -> Iterator[int]:
    """Hold the workspace; wait while another process or thread holds it, and say so now and then.

    The lock is the kernel's: it ends with whoever holds its handle, in whatever way.

    Args:
        root: the DVC root.
        purpose: what it is held for, told to those who wait.
        on_line: takes the lines that say who is waited for.
        deadline: how long to wait.

    Yields:
        The handle. Whoever inherits it holds the lock too.

    Raises:
        DatasetError: the project cannot be written, or the deadline passed.
    """
    path = own_folder(root) / "run.lock"
    reminded = float("-inf")

    def remind() -> None:
        nonlocal reminded
        deadline.check()
        if time.monotonic() - reminded >= _REMIND_SECONDS:
            holder = os.pread(handle, 200, 0).decode(errors="replace")
            on_line(f"Waiting for the workspace: {holder or 'another process'} is using it")
            reminded = time.monotonic()

    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = stack.enter_context(hold_lock(path, on_wait=remind))
        except OSError as error:
            raise DatasetError(
                f"cannot lock the workspace: {error.strerror}",
                where=str(path),
                fix="stages run in the workspace: give this user the right to write to it",
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} ({purpose})".encode(), 0)
        yield handle
