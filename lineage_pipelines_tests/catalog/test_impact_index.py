"""What the index of everything that versions used answers, in each database."""

import dataclasses
from collections.abc import Iterable

import psycopg
import pytest
import sqlalchemy as sa

from lineage_pipelines.catalog.backends import postgres
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.index.impact_index import ImpactQuery
from lineage_pipelines.catalog.index.record_index import LONGEST
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.graph.impact import impact
from lineage_pipelines.queries.graph.subject import Places, find_subject
from lineage_pipelines.queries.graph.trace import trace
from lineage_pipelines.records.statement.dataset import StageInput
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import DigestSet
from lineage_pipelines_tests.postgres_server import Server
from lineage_pipelines_tests.queries.graphs import chained, with_source
from lineage_pipelines_tests.samples import digest, digests, make_record


def _refs(catalog: Catalog, **wanted: object) -> list[str]:
    found = catalog.index.impact(ImpactQuery(**wanted))  # type: ignore[arg-type]
    return sorted({f"{each.version.model}@{each.version.version}" for each in found})


def _on(run: str, *paths: str) -> LineageRecord:
    """Return a record whose preparation read these."""
    record = make_record(run)
    deps = tuple(StageInput(path=path, digest=digests(path), origin="tracked:x.dvc") for path in paths)
    stages = (dataclasses.replace(record.stages[0], deps=deps),)
    return dataclasses.replace(record, stages=stages, data=(), code=dataclasses.replace(record.code, source=None))


def _append(catalog: Catalog, records: Iterable[LineageRecord]) -> None:
    for record in records:
        catalog.append(record)


def test_a_path_finds_itself_and_what_is_beneath_it_and_nothing_that_begins_alike(catalog: Catalog) -> None:
    paths = ["data/raw", "data/raw/a.csv", "data/raw.csv", "data/rawer/a", "data/raw0", "Data/raw", "data/raw/ß/東京"]
    _append(catalog, (_on(str(number), path) for number, path in enumerate(paths, 1)))
    assert _refs(catalog, path="data/raw") == ["flight_delay@1", "flight_delay@2", "flight_delay@7"]
    assert _refs(catalog, path="data/raw/ß") == ["flight_delay@7"]
    assert _refs(catalog, path="data/ra%") == _refs(catalog, path="dat") == _refs(catalog, path="") == []
    for path in paths:
        assert catalog.index.has_path(path)
    assert catalog.index.has_path("data/raw/ß")
    assert not catalog.index.has_path("data/ra")


def test_a_path_of_any_length_is_kept_and_found(catalog: Catalog) -> None:
    """A URL may be longer than PostgreSQL indexes."""
    paths = ["é" * LONGEST, "é" * LONGEST + "x", "s3://bucket/" + "a" * 9000, "s3://bucket/" + "a" * 9000 + "/b"]
    _append(catalog, (_on(str(number), path) for number, path in enumerate(paths, 1)))
    for number, path in enumerate(paths, 1):
        assert _refs(catalog, path=path) == [f"flight_delay@{number}"]
    assert _refs(catalog, path="s3://bucket") == ["flight_delay@3", "flight_delay@4"]


def test_more_things_than_one_statement_may_name_are_one_question(catalog: Catalog) -> None:
    paths = [f"data/{number}" for number in range(1200)]
    _append(catalog, [_on("1", *paths), _on("2", *paths[:600]), _on("3", "other")])
    both = ["flight_delay@1", "flight_delay@2"]
    assert _refs(catalog, hexes=[hex_ for path in paths for hex_ in (digests(path).md5, digests(path).sha256)]) == both
    ids = [file.id for file in catalog.index.files_at(paths)]
    assert len(ids) == 1200
    assert _refs(catalog, entities=ids) == both
    assert _refs(catalog, entities=range(10**6, 10**6 + 25_000)) == []
    assert _refs(catalog, entities=[*range(10**6, 10**6 + 25_000), *ids[-1:]], path="other") == [
        "flight_delay@1",
        "flight_delay@3",
    ]


def test_a_source_is_kept_once_by_what_is_in_it(catalog: Catalog) -> None:
    """Whatever a record says of the digest: two that say the same of different files are told apart."""
    one, other = with_source(make_record("1"), a="a", b="b"), with_source(make_record("2"), a="a", b="c")
    alike = dataclasses.replace(other.code.source, digest=one.code.source.digest) if one.code.source else None  # type: ignore[type-var]
    _append(catalog, [one, dataclasses.replace(other, code=dataclasses.replace(other.code, source=alike))])
    catalog.append(with_source(make_record("3"), a="a", b="b"))
    assert _refs(catalog, path="a.py") == ["flight_delay@1", "flight_delay@2", "flight_delay@3"]
    assert _refs(catalog, hexes=[digest("b").hex]) == ["flight_delay@1", "flight_delay@3"]
    assert _refs(catalog, hexes=[digest("c").hex]) == ["flight_delay@2"]
    with catalog.connection.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM part").scalar() == 4


def test_both_digests_of_a_file_are_known_wherever_one_record_has_both(catalog: Catalog) -> None:
    known, other = digests("known", folder=True), digests("other")
    records = [_on("1"), _on("2"), _on("3")]
    for record, digest_set in zip(records, (known, DigestSet(md5=known.md5), other), strict=True):
        dep = StageInput(path="data/x", digest=digest_set, origin="untracked")
        stage = dataclasses.replace(record.stages[0], deps=(dep,))
        catalog.append(dataclasses.replace(record, stages=(stage,)))
    md5 = (known.md5 or "").removesuffix(".dir")
    for hex_ in (md5, known.sha256 or ""):
        found = impact(catalog, find_subject(catalog, hex_, Places()))
        assert [each.ref for each in found.versions] == ["flight_delay@2", "flight_delay@1"]
    assert {(each.kind, each.name) for each in catalog.index.by_prefix(md5[:8])} == {("content", md5)}


def test_everything_that_begins_so_is_named_by_its_kind(catalog: Catalog) -> None:
    entry = catalog.append(make_record("1"))
    record = entry.record
    expected = {
        "content": digests("features.py").sha256 or "",
        "revision": record.code.revision or "",
        "packages": record.environment.packages.hex,
        "record": entry.digest.hex,
        "model": record.artifact.digest.hex,
    }
    for kind, name in expected.items():
        assert [(each.kind, each.name) for each in catalog.index.by_prefix(name[:12])] == [(kind, name)]
    assert catalog.index.by_prefix("0123456789") == []
    with pytest.raises(NotFoundError):
        catalog.index.by_prefix("xyz")


def test_models_on_models_are_followed_in_both_directions(catalog: Catalog) -> None:
    for number in range(1, 7):  # each reads the file of the one before
        catalog.append(chained(number, f"m{number}", [], f"file {number - 1}", f"file {number}"))
    found = impact(catalog, find_subject(catalog, "data/file 0", Places()))
    assert [each.ref for each in found.versions] == [f"m{number}@1" for number in range(1, 7)]
    assert [len(each.how.stages) for each in found.versions if each.how] == [0, 1, 2, 3, 4, 5]
    labels = {node.label for node in trace(catalog, "m6").nodes.values()}
    assert {f"data/file {number}" for number in range(6)} <= labels
    (one,) = [each for each in catalog.index.impact(ImpactQuery(path="data/file 0")) if each.version.model == "m3"]
    assert one.through == 2


def test_who_read_its_own_kind_of_file_comes_to_an_end(catalog: Catalog) -> None:
    """The same bytes are trained again and again, from themselves."""
    _append(catalog, (chained(number, "m", [], "file 1", "file 1") for number in range(1, 5)))
    for _ in range(2):
        found = impact(catalog, find_subject(catalog, "data/file 1", Places()))
        assert [each.ref for each in found.versions] == ["m@4", "m@3", "m@2", "m@1"]
        assert "training of m@1" in {node.label for node in trace(catalog, "m@4").nodes.values()}
        assert catalog.rebuild() == 4


def test_a_server_reads_no_table_whole_for_it_either(postgresql: Server) -> None:
    """What is too small to be worth an index is read by one all the same: the plan is that of a large catalog."""
    said: list[tuple[str, dict[str, object]]] = []

    def hear(_: object, __: object, statement: str, parameters: dict[str, object], *___: object) -> None:
        if statement.startswith(("WITH", "SELECT")):
            said.append((statement, parameters))

    with postgresql.database() as name, Catalog(postgresql.url(name)) as catalog:
        _append(catalog, (_on(str(number), f"data/{number}") for number in range(1, 4)))
        sa.event.listen(catalog.connection.engine, "before_cursor_execute", hear)
        assert _refs(catalog, path="data", hexes=[digests("data/1").md5]) == [f"flight_delay@{n}" for n in (1, 2, 3)]
        catalog.index.model_files_of([digests("data/1").md5 or ""])
        catalog.index.by_prefix(digest("data/1").hex[:9])
        with psycopg.connect(postgresql.address(name)) as connection:
            connection.execute("SET search_path = lineage")
            connection.execute(postgres._STEP_BY_STEP.encode())
            for statement, parameters in said:
                plan = connection.execute(f"EXPLAIN {statement}".encode(), parameters).fetchall()
                assert not [line for (line,) in plan if "Seq Scan" in line], statement
    assert len(said) == 3
