"""Many records in one transaction, on every database: numbered and chained as one by one, all of them or none."""

from dataclasses import replace

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.outbox.outbox import DAGSTER
from lineage_pipelines.errors import ConflictError
from lineage_pipelines_tests.samples import make_record


def test_records_of_several_models_are_chained_and_numbered(catalog: Catalog) -> None:
    catalog.append(make_record("0"))
    records = [make_record("1"), make_record("2", model="minutes"), make_record("3"), make_record("4", model="minutes")]
    found = catalog.append_all(records, notify=[DAGSTER])
    assert [entry.ref for entry in found] == ["flight_delay@2", "minutes@1", "flight_delay@3", "minutes@2"]
    for entry in found:
        assert catalog.get(entry.model, entry.version) == entry
        before = catalog.get(entry.model, entry.version - 1).digest if entry.version > 1 else None
        assert entry.record.model.previous == before
    assert [told.ref for told in catalog.outbox.pending_versions(DAGSTER)] == [entry.ref for entry in found]


def test_a_run_that_has_a_version_keeps_it(catalog: Catalog) -> None:
    first = catalog.append(make_record("1"))
    found = catalog.append_all([make_record("1"), make_record("2")])
    assert [entry.ref for entry in found] == [first.ref, "flight_delay@2"]
    assert found[1].record.model.previous == first.digest


def test_one_that_is_refused_leaves_nothing(catalog: Catalog) -> None:
    catalog.append(make_record("1", auc=0.7))
    with pytest.raises(ConflictError):
        catalog.append_all([make_record("2"), make_record("1", auc=0.6)])
    assert [entry.version for entry in catalog.entries("flight_delay")] == [1]
    given = make_record("3")
    with pytest.raises(ConflictError):
        catalog.append_all([make_record("2"), replace(given, model=replace(given.model, name="flight-delay"))])
    assert [summary.name for summary in catalog.models()] == ["flight_delay"]
