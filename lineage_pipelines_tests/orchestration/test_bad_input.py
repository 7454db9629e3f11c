"""Bad input: a clear error that says what, where and what to do, with nothing stored."""

import dataclasses
import pickle
import textwrap
from pathlib import Path

import dagster as dg
import pytest

from lineage_pipelines import CaptureError, DatasetError, LineageError, RecordError, model_asset, resolve_settings
from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.queries.referenced_files import ReferencedFiles
from lineage_pipelines.queries.verify.load_check import check_models
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.orchestration.conftest import INPUTS, build_defs
from lineage_pipelines_tests.orchestration.shop import MODEL, Shop, run

SECRET = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"


def refused(shop: Shop, instance: dg.DagsterInstance, **options: object) -> str:
    """Train, see that the model failed and left nothing, and return the error's text."""
    shop.split()
    stored = _stored(shop)
    result = run(build_defs(shop), "train", instance, **options)
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure and event.step_key == "churn"]
    with shop.catalog() as catalog:
        assert catalog.entries("churn") == []
    assert not result.asset_materializations_for_node("churn")
    assert _stored(shop) == stored
    error = failed.step_failure_data.error
    assert error is not None
    told = error.cause or error
    assert "fix:" in told.message, told.message
    return told.message


def _stored(shop: Shop) -> set[Path]:
    folder = shop.root / ".lineage" / "artifacts"
    return {path for path in folder.rglob("*") if path.is_file()} if folder.exists() else set()


def returns(shop: Shop, change: str) -> None:
    """Change the training function just before it returns."""
    body = textwrap.indent(textwrap.dedent(change), "    ")
    shop.world.write(
        f"{shop.module_name}.py", MODEL.replace("    return TrainedModel(", f"{body}\n    return TrainedModel(")
    )
    shop.world.commit("Change the training")


def replace(shop: Shop, old: str, new: str) -> None:
    """Change a line of the training module."""
    assert old in MODEL
    shop.world.write(f"{shop.module_name}.py", MODEL.replace(old, new))
    shop.world.commit("Change the training")


# What training returns


@pytest.mark.parametrize("value", ["'high'", "None", "1 + 2j"])
def test_a_metric_that_is_no_number(shop: Shop, instance: dg.DagsterInstance, value: str) -> None:
    replace(shop, 'metrics={"roc_auc": auc},\n        slices', f'metrics={{"roc_auc": {value}}},\n        slices')
    assert "roc_auc" in refused(shop, instance)


def test_metrics_without_a_value_are_left_out_and_the_model_is_kept(shop: Shop, instance: dg.DagsterInstance) -> None:
    nan = 'float("nan") if city == "Oslo" else group["left"].mean()'
    text = MODEL.replace('group["left"].mean()', nan)
    text = text.replace('metrics={"roc_auc": auc},\n        slices', 'metrics={"ratio": float("inf")},\n        slices')
    shop.world.write(
        f"{shop.module_name}.py",
        text.replace('metrics={"roc_auc": auc}, selected', "metrics={'a': auc * float('nan')}, selected"),
    )
    shop.world.commit("Change the training")
    assert not run(build_defs(shop), "refresh", instance).success  # its gates ask for what has no value
    with shop.catalog() as catalog:
        record = catalog.get("churn", 1).record
    assert record.evaluation is not None
    assert record.evaluation.metrics == {}
    assert {part.value: set(part.metrics) for part in record.evaluation.slices} == {"Rome": {"left"}, "Oslo": set()}
    assert [gap for gap in record.completeness.missing if gap.startswith(("evaluation", "candidates"))] == [
        "evaluation.metrics.ratio: left out, it is infinity",
        "evaluation.slices: left is not finite and left out of city=Oslo",
        "candidates: a is not finite and left out of logistic",
        "evaluation: no metric was reported",
    ]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("test", "DataFrame"),
        ("lambda x: x", "function"),
        ("model", "LogisticRegression"),
        ("{1: 2}", "key"),
        ("float('nan')", "nan"),
    ],
)
def test_a_parameter_that_is_no_plain_value(shop: Shop, instance: dg.DagsterInstance, value: str, word: str) -> None:
    replace(shop, "estimator=model,", f'estimator=model, parameters={{"chosen": {value}}},')
    message = refused(shop, instance)
    assert "chosen" in message
    assert word in message


def test_numpy_and_pandas_scalars_are_converted(shop: Shop, instance: dg.DagsterInstance) -> None:
    replace(
        shop,
        "estimator=model,",
        'estimator=model, parameters={"rows": test["amount"].count(), "mean": test["amount"].mean(), '
        '"day": __import__("pandas").Timestamp("2013-04-01", tz="UTC"), "flag": test["left"].eq(1).any()},',
    )
    assert run(build_defs(shop), "refresh", instance).success
    with shop.catalog() as catalog:
        parameters = catalog.get("churn", 1).record.parameters
    assert type(parameters["rows"]) is int
    assert type(parameters["mean"]) is float
    assert parameters["flag"] is True
    assert str(parameters["day"]).startswith("2013-04-01T00:00:00")


def test_something_else_than_a_trained_model(shop: Shop, instance: dg.DagsterInstance) -> None:
    returns(shop, "return model")
    assert "LogisticRegression" in refused(shop, instance)


def test_an_estimator_of_a_type_that_skops_does_not_know(shop: Shop, instance: dg.DagsterInstance) -> None:
    returns(
        shop,
        """
        class Odd(LogisticRegression):
            pass
        model = Odd().fit(train[features], train["left"])
        """,
    )
    assert "Odd" in refused(shop, instance)


def test_an_estimator_from_the_main_module(shop: Shop, instance: dg.DagsterInstance) -> None:
    returns(
        shop,
        """
        import sys
        odd = type("Odd", (LogisticRegression,), {"__module__": "__main__"})
        sys.modules["__main__"].Odd = odd
        model = odd().fit(train[features], train["left"])
        """,
    )
    message = refused(shop, instance)
    assert "__main__" in message


# Secrets


def test_a_secret_in_the_launch_form_is_refused_and_never_printed(
    shop: Shop, instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    replace(shop, "    seed: int = 7", '    seed: int = 7\n    note: str = ""')
    config = {"ops": {"churn": {"config": {"note": SECRET}}}}
    message = refused(shop, instance, run_config=config)
    assert "note" in message
    assert SECRET not in message
    assert SECRET not in "".join(capfd.readouterr())


def test_a_secret_among_the_parameters_of_training(shop: Shop, instance: dg.DagsterInstance) -> None:
    replace(shop, "estimator=model,", f'estimator=model, parameters={{"api_key": "{SECRET[4:]}"}},')
    message = refused(shop, instance)
    assert "api_key" in message
    assert SECRET[4:] not in message


# Data


def test_data_that_is_gone(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.split()
    for entry in (
        shop.project().recorded("data/parts/train.csv").content.md5,
        shop.project().recorded("data/orders.csv").content.md5,
    ):
        shop.world.cached(str(entry)).unlink()
    for path in ("data/parts/train.csv", "data/orders.csv"):
        shop.world.path(path).unlink()
    result = run(build_defs(shop), "refresh", instance)
    assert not result.success
    with pytest.raises(LineageError, match=r"train\.csv"):
        _place_only(shop, instance)


def test_data_that_is_not_what_its_dvc_file_says(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.split()
    shop.world.append("data/orders.csv", "1,2,Rome,0\n")
    result = run(build_defs(shop), "refresh", instance)
    assert not result.success
    told = "".join(str(e.step_failure_data.error) for e in result.all_events if e.is_step_failure)
    assert "data/orders.csv" in told
    assert "dvc add" in told
    with shop.catalog() as catalog:
        assert catalog.entries("churn") == []


def test_a_stage_output_that_was_edited_by_hand(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.split()
    edited = shop.world.path("data/parts/train.csv")
    edited.chmod(0o644)
    edited.write_text(edited.read_text() + "1,2,Rome,0\n")
    with pytest.raises(DatasetError, match=r"(?s)train\.csv.*recorded .* found .*dvc checkout"):
        _place_only(shop, instance)


def test_a_cache_object_that_was_edited(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.split()
    md5 = str(shop.project().recorded("data/parts/train.csv").content.md5)
    for path in (shop.world.cached(md5), shop.world.path("data/parts/train.csv")):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(b"Rome", b"Roma"))
    with pytest.raises(DatasetError) as told:
        _place_only(shop, instance)
    assert md5 in str(told.value)
    assert "train.csv" in str(told.value) or md5[2:] in str(told.value)
    with shop.catalog() as catalog:
        assert catalog.entries("churn") == []


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("schema: '2.0'", "<<<<<<< HEAD\nschema: '2.0'\n=======\n>>>>>>> theirs", "conflict"),
        ("schema: '2.0'", "schema: '9.0'", "9.0"),
        ("md5: ", "md5: 1", "md5"),
    ],
)
def test_a_lock_file_that_cannot_be_trusted(
    shop: Shop, instance: dg.DagsterInstance, old: str, new: str, word: str
) -> None:
    shop.split()
    lock = shop.world.path("dvc.lock")
    assert old in lock.read_text()
    lock.write_text(lock.read_text().replace(old, new))
    with pytest.raises(DatasetError) as told:
        _place_only(shop, instance)
    assert word in str(told.value).lower()
    assert "dvc.lock" in str(told.value)


def _place_only(shop: Shop, instance: dg.DagsterInstance) -> None:
    dg.materialize([model_only(shop)], resources=shop.resources(), instance=instance)


def model_only(shop: Shop, **options: object) -> dg.AssetsDefinition:
    return model_asset(project=shop.project(), inputs=INPUTS, **options)(shop.module().churn)  # type: ignore[arg-type]


def test_an_input_that_dvc_does_not_know(shop: Shop) -> None:
    shop.world.write("data/loose.csv", "a\n1\n")
    decorate = model_asset(project=shop.project(), inputs={"train": "data/loose.csv", "test": "data/orders.csv"})
    with pytest.raises(DatasetError, match=r"(?s)loose.csv.*dvc add data/loose.csv"):
        decorate(shop.module().churn)


# Code


@pytest.mark.parametrize("revision", ["detached", "dirty"])
def test_where_code_stands_is_recorded_and_no_obstacle(shop: Shop, instance: dg.DagsterInstance, revision: str) -> None:
    shop.split()
    shop.world.commit("Split")
    if revision == "detached":
        shop.world.git("checkout", "-q", "--detach")
    else:
        shop.world.append(f"{shop.module_name}.py", "\n# tried something\n")
    assert run(build_defs(shop), "train", instance).success
    with shop.catalog() as catalog:
        code = catalog.get("churn", 1).record.code
    assert code.revision == shop.world.git("rev-parse", "HEAD")
    assert (code.branch is None) == (revision == "detached")
    assert code.dirty == (revision == "dirty")
    assert (code.patch is not None) == (revision == "dirty")


def test_a_dirty_tree_where_the_project_requires_a_clean_one(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.world.write("pyproject.toml", "[tool.lineage]\nrequire_clean = true\n")
    shop.world.commit("Require clean commits")
    shop.world.append(f"{shop.module_name}.py", "\n# tried something\n")
    assert "git status" in refused(shop, instance)
    shop.world.commit("Keep it")
    assert run(build_defs(shop), "train", instance).success


# Names and storage


@pytest.mark.parametrize(
    "name", ["a/b", "..", "Churn", "churn\n", "", "churn@1", "-churn", "ch urn", "chúrn", "a" * 200]
)
def test_a_name_that_is_no_model_name(shop: Shop, name: str) -> None:
    decorate = model_asset(project=shop.project(), inputs=INPUTS, name=name or " ")
    with pytest.raises(RecordError) as told:
        decorate(shop.module().churn)
    assert told.value.fix


def test_an_artifact_store_that_cannot_be_written(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.world.write("pyproject.toml", '[tool.lineage]\nartifacts = "params.yaml/store"\n')
    assert "params.yaml/store" in refused(shop, instance)


def test_arguments_that_do_not_fit(shop: Shop) -> None:
    decorate = model_asset(project=shop.project(), inputs={**INPUTS, "extra": "data/orders.csv"})
    with pytest.raises(CaptureError, match="extra"):
        decorate(shop.module().churn)


# What the model file does not bring back


def _weigh_by_truth(shop: Shop) -> None:
    replace(shop, "random_state=params.seed)", "random_state=params.seed, class_weight={False: 1, True: 5})")


def test_a_model_that_does_not_come_back_from_its_file_is_refused_and_kept(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    _weigh_by_truth(shop)
    message = refused(shop, instance)
    assert "class_weight[False] does not come back" in message
    (kept,) = (shop.root / ".lineage" / "refused").iterdir()
    assert f"kept:  the trained model is in {kept} (model.pickle, model.skops)" in message
    model = pickle.loads((kept / "model.pickle").read_bytes())
    assert model.class_weight == {False: 1, True: 5}
    assert hasattr(model, "coef_")


def test_beyond_the_limits_a_model_is_refused(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.world.write("pyproject.toml", "[tool.lineage]\nread_back_megabytes = 1\n")
    shop.world.commit("Set a limit")
    assert "takes more than 1 MB (read_back_megabytes in [tool.lineage])" in refused(shop, instance)


def test_without_reading_it_back_the_model_is_stored_and_the_record_names_the_gap(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.split()
    assert run(build_defs(shop), "train", instance).success
    _weigh_by_truth(shop)
    assert run(build_defs(shop, verify=False), "train", instance).success
    with shop.catalog() as catalog:
        first, second = (catalog.get("churn", number).record for number in (1, 2))
    assert first.artifact.read_back is not None
    assert first.artifact.read_back.walk == 1
    assert not [gap for gap in first.completeness.missing if gap.startswith("artifact")]
    assert second.artifact.read_back is None
    assert [gap for gap in second.completeness.missing if gap.startswith("artifact")] == [
        "artifact.read_back: it is not known whether the file comes back as the trained model (verify=False)"
    ]


def test_verify_loads_what_was_stored_without_reading_it_back(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.split()
    assert run(build_defs(shop), "train", instance).success
    settings = resolve_settings(start=shop.root)
    store = ArtifactStore(settings.artifacts)
    with shop.catalog() as catalog:
        *_, models = verify_catalog(catalog, artifacts=store, loading=settings)
        assert (models.kind, models.status, models.detail) == ("models", "ok", "1 model came back as trained")
        entry = catalog.get("churn", 1)
        files = ReferencedFiles(with_loadable=True)
        assert entry.record.artifact.read_back is not None
        altered = dataclasses.replace(entry.record.artifact.read_back, state=Digest.of(b"another"))
        artifact = dataclasses.replace(entry.record.artifact, read_back=altered)
        files.add(entry.seq, dataclasses.replace(entry.record, artifact=artifact))
        found = check_models(files, store, {}, settings, lambda *_: None)
        assert found.failed
        assert "it comes back as another model than the one that was trained" in found.detail
        elsewhere = dataclasses.replace(artifact, requirements=("scikit-learn==0.1",))
        files.loadable[artifact.digest.hex] = elsewhere
        assert "trained with scikit-learn==0.1" in check_models(files, store, {}, settings, lambda *_: None).detail
        strange = dataclasses.replace(artifact, trusted_types=("operator.call",))
        files.loadable[artifact.digest.hex] = strange
        found = check_models(files, store, {}, settings, lambda *_: None)
        assert (str(found.status), "operator.call" in found.detail) == ("not checked", True)
