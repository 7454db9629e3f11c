"""The version that a new one has to beat."""

from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.registry.baseline import accepted_version
from lineage_pipelines_tests.samples import make_record

FAILS = 0.61


def test_the_newest_version_that_passed_is_found_however_many_failed_since(tmp_path: Path) -> None:
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        assert accepted_version(catalog, "flight_delay") is None
        catalog.append(make_record("0", auc=FAILS))
        assert accepted_version(catalog, "flight_delay") is None
        for run in range(1, 3):
            catalog.append(make_record(str(run)))
        for run in range(3, 28):
            catalog.append(make_record(str(run), auc=FAILS))
        accepted = accepted_version(catalog, "flight_delay")
        assert accepted is not None
        assert accepted.version == 3
