"""A project with a catalog of two models, and the command run in it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.cli.main import main
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.samples import make_record


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Lineage = Callable[..., Said]


@pytest.fixture(autouse=True)
def user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `lineage verify` keeps of a log is not kept in the user's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three versions of flight_delay, the last with other data and a failed check, and one of minutes."""
    (tmp_path / "pyproject.toml").write_text("[tool.lineage]\n")
    monkeypatch.chdir(tmp_path)
    with Catalog(resolve_settings(start=tmp_path).catalog) as catalog:
        catalog.append(make_record(run="1", auc=0.7))
        catalog.append(make_record(run="2", auc=0.75))
        catalog.append(make_record(run="3", auc=0.61, raw="through July"))
        catalog.append(make_record(run="4", model="minutes"))
    return tmp_path


@pytest.fixture
def lineage(capsys: pytest.CaptureFixture[str]) -> Lineage:
    """Run the command in the current folder."""

    def run(*words: str) -> Said:
        capsys.readouterr()
        code = main(list(words))
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run
