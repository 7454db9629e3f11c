"""A catalog that was made in bulk is one like any other, and verifying it takes memory that hardly grows."""

import shutil
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines_tests.faults import scale
from lineage_pipelines_tests.samples import digests, make_record

FEW, MANY = 400, 4_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = scale.fill(tmp_path_factory.mktemp("many"), MANY)
    scale.anchor(path)
    return path


def test_a_catalog_made_in_bulk_is_like_any_other(many: Path, tmp_path: Path) -> None:
    shutil.copytree(many.parent, tmp_path / "copy")
    with Catalog(f"sqlite:///{tmp_path}/copy/catalog.db", keys=tmp_path / "copy/keys") as catalog:
        assert [summary.versions for summary in catalog.models()] == [MANY // len(scale.MODELS)] * len(scale.MODELS)
        used = catalog.index.users_of(digests("train of delivery 1").sha256 or "")
        assert len(used) == scale.DELIVERY * len(scale.MODELS)
        catalog.append(make_record(run="later"))
        rows = (catalog.rebuild(), catalog.latest("flight_delay"))
    assert rows[0] == MANY + 1
    assert rows[1] is not None
    assert rows[1].version == MANY // len(scale.MODELS) + 1


def test_memory_does_not_grow_with_the_records(many: Path, tmp_path: Path) -> None:
    few = scale.fill(tmp_path, FEW)
    scale.anchor(few)
    small, large = scale.measure(few), scale.measure(many)
    assert small.failed == large.failed == []
    size = many.stat().st_size - few.stat().st_size
    assert large.peak - small.peak < size / 4
    assert large.peak < 200e6
