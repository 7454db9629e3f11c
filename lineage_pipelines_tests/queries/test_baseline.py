"""The version that a new one has to beat."""

from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.queries.registry.baseline import accepted_version, compared_versions, find_baseline
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion
from lineage_pipelines.records.values.model_name import PRODUCTION
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


def test_the_version_to_beat_is_the_one_in_production_else_the_last_accepted(tmp_path: Path) -> None:
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        assert find_baseline(catalog, "flight_delay") is None
        first, second, third = (catalog.append(make_record(run)) for run in "123")
        baseline = find_baseline(catalog, "flight_delay")
        assert baseline is not None
        assert (baseline.label, baseline.record) == (third.ref, third.record)
        assert compared_versions(catalog, first) == []
        assert compared_versions(catalog, third) == [("flight_delay@2, the one before", second)]
        promote(catalog, tmp_path, first)
        baseline = find_baseline(catalog, "flight_delay")
        assert baseline is not None
        assert (baseline.label, baseline.record) == ("flight_delay@1, in production", first.record)
        assert compared_versions(catalog, first) == []
        assert compared_versions(catalog, second) == [("flight_delay@1, in production", first)]
        assert compared_versions(catalog, third) == [
            ("flight_delay@2, the one before", second),
            ("flight_delay@1, in production", first),
        ]


def promote(catalog: Catalog, folder: Path, entry: Entry) -> None:
    decision = draft_promotion(catalog, entry, PRODUCTION, by="carol", reason="newer data", project_dir=folder)
    catalog.registry.decide(decision)
