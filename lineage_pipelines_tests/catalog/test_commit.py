"""Law 4 and law 5: nothing is edited; one run has one version, and versions have no gaps."""

import dataclasses
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.catalog.backends.schema_tables import log
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.commit import append, differences, draft
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import CatalogError, ConflictError, NotFoundError, RecordError
from lineage_pipelines.records.statement.lineage_record import LineageRecord, decode, encode, predicate
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.samples import at_schema_1, digest, digests, make_record, run_key, with_metrics
from lineage_pipelines_tests.strategies import records


def _following(record: LineageRecord, previous: Digest | None) -> LineageRecord:
    return dataclasses.replace(record, model=dataclasses.replace(record.model, previous=previous))


def test_versions_have_no_gaps_and_each_record_names_the_one_before(catalog: Catalog) -> None:
    models = ("flight_delay", "churn", "flight_delay", "flight_delay", "churn")
    entries = [catalog.append(make_record(str(run), model=model)) for run, model in enumerate(models)]
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry.ref for entry in entries] == [
        "flight_delay@1",
        "churn@1",
        "flight_delay@2",
        "flight_delay@3",
        "churn@2",
    ]
    before = [None, None, entries[0].digest, entries[2].digest, entries[1].digest]
    assert [entry.record.model.previous for entry in entries] == before


def test_what_is_kept_is_the_records_exact_bytes(catalog: Catalog) -> None:
    first = catalog.append(make_record("1"))
    given = make_record("2", auc=1 / 3)
    given = dataclasses.replace(given, parameters={"whole": 1.0, "big": 2**70, "ß": "\u2028"}, extra={"new": [1, "é"]})
    entry = catalog.append(given)
    assert entry.body == encode(_following(given, first.digest))
    again = catalog.get("flight_delay", 2)
    assert again == entry
    assert again.digest == Digest.of(again.body)
    assert again.record == decode(entry.body) == _following(given, first.digest)


ATTEMPT: dict[str, Any] = {
    "host": "trainer-2",
    "user": None,
    "started": make_record("9").run.started,
    "finished": make_record("9").run.finished,
}


def test_the_same_run_gets_the_version_that_it_has(catalog: Catalog) -> None:
    record = make_record("1")
    first = catalog.append(record)
    catalog.append(make_record("2"))
    retried = dataclasses.replace(
        record,
        run=dataclasses.replace(record.run, **ATTEMPT),
        artifact=dataclasses.replace(record.artifact, digest=digest("written again"), size=312_460),
        environment=dataclasses.replace(record.environment, cpu="another", threads={"cpus": 64}),
    )
    for again in (record, retried, first.record):
        assert catalog.append(again) == first
    assert [entry.version for entry in catalog.entries("flight_delay")] == [2, 1]


PARAMETERS: Any = {**make_record().parameters, "one": 1}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"parameters": PARAMETERS | {"learning_rate": 0.2, "new": 1}}, "parameters.learning_rate, parameters.new"),
        ({"parameters": PARAMETERS | {"ratio": 1}}, "parameters.ratio"),
        ({"parameters": PARAMETERS | {"one": True}}, "parameters.one"),
        ({"parameters": PARAMETERS | {"new": None}}, "parameters.new"),
        ({"stages": make_record().stages[::-1]}, "stages[0].command"),
        ({"data": make_record(raw="through 2013-04").data}, "data[0].digest.md5"),
        ({"stages": ()}, "stages"),
        ({"run": dataclasses.replace(make_record().run, seed=8)}, "run.seed"),
        ({"code": dataclasses.replace(make_record().code, dirty=False)}, "code.dirty"),
        ({"evaluation": with_metrics(make_record(), roc_auc=0.9).evaluation}, "evaluation.metrics.roc_auc"),
        ({"evaluation": None}, "evaluation"),
        ({"extra": {"x_new": 1}}, "x_new"),
    ],
)
def test_the_same_run_that_says_something_else_is_a_conflict(
    catalog: Catalog, change: dict[str, Any], path: str
) -> None:
    record = dataclasses.replace(make_record(), parameters=PARAMETERS)
    first = catalog.append(record)
    with pytest.raises(ConflictError, match="the run already has flight_delay@1") as caught:
        catalog.append(dataclasses.replace(record, **change))
    assert path in caught.value.what
    assert str(first.digest) in caught.value.where
    assert "nothing was stored" in caught.value.fix
    assert catalog.entries("flight_delay") == [first]


@given(records)
def test_any_record_makes_the_same_claim_again(record: LineageRecord) -> None:
    committed = decode(draft(record, digest("before")).body)
    assert differences(committed, draft(record, digest("later")).record) == ()


def test_a_record_that_follows_another_than_the_newest_is_a_conflict(catalog: Catalog) -> None:
    first = catalog.append(make_record("1"))
    second = catalog.append(_following(make_record("2"), first.digest))
    for previous in (first.digest, digest("nothing")):
        with pytest.raises(ConflictError, match=f"the newest record of 'flight_delay' is {second.digest}"):
            catalog.append(_following(make_record("3"), previous))
    with pytest.raises(ConflictError, match="the newest record of 'churn' is none"):
        catalog.append(_following(make_record("3", model="churn"), first.digest))
    assert len(catalog.entries("flight_delay")) == 2
    assert [summary.name for summary in catalog.models()] == ["flight_delay"]


def test_a_record_that_another_writer_overtook_follows_the_other(catalog: Catalog) -> None:
    """It was drafted on the newest record of a moment ago; what is committed is what a draft on the newest one is."""
    given = dataclasses.replace(make_record("2"), extra={"x_new": 1.0})
    drafted = draft(given, None)
    first = catalog.append(make_record("1"))
    with catalog.connection.writing() as connection:
        entry = append(connection, given, drafted)
    assert entry.ref == "flight_delay@2"
    assert entry.body == draft(given, first.digest).body
    assert catalog.get("flight_delay", 2) == entry


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("seed", "seven", "record.run.seed"),
        ("host", 7, "record.run.host"),
        ("started", "now", ""),
        ("host", None, "record.run"),
    ],
)
def test_a_record_that_could_not_be_read_again_is_refused(catalog: Catalog, field: str, value: Any, where: str) -> None:
    record = make_record()
    with pytest.raises(RecordError) as caught:
        catalog.append(dataclasses.replace(record, run=dataclasses.replace(record.run, **{field: value})))
    assert caught.value.where == where
    assert not list(catalog.log.walk())


@pytest.mark.parametrize("twin", ["flight-delay", "flight.delay", "flight__delay"])
def test_a_name_that_people_would_confuse_is_a_conflict(catalog: Catalog, twin: str) -> None:
    catalog.append(make_record())
    with pytest.raises(ConflictError, match="too similar to 'flight_delay'"):
        catalog.append(make_record(model=twin))
    assert catalog.latest(twin) is None
    assert catalog.append(make_record("2")).seq == 2


def test_a_record_without_an_exact_form_is_refused(catalog: Catalog) -> None:
    with pytest.raises(RecordError):
        catalog.append(with_metrics(make_record(), roc_auc=float("nan")))
    assert catalog.models() == []


NAMES = ("churn", "flight_delay")
RUNS = ("1", "2", "3", "4")
RAWS = ("through 2013-03", "through 2013-04")


def _answers(catalog: Catalog) -> list[Any]:
    """Everything that the catalog can be asked."""
    keys = [run_key(f"{name} {run}") for name in NAMES for run in RUNS]
    used = [digests(raw) for raw in (*RAWS, f"train of {RAWS[0]}", "never used")]
    entries = {name: catalog.entries(name) for name in NAMES}
    return [
        catalog.models(),
        entries,
        [catalog.by_run_key(key) for key in keys],
        [catalog.index.users_of(str(text)) for both in used for text in (both.md5, both.sha256)],
        [catalog.by_digest(entry.digest.hex) for listed in entries.values() for entry in listed],
    ]


def _append_as_a_list_would(catalog: Catalog, model: dict[str, list[Entry]], given: LineageRecord) -> None:
    versions = model[given.model.name]
    known = [entry for entry in versions if entry.record.model.run_key == given.model.run_key]
    if not known:
        entry = catalog.append(given)
        assert entry.version == len(versions) + 1
        assert entry.record == _following(given, versions[-1].digest if versions else None)
        versions.append(entry)
    elif encode(_following(given, known[0].record.model.previous)) == known[0].body:
        assert catalog.append(given) == known[0]
    else:
        with pytest.raises(ConflictError):
            catalog.append(given)


appends = st.builds(
    make_record,
    st.sampled_from(RUNS),
    model=st.sampled_from(NAMES),
    raw=st.sampled_from(RAWS),
    auc=st.sampled_from([0.74, 0.75]),
)


@given(st.lists(st.none() | appends, max_size=12))
def test_a_catalog_answers_like_a_list_and_the_same_after_rebuilding(steps: list[LineageRecord | None]) -> None:
    with tempfile.TemporaryDirectory() as folder, Catalog(f"sqlite:///{folder}/c.db") as catalog:
        model: dict[str, list[Entry]] = defaultdict(list)
        for step in steps:
            if step is None:
                answers = _answers(catalog)
                assert catalog.rebuild() == sum(map(len, model.values()))
                assert _answers(catalog) == answers
            else:
                _append_as_a_list_would(catalog, model, step)
        for name in NAMES:
            assert catalog.entries(name) == model[name][::-1]
        if steps and any(steps):
            with Catalog(catalog.url, read_only=True) as other:
                assert _answers(other) == _answers(catalog)


_UNGUARDED = {
    "sqlite": ("DROP TRIGGER version_update", "DROP TRIGGER usage_delete"),
    "postgresql": ("DROP TRIGGER version_append_only ON version", "DROP TRIGGER usage_append_only ON usage"),
}


def test_rebuilding_repairs_an_index_that_disagrees_with_the_log(catalog: Catalog) -> None:
    entries = [catalog.append(make_record(run)) for run in "123"]
    with catalog.connection.writing() as connection:
        for statement in _UNGUARDED[connection.dialect.name]:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("UPDATE version SET digest = 'other' WHERE version = 2")
        connection.exec_driver_sql("DELETE FROM usage")
    with pytest.raises(CatalogError, match=r"the index disagrees with the log about flight_delay@2\n.*\n.*rebuild"):
        catalog.get("flight_delay", 2)
    assert catalog.rebuild() == 3
    assert catalog.entries("flight_delay") == entries[::-1]
    assert catalog.index.users_of(str(digests("train of through 2013-03").md5)) == entries[::-1]


@pytest.mark.parametrize("body", [b"not a record", encode(make_record("2"))[:-1]])
def test_rebuilding_changes_nothing_when_the_log_cannot_be_read(catalog: Catalog, body: bytes) -> None:
    entry = catalog.append(make_record())
    with catalog.connection.writing() as connection:
        values = {"seq": 2, "kind": "record", "digest": Digest.of(body).hex, "body": body}
        connection.execute(log.insert().values(**values, recorded="2013-04-02T06:00:00Z"))
    with pytest.raises(CatalogError) as caught:
        catalog.rebuild()
    assert caught.value.where == "entry 2 of the log"
    assert catalog.entries("flight_delay") == [entry]
    with pytest.raises(NotFoundError):
        catalog.get("flight_delay", 2)


def test_a_retry_by_a_newer_release_has_the_version_that_an_older_one_committed(catalog: Catalog) -> None:
    """Facts that the schema of the first attempt has no field for contradict nothing."""
    record = make_record()
    earlier = at_schema_1(record)
    assert predicate(earlier) != predicate(record)
    first = catalog.append(earlier)
    assert catalog.append(record) == first


def test_one_key_signs_every_entry_and_is_introduced_once(tmp_path: Path) -> None:
    with Catalog(f"sqlite:///{tmp_path}/signed.db", keys=tmp_path / "keys") as catalog:
        for number in range(3):
            catalog.append(make_record(str(number)))
        assert [entry.kind for entry in catalog.log.walk()] == ["key", "record", "record", "record"]
        assert len({entry.keyid for entry in catalog.log.walk()}) == 1


def test_a_key_that_was_revoked_signs_nothing_more(tmp_path: Path) -> None:
    with Catalog(f"sqlite:///{tmp_path}/signed.db", keys=tmp_path / "keys") as catalog:
        catalog.append(make_record("1"))
        (key,) = {entry.keyid for entry in catalog.log.walk() if entry.keyid}
        catalog.registry.revoke_key(key, "stolen")
        size = len(list(catalog.log.walk()))
        with pytest.raises(CatalogError, match="was revoked"):
            catalog.append(make_record("2"))
        assert len(list(catalog.log.walk())) == size


@pytest.mark.parametrize(("count", "more"), [(6, ""), (7, " and 1 more"), (9, " and 3 more")])
def test_a_conflict_names_six_facts_and_counts_the_rest(catalog: Catalog, count: int, more: str) -> None:
    names = [f"p{number}" for number in range(count)]
    record = dataclasses.replace(make_record(), parameters=dict.fromkeys(names, 1))
    catalog.append(record)
    with pytest.raises(ConflictError) as caught:
        catalog.append(dataclasses.replace(record, parameters=dict.fromkeys(names, 2)))
    named = ", ".join(f"parameters.{name}" for name in names[:6])
    assert caught.value.what.endswith(f"which differs in: {named}{more}")
