"""File changes: what became of the files of a folder, from the listings of both versions."""

from collections.abc import Mapping
from typing import Any

from lineage_pipelines.records.statement.file_listing import ListedFile


def compare_files(before: Mapping[str, ListedFile], after: Mapping[str, ListedFile]) -> Mapping[str, Any]:
    """Return the facts about files of a `DatasetChange`: `changed_files`, `moved_files`, `copied_files`, `file_sizes`.

    Args:
        before: the files by their paths.
        after: the same, of the later version.
    """
    gone = [path for path in before if path not in after]
    new = [path for path in after if path not in before]
    changed = [path for path in after if path in before and before[path].md5 != after[path].md5]
    marks = [*((path, "-") for path in gone), *((path, "+") for path in new), *((path, "~") for path in changed)]
    places = {after[path].md5: path for path in reversed(new)}
    moved = tuple((path, places.pop(before[path].md5)) for path in gone if before[path].md5 in places)
    kept = {file.md5: path for path, file in before.items() if path in after and after[path].md5 == file.md5}
    sizes = {path: (before[path].size, after[path].size) for path in changed}
    return {
        "changed_files": tuple(f"{mark} {path}" for path, mark in sorted(marks)),
        "moved_files": moved,
        "copied_files": tuple((path, kept[after[path].md5]) for path in changed if after[path].md5 in kept),
        "file_sizes": {path: pair for path, pair in sizes.items() if None not in pair and pair[0] != pair[1]},
    }
