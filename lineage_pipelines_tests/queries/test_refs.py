"""What a person types for a version: of a model, of a partition, by number, alias or digest."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.refs import Ref, is_version, known_partition, parse_ref, resolve
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.values.model_name import scoped
from lineage_pipelines_tests.samples import make_record

identities = st.text(min_size=1, max_size=20).filter(str.isprintable) | st.sampled_from(["]", "a]@7", "[", "@", "a@b"])


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """East, west, west again, and one of before there were partitions."""
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as made:
        for run, region in zip("123", ("east", "west", "west"), strict=True):
            made.append(make_record(run, partition=Partition(identity=region)))
        made.append(make_record("4"))
        made.append(make_record("5", model="minutes", partition=Partition(window=datetime(2026, 1, 1, tzinfo=UTC))))
        yield made


@given(identity=identities, rest=st.sampled_from(["", "@7", "@production"]))
def test_any_identity_of_a_partition_can_be_written(identity: str, rest: str) -> None:
    version, alias = (7, None) if rest == "@7" else (None, rest[1:] or None)
    expected = Ref(model="delay", identity=identity, version=version, alias=alias)
    assert parse_ref(f"delay[{identity}]{rest}") == expected


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("flight_delay", 4),
        ("flight_delay[west]", 3),
        ("flight_delay[east]", 1),
        ("flight_delay[west]@2", 2),
        ("flight_delay@2", 2),
        ("flight_delay@4", 4),
    ],
)
def test_numbers_are_those_of_the_model_and_the_latest_is_that_of_the_partition(
    catalog: Catalog, text: str, version: int
) -> None:
    assert resolve(catalog, text).version == version
    assert is_version(catalog, text)


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        (
            "flight_delay[west]@1",
            "version 1 of flight_delay is of [east], not of [west]",
            "write flight_delay[east]@1; the latest of [west] is flight_delay[west]@3",
        ),
        ("flight_delay[west]@4", "version 4 of flight_delay is of no partition, not of [west]", "write flight_delay@4"),
        ("flight_delay[west]@9", "flight_delay has no version 9", "it has versions 1 to 4"),
        ("flight_delay[wset]", "no version of flight_delay is of the partition 'wset'", "there is: flight_delay[west]"),
        ("flight_delay[]", "of the partition ''", "there is: flight_delay[east], flight_delay[west]"),
        ("minutes[2026-01-01]", "of the partition '2026-01-01'", "windows of time alone: write minutes@7"),
        ("delays[west]", "no model 'delays'", "flight_delay"),
        ("flight_delay[west]x", "not a version of a model", "write model@7"),
        ("flight_delay[west]@", "not a version number", "whole number"),
        ("flight_delay[\udcff]", "no version of flight_delay is of the partition", "there is"),
        ("[west]@1", "not a version of a model", "write model@7"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(catalog: Catalog, text: str, what: str, fix: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        resolve(catalog, text)
    assert what in caught.value.what
    assert fix in caught.value.fix


def test_a_model_or_one_of_its_partitions_is_known(catalog: Catalog) -> None:
    assert tuple(known_partition(catalog, "flight_delay")) == ("flight_delay", None)
    west = known_partition(catalog, "flight_delay[west]")
    assert tuple(west) == ("flight_delay", "west")
    assert [west.includes(each) for each in ("west", "east", None)] == [True, False, False]
    assert known_partition(catalog, "flight_delay").includes("west")
    for text in ("delays", "flight_delay[south]", "delays[west]", "flight_delay@2"):
        with pytest.raises(NotFoundError):
            known_partition(catalog, text)


@pytest.mark.parametrize("text", ["data/x[1].csv", "x[1].csv", "other", "flight_delay@2 of May.csv", "other[west]"])
def test_what_names_no_version_is_left_to_others(catalog: Catalog, text: str) -> None:
    assert not is_version(catalog, text)


@given(name=st.from_regex(r"[a-z][a-z0-9_.-]{0,8}[a-z0-9]", fullmatch=True), identity=identities)
def test_names_of_partitions_are_their_own(name: str, identity: str) -> None:
    assert parse_ref(scoped(name, identity)) == Ref(model=name, identity=identity)
