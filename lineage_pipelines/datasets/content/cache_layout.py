"""Layout of DVC's cache and of our own files below `.dvc/tmp`."""

from pathlib import Path

from lineage_pipelines.datasets.content.hashing import MD5, MD5_UNIX


def object_folder(base: Path, hash_name: str = MD5) -> Path:
    """Return the folder that holds the objects of one algorithm; DVC 2 (`md5-dos2unix`) used another layout."""
    return base if hash_name == MD5_UNIX else base / "files" / "md5"


def object_place(base: Path, md5: str, hash_name: str = MD5) -> Path:
    """Return where a store keeps an object.

    Args:
        base: the store's folder, as `dvc cache dir` prints it.
        md5: 32 hex, with `.dir` for the listing of a directory.
        hash_name: `md5` or `md5-dos2unix`.
    """
    return object_folder(base, hash_name) / md5[:2] / md5[2:]


def pins_folder(root: Path) -> Path:
    """Return the project's second store, which `dvc gc` does not know (workspace/pins.py)."""
    return root / ".dvc" / "lineage-pins"


def own_folder(root: Path) -> Path:
    """Return the folder for this package's temporary files in a DVC project; Git ignores it."""
    return root / ".dvc" / "tmp" / "lineage_pipelines"
