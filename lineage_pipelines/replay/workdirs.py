"""Workdirs: the folders that past runs are rebuilt in, private, held while in use, and always removed.

A process that is killed leaves its folder behind; nobody holds it then, and the next one removes it.
"""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.system.file_lock import is_locked, lock_folder

PREFIX = "lineage-replay-"
"""How the names of these folders begin."""


@contextmanager
def private_folder(keep: Path | None = None) -> Iterator[Path]:
    """Make a folder that nobody else reads, hold it, and remove it in the end.

    Args:
        keep: make it here instead, and leave it: for those who want to look inside.

    Raises:
        NotFoundError: `keep` is there already and not empty.
    """
    if keep is not None:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise NotFoundError("the folder is not empty", where=str(keep), fix="name a new one with --keep")
        yield keep.resolve()
        return
    clear_left_folders()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    try:
        with lock_folder(folder):
            yield folder
    finally:
        _remove(folder)


def clear_left_folders() -> int:
    """Remove the folders of processes that were killed; return how many there were."""
    count = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.getuid() and not is_locked(folder):
                _remove(folder)
                count += 1
    return count


def _remove(folder: Path) -> None:
    # What was placed for training is read-only, folders too.
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(parent, name)
            if not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
