"""What became of the files of a folder, and how it is said."""

from collections.abc import Mapping

import pytest

from lineage_pipelines.queries.diff.changes import DatasetChange, Evidence, Kind
from lineage_pipelines.queries.diff.data.file_changes import compare_files
from lineage_pipelines.queries.diff.explanation.data_layer import data_changes
from lineage_pipelines.records.statement.file_listing import ListedFile
from lineage_pipelines.reports.change_text import change_text

BEFORE = {"a.png": ("1", 4_000), "b.png": ("2", 4_100), "c.png": ("3", 4_200), "d.png": ("4", None)}


def _listing(files: Mapping[str, tuple[str, int | None]]) -> dict[str, ListedFile]:
    return {path: ListedFile(path, md5, size) for path, (md5, size) in files.items()}


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({"b.png": ("9", 87)}, "b.png (4,100 → 87 bytes) is changed"),
        ({"b.png": ("9", 4_100)}, "b.png is changed"),
        ({"d.png": ("9", 7)}, "d.png is changed"),
        ({"b.png": ("1", 4_000)}, "b.png is a copy of a.png now"),
        (
            {"b.png": ("3", 4_200), "c.png": ("2", 4_100)},
            "b.png (4,100 → 4,200 bytes), c.png (4,200 → 4,100 bytes) are",
        ),
        ({"e.png": ("1", 4_000)}, "e.png is new"),
        ({"b.png": ("1", 4_000), "c.png": ("8", 1)}, "b.png is a copy of a.png now; c.png (4,200 → 1 byte) is changed"),
    ],
)
def test_what_was_done_to_a_file_is_said(after: Mapping[str, tuple[str, int | None]], words: str) -> None:
    found = compare_files(_listing(BEFORE), _listing({**BEFORE, **after}))
    change = DatasetChange(name="leaves", kind=Kind.CHANGED, evidence=Evidence.DIGESTS, files=(4, 4), **found)
    (said,) = data_changes(change)
    assert change_text(said).startswith(f"leaves: {words}")
