"""The data of a run: DVC's snapshot at the run's commit where path and commit lead to one, never MLflow's digest."""

from pathlib import Path

import pytest

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, Grade
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines_tests.bridges.registry_import.conftest import Lineage, versions
from lineage_pipelines_tests.bridges.registry_import.registry import Team, dataset
from lineage_pipelines_tests.world import World

PIPELINE = """
stages:
  clean:
    cmd: cp raw.csv clean.csv
    wdir: data
    deps: [raw.csv]
    outs: [clean.csv]
"""


@pytest.fixture
def world(project: Path) -> World:
    """A DVC project: a tracked table, a tracked folder, and a stage in a folder of its own."""
    world = World(project)
    world.write("data/raw.csv", "a,b\n1,2\n")
    world.write("data/parts/one.csv", "one\n")
    world.track("data/raw.csv", "data/parts")
    world.write("dvc.yaml", PIPELINE)
    world.repro("clean")
    world.commit("Prepare")
    return world


def _import(team: Team, bring: Lineage, project: Path, source: str, commit: str, **more: str) -> LineageRecord:
    team.register("delays", team.train(inputs=[dataset(source, **more)], tags={"mlflow.source.git.commit": commit}))  # type: ignore[arg-type]
    bring("--artifacts", "none")
    return versions(project, "delays")[-1].record


def _snapshot(record: LineageRecord) -> DatasetSnapshot:
    assert not [line for line in record.completeness.missing if line.startswith("data")]
    (snapshot,) = record.data
    assert snapshot.grade is Grade.INFERRED
    assert any(line.startswith(f"data.{snapshot.name}: DVC's") for line in record.completeness.inferred)
    return snapshot


def _why_not(record: LineageRecord) -> str:
    assert record.data == ()
    (line,) = [line for line in record.completeness.missing if line.startswith("data")]
    assert line.startswith("data.train: MLflow's digest ")
    assert "covers 10,000 rows at most and identifies nothing" in line
    return line


def test_what_dvc_recorded_then_is_found_not_what_it_records_now(
    team: Team, bring: Lineage, project: Path, world: World
) -> None:
    commit = world.git("rev-parse", "HEAD")
    then = {path: (project / path).read_text() for path in ("data/raw.csv.dvc", "dvc.lock")}
    world.write("data/raw.csv", "a,b\n3,4\n")
    world.track("data/raw.csv")
    world.repro("clean")
    world.commit("Deliver")
    assert {path: (project / path).read_text() for path in then} != then
    record = _import(team, bring, project, "data/clean.csv", commit)
    snapshot = _snapshot(record)
    assert snapshot.digest.md5 is not None
    assert snapshot.digest.md5 in then["dvc.lock"]
    assert (snapshot.role, snapshot.rows, snapshot.size, snapshot.produced_by) == ("train", 20_000, 8, "clean")
    assert [(column.name, column.type, column.nullable) for column in snapshot.schema] == [
        ("a", "int64", False),
        ("b", "string", True),
    ]
    (stage,) = record.stages
    (used,) = stage.deps
    assert (used.path, used.origin) == ("data/raw.csv", "tracked:data/raw.csv.dvc")
    assert f"md5: {used.digest.md5}" in then["data/raw.csv.dvc"]


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("./data/raw.csv", "data/raw.csv"),
        ("{root}/data/raw.csv", "data/raw.csv"),
        ("file://{root}/data/raw.csv", "data/raw.csv"),
        ("/home/ann/checkout/data/raw.csv", "data/raw.csv"),
        ("data/parts", "data/parts"),
        ("data/parts/one.csv", "data/parts/one.csv"),
    ],
)
def test_a_path_is_found_by_what_it_may_be_called(
    team: Team, bring: Lineage, world: World, source: str, path: str
) -> None:
    record = _import(team, bring, world.root, source.format(root=world.root), world.git("rev-parse", "HEAD"))
    snapshot = _snapshot(record)
    assert snapshot.path == path
    assert snapshot.digest.md5 is not None
    assert world.cached(snapshot.digest.md5).is_file()


def test_what_is_not_found_is_no_snapshot(team: Team, bring: Lineage, project: Path, world: World) -> None:
    head = world.git("rev-parse", "HEAD")
    assert "has no commit 5d1f0c" in _why_not(_import(team, bring, project, "data/raw.csv", "5d1f0c" + "1" * 34))
    assert "DVC tracked no 'data/other.csv'" in _why_not(_import(team, bring, project, "data/other.csv", head))
    assert "DVC tracked no 'raw.csv'" in _why_not(_import(team, bring, project, "/raw.csv", head))
    assert "the run names no commit" in _why_not(_import(team, bring, project, "data/raw.csv", "main"))
    blob = world.git("rev-parse", "HEAD:dvc.yaml")
    assert "has no commit" in _why_not(_import(team, bring, project, "data/raw.csv", blob))


def test_without_a_dvc_project_nothing_is_invented(team: Team, bring: Lineage, project: Path) -> None:
    assert "this is no DVC project" in _why_not(_import(team, bring, project, "data/raw.csv", "1" * 40))


def test_our_own_digests_count_as_declared(team: Team, bring: Lineage, project: Path) -> None:
    ours = {"lineage.input": "table", "lineage.sha256": "a" * 64, "lineage.md5": "b" * 32}
    given = dataset("data/raw.csv", name="data/raw.csv", tags=ours)
    given.dataset._profile = '{"num_rows": 7, "size": 70, "files": 1}'
    test = dataset("data/test.csv", name="data/test.csv", context="testing", tags={**ours, "lineage.input": "check"})
    test.dataset._profile = given.dataset.profile
    team.register("delays", team.train(inputs=[given, test]))
    bring("--artifacts", "none")
    record = versions(project, "delays")[0].record
    found = {snapshot.name: snapshot for snapshot in record.data}
    assert found["table"].digest.sha256 == "a" * 64
    assert (found["table"].grade, found["table"].size, found["table"].rows) == (Grade.DECLARED, 70, 7)
    assert record.evaluation is not None
    assert record.evaluation.snapshot == "check"


def test_the_preparation_behind_our_own_digests_is_looked_for(
    team: Team, bring: Lineage, project: Path, world: World, lineage: Lineage
) -> None:
    head = world.git("rev-parse", "HEAD")
    md5 = DvcProject(world.root).recorded("data/clean.csv").content.md5 or ""
    for known in (md5, "b" * 32):
        given = dataset("data/clean.csv", tags={"lineage.sha256": "a" * 64, "lineage.md5": known})
        given.dataset._profile = '{"num_rows": 7, "size": 70, "files": 1}'
        team.register("delays", team.train(inputs=[given], tags={"mlflow.source.git.commit": head}))
    bring("--artifacts", "none")
    found, other = (entry.record for entry in versions(project, "delays"))
    assert found.data[0].produced_by is not None
    assert found.data[0].digest.sha256 == "a" * 64
    assert [stage.name for stage in found.stages] == [found.data[0].produced_by]
    assert other.stages == ()
    assert any("DVC recorded other bytes" in line for line in other.completeness.missing)
    assert "no preparation step is known" in " ".join(lineage("show", "delays", "--full").out.split())


def test_impact_of_a_source_names_imported_versions(
    team: Team, bring: Lineage, project: Path, world: World, lineage: Lineage
) -> None:
    _import(team, bring, project, "data/clean.csv", world.git("rev-parse", "HEAD"))
    said = lineage("impact", "data/raw.csv")
    assert said.code == 0
    assert "delays@1" in said.out
    assert "data/raw.csv" in lineage("trace", "delays").out
    assert lineage("verify").code == 0


def test_what_nobody_knows_how_to_train_is_not_trained(
    team: Team, bring: Lineage, world: World, lineage: Lineage
) -> None:
    head = world.git("rev-parse", "HEAD")
    for auc in (0.7, 0.8):
        inputs = [dataset("data/clean.csv")]
        run = team.train(inputs=inputs, tags={"mlflow.source.git.commit": head}, metrics={"roc_auc": auc})
        team.register("delays", run)
    bring("--artifacts", "none")
    reproduced = lineage("reproduce", "delays", "--yes", "--no-store")
    assert "R0, record only" in reproduced.out
    assert "which source files were used is not recorded" in reproduced.out
    attributed = lineage("attribute", "delays@1", "delays@2", "--metric", "roc_auc", "--yes")
    assert attributed.code == 3
    assert "delays@1 and delays@2 cannot be trained again: which function did it is not recorded" in attributed.err
