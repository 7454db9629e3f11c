"""Two versions of a catalog, compared whole: which facts are told, and by whose repeats noise is measured."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.diff.comparison import compare_records, compare_versions
from lineage_pipelines.queries.diff.explanation.change import ChangeKind
from lineage_pipelines.queries.diff.explanation.ranking import rank
from lineage_pipelines.queries.diff.version_diff import VersionDiff
from lineage_pipelines.records.statement.dataset import Delivery, TrackedSource
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.statement.training_run import UndeclaredReads
from lineage_pipelines.reports.change_text import change_text
from lineage_pipelines_tests.samples import digests, make_record
from lineage_pipelines_tests.world import World

MODEL = "flight_delay"


def _catalog(folder: Path, *records: LineageRecord) -> Catalog:
    catalog = Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys")
    for record in records:
        catalog.append(record)
    return catalog


def _compare(catalog: Catalog, first: int, second: int) -> VersionDiff:
    return compare_versions(catalog, catalog.get(MODEL, first), catalog.get(MODEL, second))


def _candidate(record: LineageRecord, chosen: str) -> LineageRecord:
    return replace(record, candidates=tuple(replace(c, selected=c.name == chosen) for c in record.candidates))


@pytest.mark.parametrize(
    ("change", "name", "pair"),
    [
        (lambda r: replace(r, artifact=replace(r.artifact, estimator="x.Ridge")), "estimator", (None, "x.Ridge")),
        (lambda r: replace(r, run=replace(r.run, seed=8)), "seed", (7, 8)),
        (lambda r: replace(r, run=replace(r.run, seed=None)), "seed", (7, None)),
        (lambda r: _candidate(r, "logistic"), "chosen candidate", ("boosting", "logistic")),
        (lambda r: replace(r, candidates=()), "chosen candidate", ("boosting", None)),
    ],
)
def test_each_fact_beside_the_parts_is_told(
    tmp_path: Path, change: Callable[[LineageRecord], LineageRecord], name: str, pair: tuple[object, object]
) -> None:
    first = make_record("1")
    pair = (first.artifact.estimator, pair[1]) if name == "estimator" else pair
    with _catalog(tmp_path, first, change(make_record("2"))) as catalog:
        diff, back = _compare(catalog, 1, 2), _compare(catalog, 2, 1)
    assert diff.facts.keys() - {"artifact"} == {name}
    assert (diff.facts[name], back.facts[name]) == (pair, pair[::-1])
    assert name in [change.subject for change in diff.changes]


def _reading(record: LineageRecord, *names: str) -> LineageRecord:
    return replace(record, run=replace(record.run, undeclared=UndeclaredReads(environment=names)))


def test_what_training_reads_beside_its_record_is_told_where_both_were_observed(tmp_path: Path) -> None:
    records = make_record("1"), _reading(make_record("2"), "HOME"), _reading(make_record("3"), "HOME", "SCALE")
    with _catalog(tmp_path, *records) as catalog:
        unknown, found = _compare(catalog, 1, 2), _compare(catalog, 2, 3)
    assert "undeclared reads" not in unknown.facts
    (change,) = [each for each in found.changes if each.kind is ChangeKind.UNDECLARED_CHANGED]
    assert change_text(change) == "training reads SCALE, of which the record has only the names"


def test_partitions_with_an_identity_are_told_first(tmp_path: Path) -> None:
    west, east = (make_record(key, partition=Partition(identity=key)) for key in ("west", "east"))
    with _catalog(tmp_path, west, east) as catalog:
        diff = _compare(catalog, 1, 2)
    assert (diff.changes[0].kind, diff.changes[0].before, diff.changes[0].after) == (
        ChangeKind.PARTITION_CHANGED,
        "west",
        "east",
    )


def test_another_model_is_told_and_has_no_noise(tmp_path: Path) -> None:
    others = [replace(make_record(str(run), model="other", auc=0.7 + run / 100)) for run in range(3)]
    with _catalog(tmp_path, make_record("1"), *others) as catalog:
        diff = compare_versions(catalog, catalog.get(MODEL, 1), catalog.get("other", 3))
    assert diff.facts["model"] == (MODEL, "other")
    assert {metric.noise for metric in diff.evaluation.metrics} == {None}


def _bands(diff: VersionDiff) -> dict[str, float | None]:
    return {metric.name: metric.noise for metric in diff.evaluation.metrics}


def test_noise_is_that_of_the_repeats_up_to_the_later_version(tmp_path: Path) -> None:
    """Three repeats of a recipe are versions 2 to 4; version 5 is made otherwise."""
    repeats = [make_record(str(run), auc=auc) for run, auc in ((2, 0.70), (3, 0.71), (4, 0.72))]
    seeded = [replace(record, run=replace(record.run, seed=seed)) for seed, record in enumerate(repeats)]
    first, last = make_record("1", raw="earlier"), make_record("5", raw="later")
    with _catalog(tmp_path, first, *seeded, last) as catalog:
        for one, other in ((1, 4), (4, 1), (1, 5), (5, 2), (2, 4)):
            assert _bands(_compare(catalog, one, other))["roc_auc"] == pytest.approx(0.02), (one, other)
        for one, other in ((1, 3), (3, 1), (2, 3), (1, 2)):
            assert _bands(_compare(catalog, one, other))["roc_auc"] is None, (one, other)


@pytest.mark.parametrize(("rows", "compared"), [(False, False), (None, True), (True, True)])
def test_rows_are_compared_unless_that_is_forbidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: bool | None, compared: bool
) -> None:
    searched: list[Path] = []

    def search(project: Path, _progress: object) -> None:
        searched.append(project)

    monkeypatch.setattr("lineage_pipelines.queries.diff.comparison.find_tables", search)
    first, second = make_record("1"), make_record("2", raw="later")
    compare_records(first, second, project_dir=tmp_path, rows=rows)
    assert searched == ([tmp_path] if compared else [])
    compare_records(first, second, rows=rows)
    assert len(searched) == int(compared)


@pytest.mark.parametrize(("tracked", "delivered"), [("data/raw", True), ("data/raw/a.csv", True), ("data/ra", False)])
def test_a_source_is_delivered_by_the_file_or_the_folder_that_holds_it(tracked: str, delivered: bool) -> None:
    delivery = Delivery(revision="f" * 40, author="Ada", date=datetime(2026, 3, 1, tzinfo=UTC))
    records = []
    for text in ("first", "second"):
        base = make_record(text)
        raw = replace(base.data[0], name="raw", path="data/raw/a.csv", digest=digests(text), produced_by=None)
        source = TrackedSource(file=f"{tracked}.dvc", path=tracked, digest=digests(text), delivery=delivery)
        records.append(replace(base, data=(raw,), sources=(source,)))
    change = next(each for each in compare_records(*records).data if each.name == "raw")
    assert change.delivery == (delivery if delivered else None)


def test_a_column_of_another_type_has_both_types(tmp_path: Path) -> None:
    first = make_record("1")
    retyped = tuple(replace(column, type="string") for column in first.data[0].schema)
    data = (replace(first.data[0], schema=retyped, digest=digests("retyped")), *first.data[1:])
    with _catalog(tmp_path, first, replace(make_record("2"), data=data)) as catalog:
        found = [each for each in _compare(catalog, 1, 2).changes if each.kind is ChangeKind.COLUMN_RETYPED]
    types = {column.name: column.type for column in first.data[0].schema}
    assert found
    assert [(each.before, each.after) for each in found] == [(types[each.columns[0]], "string") for each in found]


@pytest.mark.parametrize("opened", [(), ("params.yaml",), ("conf/",)])
def test_a_file_that_training_was_seen_to_open_is_no_file_that_nothing_reads(
    world: World, opened: tuple[str, ...]
) -> None:
    revisions = []
    for leaves in (31, 2):
        for path in ("params.yaml", "conf/notes.md"):
            world.write(path, f"leaves: {leaves}\n")
        revisions.append(world.commit(f"{leaves} leaves"))
    records = []
    for revision in revisions:
        base = make_record("same")
        code = replace(base.code, revision=revision, dirty=False)
        records.append(
            replace(base, code=code, run=replace(base.run, undeclared=UndeclaredReads(files=opened)), stages=())
        )
    kind = ChangeKind.OPENED_FILE_CHANGED if opened else ChangeKind.OTHER_FILES_CHANGED
    (change,) = (each for each in rank(compare_records(*records, project_dir=world.root)) if each.kind is kind)
    path = "conf/notes.md" if opened == ("conf/",) else "params.yaml"
    said = f"{path}: `leaves: 31` → `leaves: 2`"
    assert change_text(change) == said + (
        "; training was seen to open it, though nothing declares it"
        if opened
        else " changed between the two commits, and no recorded part declares it"
    )
