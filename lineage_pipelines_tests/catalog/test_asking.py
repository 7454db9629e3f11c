"""What the catalog answers: versions by name, digest, run and by what they used."""

import dataclasses
from datetime import UTC, datetime

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry, ModelSummary
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.records.statement.dataset import StageInput
from lineage_pipelines.records.statement.lineage_record import LineageRecord, encode
from lineage_pipelines.records.values.digest import Digest, DigestSet
from lineage_pipelines_tests.samples import digest, digests, make_record, run_key

MARCH, APRIL = "through 2013-03", "through 2013-04"


@pytest.fixture
def entries(catalog: Catalog) -> list[Entry]:
    """Two models on the data of March, then one of them on that of April."""
    return [
        catalog.append(make_record("1", raw=MARCH)),
        catalog.append(make_record("1", model="churn", raw=MARCH)),
        catalog.append(make_record("2", raw=APRIL)),
    ]


def test_a_version_is_found_by_name_digest_and_run(catalog: Catalog, entries: list[Entry]) -> None:
    for entry in entries:
        assert catalog.get(entry.model, entry.version) == entry
        assert catalog.by_digest(entry.digest.hex[:6]) == entry
        assert catalog.by_digest(f"SHA256:{entry.digest.hex.upper()}") == entry
        assert catalog.by_run_key(entry.record.model.run_key) == entry
    assert catalog.latest("flight_delay") == entries[2]
    assert catalog.latest("other") is None
    assert catalog.by_run_key(run_key("never")) is None
    assert catalog.entries("other") == []


@pytest.mark.parametrize(("model", "version"), [("flight_delay", 3), ("flight_delay", 0), ("other", 1)])
@pytest.mark.usefixtures("entries")
def test_a_version_that_is_not_there_is_told(catalog: Catalog, model: str, version: int) -> None:
    with pytest.raises(NotFoundError, match=f"the catalog has no {model}@{version}") as caught:
        catalog.get(model, version)
    assert caught.value.where == catalog.url


def test_versions_are_listed_newest_first_in_pages(catalog: Catalog) -> None:
    for run in "12345":
        catalog.append(make_record(run))
    catalog.append(make_record("1", model="churn"))

    def versions(limit: int | None = None, before: int | None = None) -> list[int]:
        return [entry.version for entry in catalog.entries("flight_delay", limit=limit, before=before)]

    assert versions() == [5, 4, 3, 2, 1]
    assert versions(limit=2) == [5, 4]
    assert versions(limit=2, before=4) == [3, 2]
    assert versions(before=1) == []


def test_models_are_summed_up_by_name(catalog: Catalog, entries: list[Entry]) -> None:
    churn, delay = catalog.models()
    assert churn == ModelSummary(name="churn", versions=1, latest_version=1, latest_time=entries[1].recorded)
    assert delay == ModelSummary(name="flight_delay", versions=2, latest_version=2, latest_time=entries[2].recorded)
    assert abs((datetime.now(UTC) - delay.latest_time).total_seconds()) < 600


USED_IN_MARCH = {
    "a snapshot": digests(f"train of {MARCH}"),
    "the input of a stage, two steps back": digests(MARCH, folder=True),
    "what one stage gave the next": digests(f"features of {MARCH}"),
}


@pytest.mark.parametrize("what", USED_IN_MARCH)
def test_users_are_found_by_either_digest_directly_and_through_stages(
    catalog: Catalog, entries: list[Entry], what: str
) -> None:
    both = USED_IN_MARCH[what]
    assert both.md5 is not None
    assert both.sha256 is not None
    plain = both.md5.removesuffix(".dir")
    for text in (both.md5, f"md5:{both.md5}", plain, plain.upper(), plain[:6], both.sha256, both.sha256[:6]):
        assert catalog.index.users_of(text) == [entries[1], entries[0]], text


def test_what_every_version_used_names_them_all_newest_first(catalog: Catalog, entries: list[Entry]) -> None:
    assert catalog.index.users_of(str(digests("features.py").md5)) == entries[::-1]
    assert catalog.index.users_of(str(digests(f"test of {APRIL}").sha256)) == [entries[2]]
    assert catalog.index.users_of(digest("never used").hex) == []
    assert catalog.index.users_of(entries[0].record.artifact.digest.hex) == []


def test_a_prefix_shared_by_several_contents_names_the_users_of_each_once(catalog: Catalog) -> None:
    stage = make_record().stages[0]
    hexes = [f"abcdef{number:058x}" for number in range(1000)]  # more than one statement may name
    deps = tuple(StageInput(path=text, digest=DigestSet(sha256=text), origin="git") for text in hexes)
    for run, some in (("1", deps), ("2", deps[:1] + deps)):
        catalog.append(dataclasses.replace(make_record(run), stages=(dataclasses.replace(stage, deps=some),)))
    for prefix in ("abcdef", hexes[0], hexes[999]):
        assert [entry.version for entry in catalog.index.users_of(prefix)] == [2, 1]
    assert catalog.index.users_of("abcdee") == catalog.index.users_of("abcdf0") == []


@pytest.mark.parametrize("text", ["", "abcde", "xyzxyz", "abcdef%", "abcdef'--", "md5:", "a" * 65, "flight_delay@1"])
def test_what_is_no_beginning_of_a_digest_is_told(catalog: Catalog, text: str) -> None:
    for ask in (catalog.index.users_of, catalog.by_digest):
        with pytest.raises(NotFoundError, match="not the beginning of a digest") as caught:
            ask(text)
        assert caught.value.fix == "give 6 hex characters or more"


def test_a_digest_that_is_not_there_is_told(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError, match="no record begins with abcdef"):
        catalog.by_digest("abcdef")


def _numbered(model: str, number: int) -> LineageRecord:
    return dataclasses.replace(make_record(model=model), extra={"x_number": number})


def _begin_alike() -> tuple[LineageRecord, LineageRecord]:
    """Search two records whose digests share the shortest beginning that may be asked for."""
    numbers = range(10_000, 99_999)
    seen: dict[str, dict[str, int]] = {}
    for model in ("churn", "flight_delay"):
        before, after = encode(_numbered(model, 12_345)).split(b"12345")
        found = {Digest.of(b"%b%d%b" % (before, number, after)).hex[:6]: number for number in numbers}
        seen[model] = found
    prefix = next(iter(seen["churn"].keys() & seen["flight_delay"].keys()))
    churn, delay = (_numbered(model, found[prefix]) for model, found in seen.items())
    return churn, delay


def test_a_beginning_that_two_records_share_is_told_with_both(catalog: Catalog) -> None:
    entries = [catalog.append(record) for record in _begin_alike()]
    prefix = entries[0].digest.hex[:6]
    with pytest.raises(NotFoundError, match=f"several records begin with {prefix}") as caught:
        catalog.by_digest(prefix)
    assert caught.value.fix == "say which: " + ", ".join(f"{entry.ref} ({entry.digest.hex[:16]})" for entry in entries)
    for entry in entries:
        assert catalog.by_digest(entry.digest.hex[:16]) == entry
