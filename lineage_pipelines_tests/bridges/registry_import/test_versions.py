"""Registered versions become records, once each, and say what is not known of them."""

import os
import pickle
from pathlib import Path

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import parse_bytes
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.bridges.registry_import.conftest import Lineage, versions
from lineage_pipelines_tests.bridges.registry_import.registry import COMMIT, FILES, Team


def _record(project: Path, model: str, number: int = -1) -> LineageRecord:
    return versions(project, model)[number].record


def _store(project: Path) -> ArtifactStore:
    return ArtifactStore(resolve_settings(start=project).artifacts)


def test_a_version_brings_what_was_logged_graded_as_declared(team: Team, bring: Lineage, project: Path) -> None:
    params = {"alpha": "0.1", "depth": "7", "zip": "010", "warm": "True", "cap": "None", "seed": "3"}
    team.deliver(
        "delays",
        params=params,
        metrics={"roc_auc": 0.71, "loss": 2},
        tags={"mlflow.user": "ann", "estimator_class": "a.B"},
    )
    assert bring().code == 0
    record = _record(project, "delays")
    assert record.parameters == {"alpha": 0.1, "depth": 7, "zip": "010", "warm": True, "cap": None, "seed": 3}
    assert record.evaluation is not None
    assert record.evaluation.metrics == {"roc_auc": 0.71, "loss": 2.0}
    assert (record.code.revision, record.run.user, record.run.seed) == (COMMIT, "ann", 3)
    assert (record.environment.python, record.artifact.estimator) == ("CPython 3.11.7", "a.B")
    assert record.artifact.requirements == ("numpy==2.4.0", "scikit-learn==1.9.1")
    facts = record.completeness
    assert {"code", "parameters", "evaluation", "run"} <= {line.partition(":")[0] for line in facts.declared}
    assert {"data", "code.dirty", "code.source", "run.host"} <= {line.partition(":")[0] for line in facts.missing}


def test_everything_that_mlflow_said_is_kept_without_secrets(team: Team, bring: Lineage, project: Path) -> None:
    secret = "ghp_" + "a1B2" * 9
    tags = {"note": f"uses {secret}", "mlflow.source.git.repoURL": f"https://ann:{secret}@example.org/x.git"}
    team.deliver("delays", params={"db_password": "hunter2", "alpha": "0.10"}, tags=tags)
    assert bring().code == 0
    record = _record(project, "delays")
    assert record.run.mlflow is not None
    assert record.run.mlflow.source is not None
    blob = _store(project).read(record.run.mlflow.source)
    said = parse_bytes(blob)
    assert isinstance(said, dict)
    assert said["run"]["params"]["alpha"] == "0.10"
    files = [path.read_bytes() for path in (project / ".lineage").rglob("*") if path.is_file()]
    assert not [data for data in files if b"hunter2" in data or secret.encode() in data]
    assert "parameters.db_password: left out, it looks like a secret" in record.completeness.missing
    assert record.code.repository == "https://example.org/x.git"


def test_again_brings_nothing_and_later_versions_are_added(team: Team, bring: Lineage, project: Path) -> None:
    for _ in range(2):
        team.deliver("delays")
    first = bring("--format", "json").json()["models"][0]
    before = versions(project, "delays")
    again = bring("--format", "json").json()["models"][0]
    assert [(each["imported"], each["already_there"]) for each in (first, again)] == [(2, 0), (0, 2)]
    assert versions(project, "delays") == before
    team.deliver("delays")
    assert bring("--format", "json").json()["models"][0]["imported"] == 1
    after = versions(project, "delays")
    assert after[:2] == before
    assert [entry.record.run.mlflow.version for entry in after if entry.record.run.mlflow] == ["1", "2", "3"]
    assert after[2].record.model.previous == before[1].digest


def test_hundreds_of_versions_come_in_mlflows_order(team: Team, bring: Lineage, project: Path) -> None:
    run = team.train()
    for _ in range(260):
        team.register("delays", run)
    assert bring("--artifacts", "none").code == 0
    found = versions(project, "delays")
    assert [
        (entry.version, int(entry.record.run.mlflow.version or 0)) for entry in found if entry.record.run.mlflow
    ] == [(number, number) for number in range(1, 261)]


def test_deleted_versions_leave_holes_that_are_told(team: Team, bring: Lineage) -> None:
    for _ in range(4):
        team.deliver("delays")
    team.client.delete_model_version("delays", "1")
    team.client.delete_model_version("delays", "3")
    said = bring("--format", "json").json()["models"][0]
    assert said["renumbered"] == [{"theirs": "2", "version": 1}, {"theirs": "4", "version": 2}]


def test_a_deleted_run_is_read_and_one_that_is_purged_is_missing(team: Team, bring: Lineage, project: Path) -> None:
    deleted, purged = (str(team.deliver("delays", params={"alpha": "0.3"}).run_id) for _ in range(2))
    without = team.register("delays", None, str(team.save("bare")))
    assert without.run_id is None
    for run in (deleted, purged):
        team.client.delete_run(run)
    team.client._tracking_client.store._hard_delete_run(purged)  # as `mlflow gc` does
    assert bring().code == 0
    first, second, third = (entry.record for entry in versions(project, "delays"))
    assert first.parameters == {"alpha": 0.3}
    assert "run: deleted in MLflow when it was read" in first.completeness.declared
    assert second.run.mlflow is not None
    assert (second.parameters, second.run.mlflow.run_id) == ({}, purged)
    assert any(line.startswith(f"run: MLflow has no run {purged} any more") for line in second.completeness.missing)
    assert any(line.startswith("run: registered without a run") for line in third.completeness.missing)
    assert third.artifact.format == "mlflow"


def test_numbers_that_are_none_and_text_that_is_long(team: Team, bring: Lineage, project: Path) -> None:
    odd = {"nan": float("nan"), "up": float("inf"), "down": float("-inf"), "loss": 0.5}
    team.deliver("delays", metrics=odd, params={"long": "x" * 6000, "word": "naïve 🚀"})
    assert bring().code == 0
    record = _record(project, "delays")
    assert record.evaluation is not None
    assert record.evaluation.metrics == {"loss": 0.5}
    assert record.parameters == {"long": "x" * 6000, "word": "naïve 🚀"}
    told = [line for line in record.completeness.missing if line.startswith("evaluation.metrics.")]
    assert len(told) == 3


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_no_pickle_is_loaded(team: Team, bring: Lineage, project: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "exploded"
    data = pickle.dumps(_Bomb(bomb))
    team.deliver("delays", files={**FILES, "data/model.pkl": data})
    assert bring().code == 0
    assert not bomb.exists()
    assert Digest.of(data) in _store(project)
    pickle.loads(data)  # it is one that explodes
    assert bomb.exists()


def test_the_subject_is_the_list_of_the_folders_files(team: Team, bring: Lineage, project: Path) -> None:
    team.deliver("delays")
    assert bring().code == 0
    artifact = _record(project, "delays").artifact
    lines = [f"{Digest.of(data).hex}  {path}\n" for path, data in sorted(FILES.items())]
    assert artifact.digest == Digest.of("".join(lines).encode())
    assert artifact.size == sum(map(len, FILES.values()))
    for data in FILES.values():
        assert _store(project).read(Digest.of(data)) == data


@pytest.mark.parametrize("words", [(), ("--artifacts", "none")])
def test_files_that_are_not_here_are_said_to_be_elsewhere(
    team: Team, bring: Lineage, project: Path, words: tuple[str, ...]
) -> None:
    run = team.train()
    team.register("delays", run, "gone/for/ever")
    said = bring(*words)
    assert said.code == (0 if words else 1)
    record = _record(project, "delays")
    assert record.artifact.format == "mlflow-reference"
    note = parse_bytes(_store(project).read(record.artifact.digest))
    assert note == {
        "server": "sqlite:mlflow.db",
        "model": "delays",
        "version": "1",
        "run_id": run,
        "source": "gone/for/ever",
    }
    assert any(line.startswith("artifact: not copied") for line in record.completeness.missing)


def test_a_folder_that_cannot_be_read_this_time_is_not_left_out_for_ever(
    team: Team, bring: Lineage, project: Path
) -> None:
    team.deliver("delays")
    run = team.train()
    team.register("delays", run, "nosuchscheme://bucket/model")
    team.deliver("delays")
    said = bring()
    assert said.code == 1
    assert "it and those after it were left" in " ".join(said.out.split())
    assert len(versions(project, "delays")) == 1
    assert bring("--artifacts", "none").code == 0
    assert len(versions(project, "delays")) == 3


def test_a_dry_run_writes_nothing(team: Team, bring: Lineage, project: Path) -> None:
    team.deliver("Flight delays")
    before = sorted(path for path in project.rglob("*"))
    said = bring("--dry-run")
    assert said.code == 0
    assert "flight_delays" in said.out
    assert sorted(path for path in project.rglob("*")) == before
    bring()
    with Catalog(resolve_settings(start=project).catalog, read_only=True) as catalog:
        entries = [*catalog.log.walk()]
    team.deliver("Flight delays")
    counted = bring("--dry-run", "--format", "json").json()["models"][0]
    assert (counted["imported"], counted["already_there"]) == (1, 1)
    with Catalog(resolve_settings(start=project).catalog, read_only=True) as catalog:
        assert [*catalog.log.walk()] == entries


def test_nested_runs_are_the_candidates(team: Team, bring: Lineage, project: Path) -> None:
    search = team.train()
    runs = [team.train(parent=search, metrics={"roc_auc": auc}) for auc in (0.6, 0.8, 0.7)]
    team.register("best", runs[1])
    team.register("searched", search)
    assert bring("--artifacts", "none").code == 0
    best, searched = _record(project, "best").candidates, _record(project, "searched").candidates
    assert [candidate.metrics["roc_auc"] for candidate in best] == [0.6, 0.8, 0.7]
    assert [candidate.selected for candidate in best] == [False, True, False]
    assert not any(candidate.selected for candidate in searched)


def test_versions_of_our_own_mirror_are_left(team: Team, bring: Lineage, project: Path) -> None:
    team.deliver("delays")
    bring()
    (entry,) = versions(project, "delays")
    team.register("delays", None, tags={"lineage.record": str(entry.digest)})
    team.register("delays", None, tags={"lineage.record": "sha256:" + "0" * 64})
    said = bring("--format", "json", "--artifacts", "none").json()["models"][0]
    assert (said["imported"], said["already_there"], said["our_own"]) == (1, 1, 1)


def test_nothing_that_is_imported_is_owed_to_mlflow(
    team: Team, lineage: Lineage, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.deliver("delays")
    team.client.set_registered_model_alias("delays", "production", "1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", team.address)
    assert lineage("import", "mlflow", "--artifact-root", str(project.parent)).code == 0
    with Catalog(resolve_settings(start=project).catalog, read_only=True) as catalog:
        assert len([*catalog.log.walk()]) > 1
        assert catalog.outbox.pending("mlflow") == []
