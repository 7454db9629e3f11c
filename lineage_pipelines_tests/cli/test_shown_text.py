"""Text of a record goes through one escaping function wherever it is printed, the consent prompt included."""

import ast
import dataclasses
from collections import Counter
from pathlib import Path

import click
import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.cli.replay_options import ask
from lineage_pipelines.errors import LineageError, visible, visible_lines
from lineage_pipelines.replay.reproduction_run import Options
from lineage_pipelines_tests.samples import make_record

_PACKAGE = Path(__file__).parents[2] / "lineage_pipelines"
_FORGED = "\x1b[2K\x1b[1A\x1b[2K\rChecking only, nothing is run on this machine.\x1b[8m\nContinue? \u202e\U000e0041"
_PRINTING = {"echo", "secho", "print", "confirm", "prompt", "write", "warn", "info", "warning", "error", "exception"}
_OF = {"click", "sys", "stderr", "stdout", "warnings", "log", "_log", "buffer", "print", "error"}

PLACES = {
    # The functions that print: they escape what they are given, or it is a document's, whose renderers escape it.
    "cli/session.py echo_note: echo": 1,
    "cli/session.py print_answer: write": 2,
    "cli/progress.py echo_step: echo": 1,
    "cli/progress.py write: echo": 2,
    "cli/main.py main: echo": 1,
    "cli/main.py _say: echo": 1,
    # Fixed words.
    "cli/replay_options.py ask: confirm": 1,
    "cli/approve.py _passphrase: prompt": 1,
    "cli/purge.py _ask: confirm": 1,
    # With `visible` in the call.
    "queries/versions/model_loader.py _warn_about_versions: warn": 1,
    "bridges/mlflow/delivery_worker.py main: write": 4,
    "orchestration/operations/attribution_job.py _train: warning": 1,
    "orchestration/operations/attribution_job.py _finish: info": 1,
    "orchestration/operations/delivery_sensor.py _build_job: info": 2,
    "orchestration/operations/delivery_sensor.py take_in: info": 2,
    "orchestration/operations/promotion_job.py _mark_shown: warning": 1,
    "orchestration/operations/reproduction_job.py _options: info": 1,
    "orchestration/operations/reproduction_job.py _reproduce: info": 1,
    "orchestration/operations/reproduction_job.py _reproduce: warning": 1,
    "orchestration/operations/reproduction_job.py log: info": 1,
    "orchestration/operations/reproducibility_check.py check: warning": 1,
    "orchestration/operations/reproducibility_check.py reproducibility_check: warning": 1,
    # Numbers, references, aliases, and what the project itself defines.
    "bridges/mlflow/tracking_session.py after: warning": 1,
    "bridges/mlflow/tracking_session.py _end: warning": 1,
    "orchestration/dvc/dvc_resource.py run: info": 2,
    "orchestration/dvc/dvc_resource.py _commit: info": 1,
    "orchestration/operations/attribution_job.py build_attribute_job: info": 1,
    "orchestration/operations/attribution_job.py allocate_change: info": 1,
    "orchestration/operations/attribution_job.py _train: info": 1,
    "orchestration/operations/promotion_job.py _promote: info": 2,
    "orchestration/operations/promotion_job.py promoted: info": 1,
    "orchestration/operations/promotion_job.py promotion_asset: info": 1,
    "orchestration/training/model_asset.py _define: warning": 1,
    "orchestration/training/model_asset.py step: warning": 1,
    "orchestration/training/model_asset.py _say_skipped: info": 1,
}


def test_every_place_that_prints_is_known() -> None:
    found: Counter[str] = Counter()
    for path in sorted(_PACKAGE.rglob("*.py")):
        name = path.relative_to(_PACKAGE).as_posix()
        if name.startswith(("flights/", "capture/")):
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                found.update(f"{name} {function.name}: {called}" for called in _printing(function))
    assert found == PLACES


def _printing(function: ast.FunctionDef) -> list[str]:
    calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return [
        called.attr if isinstance(called, ast.Attribute) else called.id
        for called in calls
        if (isinstance(called, ast.Name) and called.id == "print")
        or (isinstance(called, ast.Attribute) and called.attr in _PRINTING and _owner(called) in _OF)
    ]


def _owner(called: ast.Attribute) -> str:
    value = called.value
    return value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""


def test_the_consent_prompt_cannot_be_forged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = make_record()
    run = dataclasses.replace(record.run, host=_FORGED, user=_FORGED)
    assert record.code.source is not None
    source = dataclasses.replace(record.code.source, entry=_FORGED)
    record = dataclasses.replace(record, run=run, code=dataclasses.replace(record.code, source=source))
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        entry = catalog.append(record)
    options = Options(project_dir=tmp_path, artifacts=ArtifactStore(str(tmp_path / "artifacts")))
    with pytest.raises(click.UsageError):
        ask([entry], options, f"what differs: {_FORGED}")
    shown = capsys.readouterr().err
    assert visible_lines(shown) == shown
    assert len(shown.splitlines()) == 5
    assert shown.count(visible(_FORGED)) == 4


def test_errors_are_escaped_and_their_lines_indented() -> None:
    shown = str(LineageError(_FORGED, where=_FORGED, fix=_FORGED))
    assert visible_lines(shown) == shown
    assert [line[:9].strip() for line in shown.split("\n")] == [shown[:9], "", "where:", "", "fix:", ""]
    assert str(LineageError("one", where="two", fix="three")) == "one\n  where: two\n  fix:   three"


def test_characters_that_a_terminal_obeys_or_hides_are_escaped() -> None:
    assert visible("a\x1b[2K\r\n\x7f\u202e\u2066\U000e0041é漢") == ("a\\x1b[2K\\r\\n\\x7f\\u202e\\u2066\\U000e0041é漢")
