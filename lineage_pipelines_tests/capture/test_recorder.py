"""The recorder is no part of what it records, and the worked pipeline beside it is."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import lineage_pipelines
from lineage_pipelines.capture.recorder import is_recorder_file, recorder_folder

_PACKAGE = Path(lineage_pipelines.__file__).parent
_SCRIPT = """
import json, pathlib
from lineage_pipelines.capture.recorder import describe_recorder
from lineage_pipelines.capture.sources.closure import code_digest, source_closure
from lineage_pipelines.flights.models.training import train_best
root = pathlib.Path(".").resolve()
closure, _, gaps = source_closure(train_best, root=root)
print(json.dumps({
    "code": code_digest(train_best, root=root),
    "files": [file.path for file in closure.files],
    "gaps": gaps,
    "recorder": describe_recorder().source.hex,
}))
"""


def _look(root: Path) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", _SCRIPT]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def _comment(path: Path) -> None:
    path.write_text(path.read_text() + "# a comment\n")


def test_a_library_module_changes_no_code_version_and_a_module_of_the_pipeline_does(tmp_path: Path) -> None:
    package = tmp_path / "lineage_pipelines"
    shutil.copytree(_PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    first = _look(tmp_path)
    assert first["gaps"] == []
    assert "lineage_pipelines/flights/models/candidates.py" in first["files"]
    assert all(path.startswith("lineage_pipelines/flights/") for path in first["files"])
    _comment(package / "reports" / "__init__.py")
    _comment(package / "capture" / "trained_model.py")  # which the pipeline imports
    second = _look(tmp_path)
    assert (second["code"], second["files"]) == (first["code"], first["files"])
    assert second["recorder"] != first["recorder"]
    _comment(package / "flights" / "models" / "candidates.py")
    third = _look(tmp_path)
    assert third["code"] != first["code"]
    assert third["recorder"] == second["recorder"]


def test_the_recorder_is_the_directory_that_it_was_imported_from(tmp_path: Path) -> None:
    folder = recorder_folder()
    assert is_recorder_file(f"{folder}/capture/recorder.py", folder)
    assert is_recorder_file(f"{folder}/__init__.py", folder)
    assert not is_recorder_file(f"{folder}/flights/preparation/features.py", folder)
    assert not is_recorder_file(f"{folder}/definitions.py", folder)
    assert not is_recorder_file(f"{folder}_tests/world.py", folder)
    assert not is_recorder_file(str(tmp_path / "lineage_pipelines" / "capture" / "recorder.py"), folder)
