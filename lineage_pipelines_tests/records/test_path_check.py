"""No path of a record shows as another one, or leads out of its folder."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.dataset import TrackedSource
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.path_check import check_paths
from lineage_pipelines_tests.samples import digests, make_record


def named(place: str, path: str) -> LineageRecord:
    """Return a record with this path at a place."""
    record = make_record()
    (first, *stages), source = record.stages, record.code.source
    assert source is not None
    changes: dict[str, dict[str, Any]] = {
        "data": {"data": (replace(record.data[0], path=path), *record.data[1:])},
        "deps": {"stages": (replace(first, deps=(replace(first.deps[0], path=path),)), *stages)},
        "outs": {"stages": (replace(first, outs=(replace(first.outs[0], path=path),)), *stages)},
        "sources": {"sources": (TrackedSource(file="data/raw.dvc", path=path, digest=digests("raw")),)},
        "files of sources": {"sources": (TrackedSource(file=path, path="data/raw", digest=digests("raw")),)},
        "code": {"code": replace(record.code, source=replace(source, files=(replace(source.files[0], path=path),)))},
    }
    return replace(record, **changes[place])


PLACES = ("data", "deps", "outs", "sources", "files of sources", "code")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("data/../../.ssh/id", "leads upwards"),
        ("data/..", "leads upwards"),
        ("data\\..\\x", "leads upwards"),
        ("data/a\x1b[2K.csv", "cannot be seen"),
        ("data/a\nb.csv", "cannot be seen"),
        ("data/\u202evsc.a", "cannot be seen"),
        ("data/a\U000e0041.csv", "cannot be seen"),
    ],
)
def test_such_a_path_is_refused_before_anything_is_stored(tmp_path: Path, place: str, path: str, words: str) -> None:
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        with pytest.raises(RecordError, match=words) as caught:
            catalog.append(named(place, path))
        assert caught.value.where.startswith("record.")
        assert not list(catalog.log.walk())


def test_only_steps_name_what_lies_beside_the_project() -> None:
    for place in PLACES:
        record = named(place, "../../shared/a.csv")
        if place in {"deps", "outs"}:
            check_paths(record)
        else:
            with pytest.raises(RecordError, match="leads upwards"):
                check_paths(record)


@pytest.mark.parametrize("path", ["data/a..b.csv", "données/…/ü.csv", "https://example.org/a.csv", "/mnt/raw", "..a"])
def test_other_paths_are_as_they_are(path: str) -> None:
    for place in PLACES:
        check_paths(named(place, path))
