"""DVC lock: who keeps a stage from running, and waiting for them with a line about it at intervals.

DVC has two locks. One file is locked by the kernel while a command looks at the project or writes to it. A list names
the files that running commands read and write; DVC fails at once on a file of another command in it.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineage_pipelines.datasets.running.child_process import Deadline
from lineage_pipelines.errors import visible
from lineage_pipelines.system.file_lock import open_lock, try_lock

REMIND_SECONDS = 10.0
_PAUSE_SECONDS = 0.2
_LONGEST = 120


def lock_path(root: Path) -> Path:
    """Return the file that DVC locks."""
    return root / ".dvc" / "tmp" / "lock"


@dataclass(slots=True)
class DvcWait:
    """Says that a run waits for DVC, at once and then at intervals."""

    root: Path
    """The DVC root."""
    on_line: Callable[[str], None]
    deadline: Deadline
    _said: float = field(default=float("-inf"), init=False)

    def remind(self) -> None:
        """Say who holds DVC's lock; called while it is waited for.

        Raises:
            DatasetError: the deadline has passed.
        """
        self.deadline.check()
        self._say(lambda: f"Waiting for DVC's lock: {_process(_holder(self.root))} holds it")

    def remind_of_others(self, own: int) -> None:
        """Say who holds DVC's lock unless it is free or held by the process `own`; called while that prints nothing."""
        if time.monotonic() - self._said < REMIND_SECONDS or _holder(self.root) in (own, None):
            return
        with open_lock(lock_path(self.root)) as handle:
            free = try_lock(handle, shared=True)
        if not free:
            self.remind()

    def until_unused(self, reads: Sequence[str], writes: Sequence[str]) -> None:
        """Wait while other commands of DVC use the files of a stage.

        Args:
            reads: what the stage reads, relative to the root.
            writes: what it writes.

        Raises:
            DatasetError: the deadline has passed.
        """
        while (used := next(_blockers(self.root, reads, writes), None)) is not None:
            path, pid = used
            self.deadline.check()
            self._say(lambda path=path, pid=pid: f"Waiting for DVC: {_process(pid)} uses {path}")  # type: ignore[misc]
            time.sleep(_PAUSE_SECONDS)

    def _say(self, line: Callable[[], str]) -> None:
        if time.monotonic() - self._said >= REMIND_SECONDS:
            self.on_line(visible(line()))
            self._said = time.monotonic()


def _holder(root: Path) -> int | None:
    """Return the process that locked DVC's lock last; DVC writes it into the file."""
    try:
        words = lock_path(root).read_text(errors="replace").split()
    except OSError:
        return None
    return int(words[0]) if words and words[0].isdigit() else None


def _process(pid: int | None) -> str:
    import psutil

    if pid is None:
        return "another process"
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return f"process {pid}"
    return f"process {pid} ({command[:_LONGEST]})"


def _blockers(root: Path, reads: Sequence[str], writes: Sequence[str]) -> Iterator[tuple[str, int]]:
    import psutil

    try:
        listed: Any = json.loads((root / ".dvc" / "tmp" / "rwlock").read_bytes())
    except (OSError, ValueError):  # none, or being written
        return
    for mode, ours in (("write", (*reads, *writes)), ("read", tuple(writes))):
        for path, users in _mapping(_mapping(listed).get(mode)).items():
            used = next((each for each in ours if _overlap(str(root / each), str(path))), None)
            for user in users if isinstance(users, list) else [users]:
                pid = _mapping(user).get("pid")
                if used is not None and isinstance(pid, int) and psutil.pid_exists(pid):
                    yield used, pid


def _mapping(value: Any) -> Mapping[str, Any]:  # noqa: ANN401  # whatever the file holds
    return value if isinstance(value, Mapping) else {}


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
