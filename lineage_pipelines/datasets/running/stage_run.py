"""Stage run: one stage of dvc.yaml through DVC, after its inputs were compared with what DVC recorded."""

import contextlib
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lineage_pipelines.datasets.content.cache_layout import own_folder
from lineage_pipelines.datasets.metafiles.metafile_reader import LockEntry
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.metafile_index import lock_file
from lineage_pipelines.datasets.pipeline.pipeline_graph import Stage
from lineage_pipelines.datasets.running.child_process import Child, Deadline
from lineage_pipelines.datasets.running.dvc_lock import REMIND_SECONDS, DvcWait
from lineage_pipelines.datasets.running.lock_backup import LockBackup
from lineage_pipelines.datasets.workspace.workspace_status import (
    WorkspaceState,
    compare,
    refuse_difference,
)
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.system.file_lock import hold_lock


@contextlib.contextmanager
def workspace_lock(root: Path, purpose: str, *, on_line: Callable[[str], None], deadline: Deadline) -> Iterator[int]:
    """Lock the workspace; while another process or thread has it, wait and report that at intervals.

    DVC itself releases its lock while a stage runs. This lock is the kernel's: it ends with the process that holds it.

    Args:
        root: the DVC root.
        purpose: the reason, shown to processes that wait.
        on_line: called with lines about the process that has the lock.
        deadline: how long to wait.

    Yields:
        The handle. A process that inherits it holds the lock too.

    Raises:
        DatasetError: the project cannot be written, or the deadline passed.
    """
    path = own_folder(root) / "run.lock"
    reminded = float("-inf")

    def remind() -> None:
        nonlocal reminded
        deadline.check()
        if time.monotonic() - reminded >= REMIND_SECONDS:
            holder = path.read_text(errors="replace")[:200]
            on_line(f"Waiting for the workspace: {holder or 'another process'} is using it")
            reminded = time.monotonic()

    with contextlib.ExitStack() as stack:
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


def check_inputs(project: DvcProject, stage: Stage) -> None:
    """Check that every tracked dependency of a stage is as recorded.

    `dvc repro --single-item` would read and record whatever is there.

    Raises:
        DatasetError: a dependency that a `.dvc` file or another stage owns is missing, was never recorded, or
            differs; the message has both digests.
    """
    nodes = {node.address: node for node in project.graph().nodes()}
    for dependency in stage.deps:
        for producer in dependency.producers:
            for output in nodes[producer].outs:
                path = _inner(dependency.path, output.path)
                if path is not None:
                    _check(project, stage, path)


def _inner(one: str, other: str) -> str | None:
    """Return the path that lies in the other, or None when neither does."""
    if one == other or one.startswith(f"{other}/"):
        return one
    return other if other.startswith(f"{one}/") else None


def _check(project: DvcProject, stage: Stage, path: str) -> None:
    recorded = project.recorded(path)
    if recorded.content.md5 is None:
        recorded = project.recorded(recorded.output.path)
    if recorded.content.md5 is None:
        return  # an import that is recorded by its source only: DVC downloads it
    state, actual = compare(project, recorded)
    if state is WorkspaceState.MODIFIED:
        raise refuse_difference(recorded, actual, root=project.root)
    if state is WorkspaceState.MISSING:
        raise DatasetError(
            f"stage {stage.address!r} reads {path!r}, which is missing",
            where=str(project.root / path),
            fix=f"restore it: `dvc checkout {recorded.output.path}` (or `dvc pull {recorded.output.path}`)",
        )


How = Literal["executed", "restored", "unchanged"]

_LAST_LINES = 20
_ERROR = "ERROR: failed to reproduce "
_REASON = re.compile(r"ERROR: failed to reproduce '[^']*': (?P<reason>.*)")
_FAILED = re.compile(r"failed to run: (?P<command>.*), exited with (?P<code>-?\d+)")


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """How a stage was brought up to date."""

    project: DvcProject
    """The project, with its pipeline as it was when the stage ran."""
    stage: Stage
    how: How
    """`executed`: its command ran. `restored`: DVC restored the outputs of an earlier run with the same inputs.
    `unchanged`: the stage was up to date."""
    entry: LockEntry
    """Its entry in dvc.lock now."""
    seconds: float
    """The run time of DVC, without waiting for other runs."""


def run_stage(
    project: DvcProject, address: str, *, on_line: Callable[[str], None], timeout: float | None = None
) -> StageOutcome:
    """Bring the outputs of one stage up to date; the stages before it are not run.

    Args:
        project: the DVC project.
        address: the stage, as `dvc dag` prints it.
        on_line: called with each line that DVC and the command print.
        timeout: seconds, including the time waiting for other runs.

    Raises:
        DatasetError: there is no such stage, an input differs from what is recorded, the command failed, or the time
            was up. The stage's outputs may be missing then, as DVC removes them before a run; dvc.lock is as before.
    """
    deadline = Deadline(timeout, f"stage {address!r}")
    with workspace_lock(project.root, f"stage {address!r}", on_line=on_line, deadline=deadline) as lock:
        _mend(project.root)
        loaded = project.with_loaded_graph()
        stage = loaded.stage(address)
        check_inputs(loaded, stage)
        began = time.monotonic()
        how = _run(project.root, stage, _Log(address, on_line), deadline, lock)
        seconds = time.monotonic() - began
        entry = loaded.lock(address)
    if entry is None:
        raise DatasetError(f"DVC ran stage {address!r} and recorded nothing", where=stage.file)
    return StageOutcome(loaded, stage, how, entry, seconds)


def _mend(root: Path) -> None:
    left = LockBackup.left(root)
    if left is not None:
        left.settle()


def _run(root: Path, stage: Stage, log: "_Log", deadline: Deadline, lock: int) -> How:
    wait = DvcWait(root, log.on_line, deadline)
    wait.until_unused([each.path for each in stage.deps], [each.path for each in stage.outs])
    outs = len(stage.outs)
    backup = LockBackup.take(root, lock_file(stage.file), stage=stage.name, outs=outs, on_wait=wait.remind)
    command = ["--wait-for-lock", "repro", "--single-item", "--", f"{stage.file}:{stage.name}"]
    try:
        with Child(command, cwd=root, lock=lock) as child:
            for line in child.lines(deadline, on_pause=lambda: wait.remind_of_others(child.pid)):
                log.take(line)
            code = child.wait(deadline)
    except BaseException:
        with contextlib.suppress(DatasetError, OSError):  # then the next run settles it
            backup.settle()
        raise
    if code != 0:
        backup.settle()
        raise log.failure(stage, code)
    backup.drop()
    return log.how


class _Log:
    """Passes on what DVC and the command print, and extracts the outcome from it."""

    def __init__(self, address: str, on_line: Callable[[str], None]) -> None:
        self.how: How = "unchanged"
        self._executed = f"Running stage '{address}':"
        self._restored = f"Stage '{address}' is cached - skipping run"
        self.on_line = on_line
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._error = ""

    def take(self, line: str) -> None:
        """Take the next line."""
        if line.startswith(_ERROR):
            self._error = line
        elif self.how != "executed":
            self._look_for_how(line)
        elif line.startswith("> "):
            self._last.clear()  # the next command of the stage
        else:
            self._last.append(line)
        self.on_line(line)

    def _look_for_how(self, line: str) -> None:
        if line == self._executed:
            self.how = "executed"
            self._last.clear()
        elif line.startswith(self._restored):
            self.how = "restored"
        else:
            self._last.append(line)

    def failure(self, stage: Stage, code: int) -> DatasetError:
        """Make the error for a run that ended with an exit code."""
        match = _REASON.fullmatch(self._error)
        reason = match["reason"] if match else f"DVC {_how_it_ended(code)}"
        if failed := _FAILED.fullmatch(reason):
            reason = f"its command {_how_it_ended(int(failed['code']))}: {failed['command']}"
        what = f"stage {stage.address!r} failed: {reason}"
        return DatasetError(
            "\n".join([what, *(f"    {line}" for line in self._last if line)]),
            where=f"{stage.file}:{stage.line}",
            fix=f"fix it, then run it again; manually: `dvc repro --single-item {stage.address}`",
        )


def _how_it_ended(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
