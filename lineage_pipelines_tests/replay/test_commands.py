"""`lineage reproduce` and `lineage attribute` as people type them."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lineage_pipelines.cli.main import main
from lineage_pipelines.orchestration.lineage_resource import LineageResource
from lineage_pipelines.orchestration.operations.reproducibility_check import reproducibility_check
from lineage_pipelines.records.decisions.decision import Action, Decision
from lineage_pipelines_tests.replay.conftest import Attributed, Trained
from lineage_pipelines_tests.world import World

Said = pytest.CaptureFixture[str]


@pytest.fixture
def here(shop: Trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Trained:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(shop.root)
    return shop


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A shop with one version."""
    shop = Trained(World(tmp_path_factory.mktemp("trained") / "project"))
    shop.train()
    return shop


@pytest.fixture
def unchanged(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """The shop with one version, for questions that are refused and change nothing."""
    monkeypatch.chdir(trained.root)
    return trained


def _promote(shop: Trained, version: int) -> None:
    with shop.opened() as catalog:
        entry = catalog.get("churn", version)
        decided: dict[str, Any] = {"model": "churn", "alias": "production", "by": "ann", "reason": "good", "policy": {}}
        before = catalog.get("churn", version - 1).digest if version > 1 else None
        catalog.registry.decide(
            Decision(action=Action.PROMOTE, version=version, record=entry.digest, previous=before, **decided)
        )


def test_the_verdict_is_printed_kept_and_shown(here: Trained, capsys: Said) -> None:
    here.train()
    assert main(["reproduce", "churn@1", "--yes"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("churn@1: R5, same model\n")
    assert "Nothing differs." in out
    assert main(["show", "churn@1"]) == 0
    assert "made again  R5, same model" in capsys.readouterr().out
    assert main(["show", "churn@1", "--format", "json"]) == 0
    (kept,) = json.loads(capsys.readouterr().out)["reproductions"]
    assert (kept["level"], kept["model"]) == ("R5", "churn")
    assert main(["verify"]) == 0


def test_nothing_is_run_unasked(here: Trained, capsys: Said) -> None:
    here.train()
    assert main(["reproduce", "churn"]) == 2
    err = capsys.readouterr().err
    assert f"{here.module_name}:churn, from commit" in err
    assert "add --yes to run it" in err
    with here.opened() as catalog:
        assert not list(catalog.log.walk("reproduction"))


def test_all_that_ever_were_in_production_are_checked(here: Trained, capsys: Said) -> None:
    assert main(["reproduce"]) == 2
    for number in (1, 2):
        here.train(strength=float(number))
        _promote(here, number)
    entry = here.train(strength=9.0)
    assert main(["reproduce", "--check"]) == 0
    assert "2 of 2 versions can still be made again" in capsys.readouterr().out
    for data in entry.record.data:
        assert data.digest.md5 is not None
        here.world.cached(data.digest.md5).unlink()
        (here.root / data.path).unlink()
    assert main(["reproduce", "--check", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [each["level"] for each in found] == ["R0", "R0"]  # both read the same data
    check = reproducibility_check(_model(here))
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [_model(here), check],
            selection=dg.AssetSelection.checks(check),
            instance=instance,
            resources={"lineage": LineageResource(project_dir=str(here.root))},
        )
    (evaluation,) = result.get_asset_check_evaluations()
    rows = evaluation.metadata["lineage/reproducible"].value.records  # type: ignore[union-attr]
    assert [row.data["run again"] for row in rows] == ["never", "never"]
    assert not evaluation.passed
    assert evaluation.description is not None
    assert evaluation.description.startswith("0 of 2 can still be reproduced; first lost: churn@1, data: train")


def _model(shop: Trained) -> dg.AssetsDefinition:
    import importlib
    import sys

    sys.path.insert(0, str(shop.root))
    try:
        model: dg.AssetsDefinition = importlib.import_module(shop.definitions).model
    finally:
        sys.path.remove(str(shop.root))
    return model


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["reproduce", "churn@9", "--yes"], 2, "churn"),
        (["reproduce", "churn", "--yes", "--with", "train"], 2, "NAME=VALUE"),
        (["reproduce", "churn", "--yes", "--with", "other=x.csv"], 2, "has no input 'other'"),
        (["reproduce", "churn", "--yes", "--with", "train=nowhere.csv"], 3, "is not there"),
        (["reproduce", "churn", "--yes", "--tolerance", "roc_auc=much"], 3, "must be a number of at least 0"),
        (["reproduce", "churn", "--yes", "--tolerance", "roc_auc=-1"], 3, "must be a number of at least 0"),
        (["reproduce", "churn", "--yes", "--timeout", "0"], 2, "--timeout"),
        (["reproduce", "churn", "--yes", "--keep", "."], 2, "not empty"),
        (["attribute", "churn", "churn", "--yes", "--metric", "roc_auc"], 3, "nothing to allocate"),
        (["attribute", "churn", "churn", "--yes", "--metric", "roc_auc", "--seeds", "2"], 2, "--seeds"),
        (["attribute", "churn", "nobody", "--metric", "roc_auc"], 2, "nobody"),
    ],
)
def test_what_cannot_be_asked_is_told(unchanged: Trained, capsys: Said, words: list[str], code: int, told: str) -> None:
    assert main(words) == code
    assert told in capsys.readouterr().err
    with unchanged.opened() as catalog:
        assert {entry.kind for entry in catalog.log.walk()} == {"key", "record"}


def test_a_setting_that_is_unknown_is_told(here: Trained, capsys: Said) -> None:
    here.train()
    here.world.append("pyproject.toml", "\n[tool.lineage.reproduce]\ntolerances = {roc_auc = 1}\n")
    assert main(["reproduce", "churn", "--yes"]) == 3
    assert "'tolerances' is unknown" in capsys.readouterr().err


def test_the_analysis_is_printed_and_kept(
    attributed: Attributed, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.chdir(attributed.root)
    words = ["attribute", "churn@1", "churn@2", "--metric", "roc_auc", "--yes", "--environment", "current"]
    assert main(words) == 1
    said = capsys.readouterr()
    assert "of the ROC AUC change is allocated to the code" in said.out
    assert "caused" not in said.out
    assert "of the log" in said.err
    assert main(["show", "churn@1"]) == 0
    assert "attributed  from churn@1 to churn@2" in capsys.readouterr().out
    assert main([*words, "--html", "--no-store"]) == 1
    page = capsys.readouterr().out
    assert page.startswith("<!doctype html>")
    assert "<svg" in page
    assert main(["verify"]) == 0
