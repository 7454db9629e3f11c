"""The room's own files, below `.dvc/tmp`, and how a file is replaced whole."""

import os
from pathlib import Path


def own_folder(root: Path) -> Path:
    """Return the folder for this package's temporary files in a DVC project; Git ignores it."""
    return root / ".dvc" / "tmp" / "lineage_pipelines"


def replace_file(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write a file so that a reader sees the old bytes or the new ones, whatever happens meanwhile.

    Args:
        path: the file; its folder is made when missing, its mode is kept.
        data: the new bytes.
        durable: whether they are to survive a loss of power.

    Raises:
        OSError: it cannot be written; the old file is as it was, and nothing else is left.
    """
    import shutil
    import tempfile  # both take longer to import than to look at data that did not change

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
