"""The versions of a partition, and those of earlier windows, by the index alone."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines_tests.samples import make_record

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as made:
        yield made


def day(number: int, identity: str | None = None) -> Partition:
    """Return a partition of one day."""
    return Partition(identity=identity, window=FIRST + timedelta(days=number))


def add(catalog: Catalog, *partitions: Partition | None, model: str = "flight_delay") -> None:
    """Commit a version of each partition."""
    begin = len(catalog.entries(model))
    records = [
        make_record(str(number), model=model, partition=each) for number, each in enumerate(partitions, begin + 1)
    ]
    catalog.append_all(records)


def test_versions_of_an_identity_come_newest_first_page_after_page(catalog: Catalog) -> None:
    west, east = Partition(identity="west"), Partition(identity="east")
    add(catalog, *[west, None, east] * 12)
    add(catalog, west, model="flight_delay_2")
    found = [entry.version for entry in _at(catalog, catalog.index.places_of("flight_delay", "west"))]
    assert found == list(range(34, 0, -3))
    assert [entry.version for entry in _at(catalog, catalog.index.places_of("flight_delay", "west", before=7))] == [
        4,
        1,
    ]
    assert catalog.index.identities("flight_delay") == ["east", "west"]
    assert catalog.index.identities("flight") == []
    assert list(catalog.index.places_of("flight_delay", "wes")) == []


def _before(catalog: Catalog, partition: Partition) -> Iterator[Entry]:
    return _at(catalog, catalog.index.places_before("flight_delay", partition))


def _at(catalog: Catalog, places: Iterator[int]) -> Iterator[Entry]:
    return (entry for place in places for entry in catalog.log.versions_at([place]))


def test_windows_before_one_come_latest_first_and_the_newest_version_of_each_first(catalog: Catalog) -> None:
    numbers = [*range(25), 3, 7, 7]
    random.Random(4).shuffle(numbers)
    add(catalog, *[day(number) for number in numbers])
    versions = {number: [v for v, n in enumerate(numbers, 1) if n == number][::-1] for number in range(25)}
    found = [entry.version for entry in _before(catalog, day(24))]
    assert found == [version for number in range(23, -1, -1) for version in versions[number]]
    assert list(_before(catalog, day(0))) == []
    (nearest,) = islice(_before(catalog, Partition(window=day(5).window)), 1)
    assert nearest.version == versions[4][0]


def test_windows_of_one_identity_are_not_those_of_another_whatever_its_key(catalog: Catalog) -> None:
    keys = ["a", "a]", "a]b", "a]@7", "a[b]", "A", "a ", "]", "ä"]
    add(catalog, *[day(number, key) for number, key in enumerate(keys)], day(0))
    for number, key in enumerate(keys):
        (found,) = _before(catalog, day(20, key))
        assert (found.version, found.identity, found.ref) == (number + 1, key, f"flight_delay[{key}]@{number + 1}")
        (found,) = _at(catalog, catalog.index.places_of("flight_delay", key))
        assert found.version == number + 1
    (found,) = _before(catalog, day(20))
    assert found.version == len(keys) + 1
    assert catalog.index.identities("flight_delay") == sorted(keys)


def test_what_the_index_says_of_partitions_is_derived_again(catalog: Catalog) -> None:
    add(catalog, day(2, "west"), day(1, "west"), Partition(identity="east"), None)
    catalog.rebuild()
    assert [entry.version for entry in _before(catalog, day(9, "west"))] == [1, 2]
    assert catalog.index.identities("flight_delay") == ["east", "west"]


def test_a_partition_is_told_from_the_record_alone(catalog: Catalog) -> None:
    add(catalog, day(3, "west"), None)
    entry, plain = catalog.get("flight_delay", 1), catalog.get("flight_delay", 2)
    assert entry.partition == day(3, "west") == entry.record.model.partition
    assert (plain.partition, plain.identity, plain.ref) == (None, None, "flight_delay@2")
