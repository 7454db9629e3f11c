"""Who used this: from any name of a thing to every version, and nothing but those."""

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.graph.impact import impact, impact_graph, ranges
from lineage_pipelines.queries.graph.subject import Places, SubjectKind, find_subject
from lineage_pipelines.queries.graph.trace import trace
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion
from lineage_pipelines.records.statement.dataset import StageInput
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import DigestSet
from lineage_pipelines_tests.queries.asking import ask, fill, refs
from lineage_pipelines_tests.queries.graphs import FILES, catalogs, chained, with_source
from lineage_pipelines_tests.samples import digest, digests, make_record

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


# The law


@in_one_folder
@given(records=catalogs())
def test_law_8_impact_is_trace_reversed(tmp_path_factory: pytest.TempPathFactory, records: list[LineageRecord]) -> None:
    """A version is in the impact of a file if, and only if, the file is in the version's trace."""
    folder = tmp_path_factory.mktemp("catalog")
    with Catalog(f"sqlite:///{folder}/catalog.db") as catalog:
        refs = {catalog.append(record).ref for record in records}
        traces = {ref: trace(catalog, ref) for ref in refs}
        for file in FILES:
            named = {"path": f"data/{file}", "md5": digests(file).md5 or ""}
            inside = {
                ref
                for ref, graph in traces.items()
                if any(node.digest and node.digest.md5 == named["md5"] for node in graph.nodes.values())
            }
            if any(node.digest == digests(file) for graph in traces.values() for node in graph.nodes.values()):
                named["sha256"] = digest(file).hex  # somebody has read it
            for subject in named.values():
                for explain in (True, False):
                    if not inside:
                        with pytest.raises(NotFoundError):
                            find_subject(catalog, subject, Places())
                        continue
                    found = impact(catalog, find_subject(catalog, subject, Places()), explain=explain)
                    assert {each.ref for each in found.versions} == inside
                    assert all((each.how is not None) == explain for each in found.versions)


# Digests


@pytest.mark.parametrize("length", [6, 20, 64])
def test_content_is_found_by_either_digest_through_every_step(two: Path, length: int) -> None:
    for name in (digests("through 2013-03").md5, digests("through 2013-03").sha256):
        found = ask(two, (name or "")[:length])
        assert refs(found) == ["flight_delay@2", "flight_delay@1", "minutes@1"]
        how = found.versions[0].how
        assert how is not None
        assert (how.what, how.stages, how.beside) == ("data/raw", ("features", "split"), False)
        assert how.roles == ("data/train.parquet", "data/test.parquet")


def test_a_sha256_finds_versions_that_know_the_file_by_its_md5_alone(tmp_path: Path) -> None:
    """Nobody has read what a step read: dvc.lock says its MD5."""
    fill(tmp_path, chained(1, "one", [], "file 0"), chained(2, "one", [("file 0", "file 1", "file 1")], "file 1"))
    assert refs(ask(tmp_path, digest("file 0").hex)) == ["one@2", "one@1"]


def test_what_a_step_made_beside_is_said_to_be_so(tmp_path: Path) -> None:
    fill(tmp_path, chained(1, "one", [("file 0", "file 1", "file 2")], "file 1"))
    (version,) = ask(tmp_path, digests("file 2").md5 or "").versions
    assert version.how is not None
    assert (version.how.beside, version.how.roles, version.how.stages) == (True, (), ("step 0",))


def test_a_prefix_of_several_things_is_refused_and_they_are_named(two: Path) -> None:
    raw = digests("through 2013-03")
    twin = DigestSet(md5=(raw.md5 or "")[:6] + "0" * 26)
    record = make_record("5")
    stage = dataclasses.replace(record.stages[0], deps=(dataclasses.replace(record.stages[0].deps[0], digest=twin),))
    fill(two, dataclasses.replace(record, stages=(stage, *record.stages[1:])))
    with pytest.raises(NotFoundError) as told:
        ask(two, (raw.md5 or "")[:6])
    assert (raw.md5 or "none") in told.value.fix
    assert (twin.md5 or "none") in told.value.fix
    assert refs(ask(two, twin.md5 or "")) == ["flight_delay@4"]


def test_a_source_file_is_found_by_digest_and_by_path(tmp_path: Path) -> None:
    fill(tmp_path, with_source(make_record("1"), train="old"), with_source(make_record("2"), train="new", more="more"))
    assert refs(ask(tmp_path, digest("old").hex)) == ["flight_delay@1"]
    assert refs(ask(tmp_path, "train.py")) == ["flight_delay@2", "flight_delay@1"]
    assert refs(ask(tmp_path, "more.py")) == ["flight_delay@2"]


def test_a_source_file_that_a_step_reads_too_is_found_in_both_places(tmp_path: Path) -> None:
    known = DigestSet(md5=digests("clean").md5, sha256=digest("clean").hex)
    record = make_record("1")
    code = StageInput(path="src/clean.py", digest=known, origin="git")
    features = dataclasses.replace(record.stages[0], deps=(record.stages[0].deps[0], code))
    staged = dataclasses.replace(record, stages=(features, record.stages[1]))
    fill(tmp_path, staged, with_source(make_record("2"), clean="clean"))
    for subject in (known.md5, known.sha256):
        assert refs(ask(tmp_path, subject or "")) == ["flight_delay@2", "flight_delay@1"]


@pytest.mark.parametrize("length", [7, 40])
def test_a_commit_is_found_by_its_beginning(two: Path, length: int) -> None:
    found = ask(two, (make_record().code.revision or "")[:length])
    assert found.subject.kind is SubjectKind.REVISION
    assert len(found.versions) == 4


def test_a_model_file_that_others_read_is_found_by_its_version(tmp_path: Path) -> None:
    first = make_record("1", model="minutes")
    record = make_record("2")
    model = StageInput(path="minutes.skops", digest=DigestSet(sha256=first.artifact.digest.hex), origin="external")
    stage = dataclasses.replace(record.stages[0], deps=(*record.stages[0].deps, model))
    fill(tmp_path, first, dataclasses.replace(record, stages=(stage, record.stages[1])))
    for subject in ("minutes@1", "minutes", first.artifact.digest.hex):
        assert refs(ask(tmp_path, subject)) == ["flight_delay@1"]
    assert refs(ask(tmp_path, "flight_delay")) == []


@pytest.fixture
def stacked(tmp_path: Path) -> Path:
    """A model on another's file, a third on that one's, and who read neither: before, beside, or another file."""
    fill(
        tmp_path,
        chained(0, "early", [], "file 3"),
        chained(1, "base", [("file 0", "file 1", "file 2")], "file 1", "file 3"),
        chained(2, "middle", [("file 3", "file 4", "file 4")], "file 4", "file 5"),
        chained(3, "reader", [], "file 3"),  # it knows both digests of the file that dvc.lock has the MD5 of
        chained(4, "top", [], "file 5"),
        chained(5, "again", [], "a file", "file 3"),
        chained(6, "beside", [("b file", "c file", "file 3")], "c file"),
    )
    return tmp_path


def test_a_version_came_from_what_went_into_a_model_that_it_read_and_so_on(stacked: Path) -> None:
    for subject in ("data/file 0", digests("file 0").md5 or ""):
        found = {each.ref: each.how for each in ask(stacked, subject).versions}
        assert found.keys() == {"base@1", "middle@1", "reader@1", "top@1"}
        told = {ref: (how.what, how.stages, how.roles) for ref, how in found.items() if how is not None}
        assert told == {
            "base@1": ("data/file 0", ("step 0",), ("data/file 1",)),
            "middle@1": ("data/file 0", ("step 0", "training of base@1", "step 0"), ("data/file 4",)),
            "reader@1": ("data/file 0", ("step 0", "training of base@1"), ("data/file 3",)),
            "top@1": (
                "data/file 0",
                ("step 0", "training of base@1", "step 0", "training of middle@1"),
                ("data/file 5",),
            ),
        }
    # Who trained the same file again later made nobody's.
    assert refs(ask(stacked, "data/a file")) == ["again@1"]


def test_who_read_the_file_of_a_version_is_found_by_it_and_so_is_who_read_what_came_of_it(stacked: Path) -> None:
    assert refs(ask(stacked, "middle@1")) == ["top@1"]
    assert set(refs(ask(stacked, "base"))) == {"early@1", "middle@1", "reader@1", "top@1", "beside@1"}


def test_a_trace_goes_back_through_the_model_that_was_read(stacked: Path) -> None:
    with Catalog(f"sqlite:///{stacked}/catalog.db", read_only=True) as catalog:
        graph = trace(catalog, "top")
        assert [node.label for node in graph.path_to("data:data/file 0@" + (digests("file 0").md5 or ""))] == [
            "data/file 0",
            "step 0",
            "data/file 1",
            "training of base@1",
            "data/file 3",
            "step 0",
            "data/file 4",
            "training of middle@1",
            "data/file 5",
            "training of top@1",
            "top@1",
        ]
        read = next(node for node in graph.nodes.values() if node.path == "data/file 5")
        assert read.detail == "the model file of middle@1"
        assert len({node.id for node in graph.nodes.values() if node.label == "step 0"}) == 2
        assert {node.label for node in trace(catalog, "top", depth=1).nodes.values()} & {
            "data/file 5",
            "data/file 4",
        } == {"data/file 5"}
        for ref in ("early", "beside", "again"):
            assert "training of base@1" not in {node.label for node in trace(catalog, ref).nodes.values()}


def test_it_is_drawn_with_the_training_in_between(stacked: Path) -> None:
    labels = {node.label for node in impact_graph(ask(stacked, "data/file 0")).nodes.values()}
    assert {"training of base@1", "what training of base@1 made of it"} <= labels


# What is read for it


@pytest.mark.parametrize("explain", [False, True])
def test_no_table_is_read_whole_for_it_whatever_was_asked_about(
    stacked: Path, explain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the few decisions: an answer after which somebody deletes something compares them with the log."""
    monkeypatch.setattr("lineage_pipelines.queries.index_check.MAX_ENTRIES", 0)  # as in a large catalog
    whole = ["decided"] if explain else []
    store = ArtifactStore(str(stacked / "artifacts"))
    record = with_source(make_record(), train="train")
    listed = dataclasses.replace(record.environment, packages=store.put_bytes(b"numpy==2.3.1\n"))
    fill(stacked, dataclasses.replace(record, environment=listed))
    both, places = digests("train of through 2013-03"), Places(artifacts=store)
    subjects = ["data/raw", "data", "train.py", "data/file 0", both.md5, both.sha256, digest("train").hex]
    subjects += [record.code.revision, (record.code.revision or "")[:7], "numpy==2.3.1", "numpy", "middle@1", "base"]
    with Catalog(f"sqlite:///{stacked}/catalog.db", read_only=True) as catalog:
        middle = catalog.get("middle", 1)
        for subject in (*subjects, middle.digest.hex[:16], middle.record.artifact.digest.hex):
            assert subject is not None
            with _statements(catalog) as said:
                assert impact(catalog, find_subject(catalog, subject, places), explain=explain).versions, subject
            assert said
            for statement, parameters in said:
                scanned = _scanned(stacked / "catalog.db", statement, parameters)
                assert scanned in ([], whole), (subject, statement)


@contextlib.contextmanager
def _statements(catalog: Catalog) -> Iterator[list[tuple[str, Any]]]:
    """Collect what the database is asked."""
    said: list[tuple[str, Any]] = []

    def hear(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        if not statement.startswith("BEGIN"):
            said.append((statement, parameters))

    sa.event.listen(catalog.connection.engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        sa.event.remove(catalog.connection.engine, "before_cursor_execute", hear)


def _scanned(file: Path, statement: str, parameters: Any) -> list[str]:
    """Return the tables that SQLite reads from end to end to answer a statement."""
    with closing(sqlite3.connect(file)) as raw:
        tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        plan = [row[3].split() for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    return [words[1] for words in plan if words[0] == "SCAN" and words[1] in {*tables, "same_file", "model_file"}]


def test_what_nobody_used_is_refused_with_what_is_near(two: Path) -> None:
    with pytest.raises(NotFoundError, match="data/rav") as told:
        ask(two, "data/rav")
    assert "data/raw" in told.value.fix
    with pytest.raises(NotFoundError) as told:
        ask(two, "scikit-learn==0.1")
    assert "scikit-learn==1.9.1" in told.value.fix
    for strange in (
        "0123456789abcdef",
        "../../etc/passwd",
        "%s' OR 1=1 --",
        "a\x1b[2J",
        "é" * 300,
        "/",
        "a\udcff",
        "a\0b==1",
    ):
        with pytest.raises(NotFoundError):
            ask(two, strange)


# Paths, and files inside directories


def test_a_path_is_found_in_every_content_and_so_is_a_folder_above_it(two: Path) -> None:
    everyone = ["flight_delay@3", "flight_delay@2", "flight_delay@1", "minutes@1"]
    for subject in ("data/raw", "data/raw/", "./data/raw", "data", "data/train.parquet"):
        assert refs(ask(two, subject)) == everyone, subject
    with pytest.raises(NotFoundError):
        ask(two, "dat")


# What is live


def test_live_versions_come_first_and_can_be_asked_for_alone(two: Path) -> None:
    with Catalog(f"sqlite:///{two}/catalog.db") as catalog:
        for version in (2, 1):
            entry = catalog.get("flight_delay", version)
            draft = draft_promotion(catalog, entry, "production", by="ada", reason="good", project_dir=two)
            catalog.registry.decide(draft)
    found = ask(two, "data/raw")
    assert [(each.ref, each.aliases) for each in found.versions][:2] == [
        ("flight_delay@1", ("production",)),
        ("flight_delay@3", ()),
    ]
    assert refs(ask(two, "data/raw", alias="production")) == ["flight_delay@1"]
    assert refs(ask(two, digests("through July").md5 or "", alias="production")) == []


def test_every_version_is_a_box_of_a_drawing_with_the_content_that_it_used(two: Path) -> None:
    boxes = [node for node in impact_graph(ask(two, "data/raw")).nodes.values() if node.kind == "version"]
    assert [box.label for box in boxes] == ["flight_delay@1", "flight_delay@2", "flight_delay@3", "minutes@1"]
    assert boxes[0].detail == boxes[1].detail != boxes[2].detail


def test_of_many_versions_those_with_one_fate_are_one_box(two: Path) -> None:
    with Catalog(f"sqlite:///{two}/catalog.db") as catalog:
        for number in range(20, 30):
            catalog.append(make_record(run=str(number)))
    labels = [node.label for node in impact_graph(ask(two, "data/raw")).nodes.values() if node.kind == "version"]
    assert len(labels) < 5
    assert any(label.startswith("flight_delay@1-") for label in labels)
    assert ranges([4, 1, 2, 3, 9]) == "1-4, 9"
