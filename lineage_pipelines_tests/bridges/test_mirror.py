"""What MLflow's own client sees of the catalog's versions."""

import dataclasses
import hashlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage_pipelines.bridges.mlflow.mlflow_limits import LONGEST_KEY, valid_keys
from lineage_pipelines.bridges.mlflow.run_payload import metrics_of, slices_in
from lineage_pipelines_tests.bridges.team import ROWS, Team, a_team
from lineage_pipelines_tests.samples import make_record


@pytest.fixture(params=["server", "file"])
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Team]:
    """A team with a server, or with MLflow's SQLite store."""
    if request.param == "server":
        address = request.getfixturevalue("shared_mlflow").address
    else:
        address = f"sqlite:///{tmp_path}/mlflow.db"
        request.getfixturevalue("monkeypatch").chdir(tmp_path)  # MLflow keeps its files there
    with a_team(tmp_path / "team", address, f"delay-{uuid.uuid4().hex[:8]}") as opened:
        yield opened


def test_a_version_is_a_run_a_model_and_a_registered_version(team: Team) -> None:
    entry = team.train()
    assert team.deliver().sent == 1
    version = team.registered()["1"]
    record, run = entry.record, team.run(entry)
    assert version.version in ("1", 1)
    assert version.tags["lineage.record"] == run.data.tags["lineage.record"] == str(entry.digest)
    assert run.info.run_name == entry.ref
    assert run.info.status == "FINISHED"
    assert run.info.start_time == int(record.run.started.timestamp() * 1000)
    assert run.info.end_time == int(record.run.finished.timestamp() * 1000)
    assert run.data.params == {"learning_rate": "0.1", "max_iter": "200", "class_weight": "None", "ratio": "1.0"}
    assert run.data.metrics["roc_auc"] == 0.75
    assert run.data.metrics["slices/origin/JFK/roc_auc"] == pytest.approx(0.72)
    assert run.data.metrics["slices/origin/JFK/rows"] == 9_697
    assert run.data.tags["lineage.evaluated_on"] == "test"
    assert run.data.tags["mlflow.source.git.commit"] == record.code.revision
    assert run.data.tags["dagster.run_id"] == "run-1"
    assert run.data.tags["lineage.asset_url"] == f"http://localhost:3000/assets/{team.model}"
    assert entry.digest.hex[:12] in (version.description or "")


def test_the_datasets_bear_our_digests_whole(team: Team) -> None:
    import mlflow.data

    entry = team.train()
    team.deliver()
    found = team.run(entry).inputs
    assert found is not None
    inputs = {each.dataset.name: each for each in found.dataset_inputs}
    assert sorted(inputs) == ["data/test.parquet", "data/train.parquet"]
    for snapshot in entry.record.data:
        one = inputs[snapshot.path]
        said = {tag.key: tag.value for tag in one.tags}
        assert one.dataset.digest == said["lineage.md5"] == snapshot.digest.md5
        assert said["lineage.sha256"] == snapshot.digest.sha256
        assert said["mlflow.data.context"] == snapshot.role
        assert json.loads(one.dataset.profile or "")["num_rows"] == snapshot.rows
        assert [column["name"] for column in json.loads(one.dataset.schema or "")["mlflow_colspec"]] == [
            column.name for column in snapshot.schema
        ]
        assert mlflow.data.get_source(one).to_dict() == {"uri": snapshot.path}


def test_the_models_file_is_the_very_file_and_mlflow_loads_it(team: Team, tmp_path: Path) -> None:
    import mlflow

    entry = team.train("3")
    team.deliver()
    uri = f"models:/{team.model}/{team.registered()['1'].version}"
    folder = mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path / "down"))
    data = (Path(folder) / "model.skops").read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry.record.artifact.digest.hex
    loaded = mlflow.sklearn.load_model(uri)
    assert loaded.C == 3.0
    assert list(mlflow.pyfunc.load_model(uri).predict(ROWS)) == list(loaded.predict(ROWS))


def test_every_candidate_is_a_nested_run(team: Team) -> None:
    entry = team.train()
    team.deliver()
    parent = team.run(entry)
    nested = {
        run.info.run_name: run for run in team.runs() if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id
    }
    assert sorted(nested) == ["boosting", "logistic"]
    assert nested["boosting"].data.tags["lineage.selected"] == "true"
    assert nested["logistic"].data.tags["lineage.reason"] == "lower ROC AUC by 0.05"
    assert nested["logistic"].data.params == {"C": "1.0"}
    assert {run.info.status for run in nested.values()} == {"FINISHED"}


def test_told_twice_it_is_one(team: Team) -> None:
    entry = team.train()
    team.deliver()
    before = [run.to_dictionary() for run in team.runs()]
    mirror = team.mirror()
    assert mirror.write(entry).version == team.registered()["1"].version
    assert team.deliver().sent == 0
    assert [run.to_dictionary() for run in team.runs()] == before
    assert len(team.registered()) == 1


def test_versions_come_in_the_order_of_the_catalog(team: Team) -> None:
    entries = [team.train(str(number)) for number in range(1, 6)]
    assert team.deliver().sent == 5
    assert {str(entry.version): str(entry.version) for entry in entries} == {
        ours: str(theirs.version) for ours, theirs in team.registered().items()
    }


def test_hostile_names_and_sizes_are_told_as_far_as_mlflow_can_say_them(team: Team) -> None:
    plain = team.record()
    names = [
        "a b",
        "ünï/cödé",
        "a:b",
        "a?b",
        "a*b",
        "../up",
        "/root",
        ".",
        "x" * 400,
        "x" * 401,
        "",
        "emoji 🛫",
        "a//b",
    ]
    parameters = {**{name: number for number, name in enumerate(names)}, "long": "v" * 9000, "list": [1, {"a": None}]}
    assert plain.evaluation is not None
    measured = dataclasses.replace(plain.evaluation, metrics={name: float(n) for n, name in enumerate(names)})
    wide = {f"p{number}": number for number in range(250)}
    entry = team.train("2", parameters={**parameters, **wide}, evaluation=measured)
    delivered = team.deliver()
    assert (delivered.sent, delivered.refused) == (1, [])
    run = team.run(entry)
    assert len(run.data.params) == len(parameters) + len(wide)
    assert sorted(value for name, value in run.data.metrics.items() if not name.startswith("slices/")) == [
        float(number) for number in range(len(names))
    ]
    assert run.data.params["a b"] == "0"
    assert run.data.params["list"] == '[1, {"a": null}]'
    assert len(run.data.params["long"]) == 6000


def test_slices_are_told_from_other_metrics_again() -> None:
    evaluation = make_record().evaluation
    assert evaluation is not None
    overall, slices = slices_in(metrics_of(evaluation))
    assert overall == evaluation.metrics
    assert slices == evaluation.slices
    theirs = {"slices/a/b/c": 0.5, "slices/a/b/rows": 0.5, "slices/x": 1.0, "a/b/c/d": 2.0}
    assert slices_in(theirs) == (theirs, ())


def test_names_keep_apart() -> None:
    names = ["a?b", "a*b", "a_b", "x" * 300, "x" * 301, "..", "../..", ""]
    found = valid_keys({name: name for name in names})
    assert sorted(found.values()) == sorted(names)
    assert found["a_b"] == "a_b"
    assert all(0 < len(key) <= LONGEST_KEY for key in found)
