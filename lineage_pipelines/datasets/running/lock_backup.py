"""Lock backup: a copy of dvc.lock during a run. DVC rewrites it in place: killed meanwhile, it leaves a part of it.

That part may be valid YAML that lacks some stages. So the bytes from before a run are kept on disk until the run has
ended; a truncated file is restored, by this process or, if it was killed too, by the next one.
"""

import base64
import binascii
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.datasets.content.cache_layout import own_folder
from lineage_pipelines.datasets.metafiles.metafile_reader import LockEntry, parse_lock
from lineage_pipelines.datasets.metafiles.yaml_reader import read_yaml
from lineage_pipelines.datasets.running.dvc_lock import lock_path
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.system.atomic_file import replace_file
from lineage_pipelines.system.file_lock import hold_lock

_NAME = "dvc.lock.before"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class LockBackup:
    """The bytes of one dvc.lock before a stage ran."""

    root: Path
    """The DVC root."""
    file: str
    """The dvc.lock, relative to the root."""
    before: bytes | None
    """None when there was no such file."""
    stage: str
    """The name of the stage that runs, as this dvc.lock has it."""
    outs: int
    """How many outputs that stage has."""

    @classmethod
    def take(
        cls, root: Path, file: str, *, stage: str, outs: int, on_wait: Callable[[], None] | None = None
    ) -> "LockBackup":
        """Save the current content of a dvc.lock, when no other DVC command has the project locked.

        Args:
            root: the DVC root.
            file: the dvc.lock, relative to the root.
            stage: the name of the stage that is about to run.
            outs: how many outputs it has.
            on_wait: called again and again while another command has the lock; an exception of it ends the waiting,
                which without it lasts a minute at most.

        Raises:
            DatasetError: it cannot be read, or the copy cannot be written.
        """
        try:
            with _dvc_locked(root, on_wait):
                before = (root / file).read_bytes() if (root / file).exists() else None
            backup = cls(root, file, before, stage, outs)
            replace_file(_place(root), backup.to_bytes(), durable=True)
        except OSError as error:
            raise DatasetError(f"cannot copy {file}: {error.strerror}", where=str(error.filename)) from error
        return backup

    @classmethod
    def left(cls, root: Path) -> "LockBackup | None":
        """Return the backup that a killed run left; None if there is none."""
        try:
            value = json.loads(_place(root).read_bytes())
            before = None if value["before"] is None else base64.b64decode(value["before"], validate=True)
            return cls(root, str(value["file"]), before, str(value["stage"]), int(value["outs"]))
        except (OSError, ValueError, TypeError, KeyError, binascii.Error):
            return None

    def to_bytes(self) -> bytes:
        """Return the backup as bytes, for the disk."""
        before = None if self.before is None else base64.b64encode(self.before).decode()
        return json.dumps({"file": self.file, "stage": self.stage, "outs": self.outs, "before": before}).encode()

    def drop(self) -> None:
        """Remove the backup: the run succeeded."""
        _place(self.root).unlink(missing_ok=True)

    def settle(self) -> bool:
        """Restore the file if it is truncated, and remove the backup. Return whether it was truncated.

        Raises:
            DatasetError: another DVC process kept the project locked; the backup stays for the next run.
        """
        with _dvc_locked(self.root):
            _mend_rwlock(self.root)
            torn = self._is_torn()
            if torn:
                self._put_back()
        self.drop()
        return torn

    def _is_torn(self) -> bool:
        path = self.root / self.file
        if not path.exists():
            return False
        now, before = path.read_bytes(), self.before
        if now == before or (before is not None and _stages(before) is None):
            return False
        found = _stages(now) if now.endswith(b"\n") else None
        known = _stages(before) if before is not None else {}
        return not found or bool((known or {}).keys() - found.keys()) or self._is_cut(found, known or {})

    def _is_cut(self, found: Mapping[str, LockEntry], known: Mapping[str, LockEntry]) -> bool:
        """Whether the last entry is truncated. All others are followed by one, so they are complete."""
        name, entry = list(found.items())[-1]
        if name == self.stage:
            contents = [out.content for out in entry.outs]
            whole = all(out.size is not None and (out.files is not None or not out.is_dir) for out in contents)
            return not whole or len(entry.outs) < self.outs
        return name in known and _leaves(entry.raw) < _leaves(known[name].raw)

    def _put_back(self) -> None:
        path = self.root / self.file
        if self.before is None:
            path.unlink(missing_ok=True)
        else:
            replace_file(path, self.before, durable=True)


def _place(root: Path) -> Path:
    return own_folder(root) / _NAME


def _stages(data: bytes) -> Mapping[str, LockEntry] | None:
    """Return the entries of a dvc.lock; None when it is not a valid one."""
    try:
        return parse_lock(read_yaml(data, file="dvc.lock"))
    except DatasetError:
        return None


def _leaves(value: Json) -> int:
    if isinstance(value, Mapping):
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list | tuple) else 1


def _mend_rwlock(root: Path) -> None:
    """Remove DVC's list of running commands when a kill has torn it: every later command would fail on it."""
    path = root / ".dvc" / "tmp" / "rwlock"
    try:
        json.loads(path.read_bytes())
    except FileNotFoundError:
        return
    except ValueError:
        path.unlink(missing_ok=True)


@contextmanager
def _dvc_locked(root: Path, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold DVC's own lock, as DVC does when it writes; for a moment only, because DVC itself gives up after 3 s."""
    path = lock_path(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + _PATIENCE_SECONDS

    def check() -> None:
        if time.monotonic() > end:
            raise DatasetError(
                f"another DVC process has kept the project locked for {_PATIENCE_SECONDS:g} seconds",
                where=str(root),
                fix="wait for it to end, then try again",
            )

    with hold_lock(path, on_wait=on_wait or check):
        yield
