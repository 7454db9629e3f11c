"""`lineage doctor` names what would go wrong later, in words and with the fix."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.doctor import examine
from lineage_pipelines.records.values.finding import Finding
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.samples import make_record
from lineage_pipelines_tests.world import World


def distribution(folder: Path, name: str, version: str) -> None:
    """Lay an installed distribution's metadata into a folder of the import path."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def look(world: World) -> dict[str, Finding]:
    return {str(finding.kind): finding for finding in examine(resolve_settings(start=world.root))}


def test_a_sound_project_is_sound(world: World) -> None:
    (world.root / "uv.lock").write_text("version = 1\n")
    assert {finding.status for finding in look(world).values()} == {"ok"}


def test_a_lock_file_that_every_version_will_lack_is_told(world: World) -> None:
    found = look(world)["lock file"]
    assert (found.status, found.detail) == ("warn", "every version will lack it: no lock file")


@pytest.mark.parametrize(
    ("name", "version", "check", "words"),
    [
        ("antlr4-python3-runtime", "4.9.3", "antlr", "raises TypeError"),
        ("hydra-core", "1.3.2", "antlr", "dvc exp run -S"),
        ("dagster-webserver", "1.12.0", "dagster", "different releases"),
        ("dagster", "1.11.0", "dagster", "too old"),
        ("dvc", "3.50.0", "dvc", "3.50.0"),
        ("mlflow-skinny", "2.22.0", "mlflow", "2.22.0 is too old"),
    ],
)
def test_versions_that_clash_are_told(world: World, name: str, version: str, check: str, words: str) -> None:
    """The clash is really on the import path of the command, before what is installed."""
    folder = world.root / "site"
    distribution(folder, name, version)
    done = subprocess.run(
        [Path(sys.executable).with_name("lineage"), "doctor", "--format", "json"],
        cwd=world.root,
        env=os.environ | {"PYTHONPATH": str(folder), "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    import json

    found = {row["check"]: row for row in json.loads(done.stdout)}
    assert found[check]["status"] == "fail"
    assert words in found[check]["detail"]
    assert "pip install" in found[check]["fix"]


def test_what_mlflow_is_owed_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "mlflow" not in look(world)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{world.root}/mlflow.db")
    assert look(world)["mlflow"].status == "ok"
    settings = resolve_settings(start=world.root)
    with Catalog(settings.catalog, mirrors=settings.mirrors) as catalog:
        catalog.append(make_record())
    assert look(world)["mlflow"].status == "warn"
    assert look(world)["mlflow"].fix == "lineage reconcile"


def test_both_sides_of_antlr_work_here(world: World) -> None:
    """Dagster's selections have a test of their own; these are hydra's grammar and OmegaConf's, through DVC."""
    from omegaconf import OmegaConf

    assert OmegaConf.create({"a": 1, "b": "${a}"}).b == 1
    world.write("params.yaml", "lr: 1\n")
    world.write("dvc.yaml", "stages:\n  fit:\n    cmd: cp params.yaml out.txt\n    params: [lr]\n    outs: [out.txt]\n")
    world.commit("Fit")
    world.dvc("exp", "run", "-S", "lr=2")
    assert world.path("out.txt").read_text().strip() == "lr: 2"


def test_what_is_not_set_up_yet_is_a_warning(tmp_path: Path) -> None:
    findings = {str(finding.kind): finding for finding in examine(resolve_settings(start=tmp_path))}
    assert findings["dvc"].status == "warn"
    assert findings["git"].status == "warn"
    assert findings["catalog"].status == "ok"
    assert all(finding.fix for finding in findings.values() if finding.status != "ok")


def test_a_store_without_a_place_is_told(world: World) -> None:
    world.write("pyproject.toml", '[tool.lineage]\nartifacts = "dvc.yaml/store"\n')
    world.write("dvc.yaml", "stages: {}\n")
    assert look(world)["artifacts"].status == "fail"


def test_a_look_that_is_refused_is_a_finding(world: World) -> None:
    """The name is longer than any file system takes."""
    world.write("pyproject.toml", f'[tool.lineage]\nartifacts = "{"x" * 300}"\n')
    finding = look(world)["artifacts"]
    assert finding.status == "fail"
    assert "too long" in finding.detail
