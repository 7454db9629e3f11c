"""The list of versions is answered from summaries in the index, and says what the records say."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.index.version_summary import VersionSummary, summarize
from lineage_pipelines.catalog.log import entries
from lineage_pipelines.queries.registry.baseline import preceding_versions, previous_version
from lineage_pipelines.queries.versions.version_log import log_versions
from lineage_pipelines.queries.versions.what_changed import what_changed
from lineage_pipelines.records.statement.lineage_record import LineageRecord, decode
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.values.canonical import canonical_bytes, parse_bytes
from lineage_pipelines.records.values.codec import from_json, to_json
from lineage_pipelines_tests import strategies
from lineage_pipelines_tests.samples import make_record

DAY = datetime(2026, 3, 1, tzinfo=UTC)
PARTITIONS = [
    None,
    Partition(identity="west"),
    Partition(identity="east"),
    Partition(window=DAY),
    Partition(window=DAY - timedelta(days=1)),
    Partition(identity="west", window=DAY),
    None,
    Partition(identity="west", window=DAY + timedelta(days=1)),
    Partition(identity="west"),
    Partition(window=DAY + timedelta(days=2)),
    None,
]


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.db")
    for number, partition in enumerate(PARTITIONS):
        catalog.append(make_record(str(number), raw=f"delivery {number // 2}", partition=partition))
    return catalog


def test_a_page_of_the_log_decodes_no_record(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(body: bytes) -> LineageRecord:
        raise AssertionError(f"{len(body)} bytes were decoded")

    monkeypatch.setattr(entries, "decode", refuse)
    monkeypatch.setattr(entries, "decode_identity", refuse)
    assert [each.version for each in log_versions(catalog, "flight_delay", limit=5)] == [11, 10, 9, 8, 7]
    assert len(log_versions(catalog, "flight_delay")) == len(PARTITIONS)
    assert [each.version for each in log_versions(catalog, "flight_delay[west]")] == [9, 8, 6, 2]


def test_what_changed_decodes_the_records_that_it_shows(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []

    def count(body: bytes) -> LineageRecord:
        decoded.append(body)
        return decode(body)

    monkeypatch.setattr(entries, "decode", count)
    monkeypatch.setattr("lineage_pipelines.queries.versions.what_changed.measure_noise", lambda _: {})
    found = what_changed(catalog, "flight_delay", "1", now=datetime.now(UTC), limit=1)
    assert [event.version for event in found.events] == [11]
    assert len(set(decoded)) == 2


@pytest.mark.parametrize("rebuilt", [False, True])
def test_a_version_precedes_another_by_one_rule(catalog: Catalog, rebuilt: bool) -> None:
    if rebuilt:
        catalog.rebuild()
    for limit in (None, 1, 4):
        versions = catalog.index.summaries("flight_delay", limit=limit)
        found = preceding_versions(catalog, "flight_delay", versions)
        for each in versions:
            before = previous_version(catalog, catalog.get("flight_delay", each.version))
            assert (before.version if before else None) == (found[each.seq].version if each.seq in found else None)


def test_a_summary_is_derived_from_the_log_again(catalog: Catalog) -> None:
    before = catalog.index.summaries("flight_delay")
    catalog.rebuild()
    assert catalog.index.summaries("flight_delay") == before
    for each in before:
        entry = catalog.get("flight_delay", each.version)
        assert (each.seq, each.digest, each.recorded) == (entry.seq, entry.digest.hex, entry.recorded)
        assert each.summary == summarize(entry.record)


def test_a_version_without_a_summary_is_listed_from_its_record(catalog: Catalog) -> None:
    expected = log_versions(catalog, "flight_delay")
    with closing(sqlite3.connect(catalog.url.removeprefix("sqlite:///"))) as raw, raw:
        guard = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'summary_delete'").fetchone()[0]
        raw.execute("DROP TRIGGER summary_delete")
        raw.execute("DELETE FROM summary WHERE seq IN (3, 5)")
        raw.execute(guard)
    assert log_versions(catalog, "flight_delay") == expected
    assert [each.version for each in log_versions(catalog, "flight_delay[east]")] == [3]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(record=strategies.records)
def test_a_summary_is_read_as_it_was_written(record: LineageRecord) -> None:
    summary = summarize(record)
    assert from_json(VersionSummary, parse_bytes(canonical_bytes(to_json(summary)))) == summary
