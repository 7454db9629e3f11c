"""Witnesses: checkpoints that were kept outside the project, where those who write the log cannot change them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.catalog.transparency.checkpoint_note import read_note, read_note_file
from lineage_pipelines.errors import CatalogError, ConflictError
from lineage_pipelines.queries.verify.trusted_checkpoints import Anchor
from lineage_pipelines.system.atomic_file import replace_file

SUFFIX = ".checkpoint"
_READ_ONLY = 0o444


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    """What witnesses know of a log."""

    anchors: tuple[Anchor, ...] = ()
    """Their checkpoints, those of the largest size first."""
    silent: tuple[str, ...] = ()
    """Witnesses of which nothing can be read, and why."""


def keep_in_folder(folder: Path, note: str, project_dir: Path) -> Path:
    """Write a checkpoint into a folder outside the project; return its file. What is there is never replaced.

    Raises:
        CatalogError: the folder is not there, is within the project, or cannot be written.
        ConflictError: it has another checkpoint of this log and size: the log or the witness was changed.
    """
    if not folder.is_dir():
        raise CatalogError("a witness has to be a folder that is there", where=str(folder), fix="make it, or mount it")
    if folder.resolve().is_relative_to(project_dir.resolve()):
        fix = "name a folder that those who write the log cannot change"
        raise CatalogError("a witness has to be outside the project", where=str(folder), fix=fix)
    point = read_note(note, where="the checkpoint")
    file = folder / f"{point.origin.rpartition('/')[2]}-{point.size}{SUFFIX}"
    try:
        replace_file(file, note.encode(), mode=_READ_ONLY, durable=True, overwrite=False)
    except FileExistsError as error:
        if read_note(read_note_file(file), where=str(file)) != point:
            fix = "find out who changed the log or the witness: lineage verify"
            raise ConflictError("the witness has another checkpoint of this size", where=str(file), fix=fix) from error
    except OSError as error:
        raise CatalogError(f"the witness cannot be written: {error.strerror}", where=str(folder)) from error
    return file


def read_folders(places: Sequence[str], project_dir: Path) -> Witnesses:
    """Return the checkpoints that folders keep: each folder keeps those of one project.

    Args:
        places: the folders, relative ones to `project_dir`.
        project_dir: the project.
    """
    anchors, silent = list[Anchor](), list[str]()
    for place in places:
        folder = project_dir / place
        files = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else None
        if files is None:
            silent.append(f"{place} is not there")
            continue
        for file in files:
            try:
                anchor = Anchor(read_note_file(file), f"the witness {file}", witness=place)
                anchor.point  # noqa: B018  # read now, while errors are caught
            except CatalogError as error:
                silent.append(f"{file}: {error.what}")
                continue
            anchors.append(anchor)
        if not files:
            silent.append(f"{place} has no checkpoint")
    anchors.sort(key=lambda anchor: anchor.point.size, reverse=True)
    return Witnesses(anchors=tuple(anchors), silent=tuple(silent))
