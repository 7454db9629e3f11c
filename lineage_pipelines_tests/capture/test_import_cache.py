"""The imports that are kept between processes: they save time and change no answer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import sys, pathlib
from lineage_pipelines.capture.sources import source_reader
from lineage_pipelines.capture.sources.closure import code_digest, source_closure
read, real = [], source_reader.read_imports
source_reader.read_imports = lambda data: read.append(data) or real(data)
sys.path.insert(0, ".")
from pkg.train import train
here = pathlib.Path(".").resolve()
digest = code_digest(train, root=here, keep=here / "kept" / "imports.json")
parsed = len(read)
closure, _, _ = source_closure(train, root=here)
print(digest, parsed, len(read) - parsed, *(file.path for file in closure.files))
"""


def _load(folder: Path) -> list[str]:
    command = [sys.executable, "-c", _SCRIPT]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {"__init__": "", "train": "from pkg import a\ndef train(): ...\n", "a": "", "b": ""}.items():
        (tmp_path / "pkg").mkdir(exist_ok=True)
        (tmp_path / "pkg" / f"{name}.py").write_text(text)
    return tmp_path


def test_the_next_process_parses_only_what_changed_and_says_the_same(project: Path) -> None:
    digest, parsed, *_ = _load(project)
    assert int(parsed) > 0
    assert _load(project)[:2] == [digest, "0"]
    (project / "pkg" / "a.py").write_text("import pkg.b\n")
    changed, parsed, *_, last = _load(project)
    assert (changed != digest, parsed, last) == (True, "1", "pkg/train.py")
    assert _load(project)[:2] == [changed, "0"]


def test_the_sources_of_a_record_are_parsed_whatever_is_kept(project: Path) -> None:
    _load(project)
    kept = project / "kept" / "imports.json"
    plain = json.loads(kept.read_text())
    plain["files"] = {digest: [[], [], [], False] for digest in plain["files"]}
    kept.write_text(json.dumps(plain))
    _, parsed, parsed_for_the_record, *files = _load(project)
    assert (parsed, int(parsed_for_the_record) > 0) == ("0", True)
    assert files == ["pkg/__init__.py", "pkg/a.py", "pkg/train.py"]


@pytest.mark.parametrize("damage", ["", "[]", '{"files": 3}', '{"python": "3.0.0", "reader": "x", "files": {}}'])
def test_what_was_kept_and_is_damaged_is_read_anew(project: Path, damage: str) -> None:
    digest, parsed, *_ = _load(project)
    (project / "kept" / "imports.json").write_text(damage)
    assert _load(project)[:2] == [digest, parsed]


def test_damaged_entries_are_read_anew(project: Path) -> None:
    digest, parsed, *_ = _load(project)
    kept = project / "kept" / "imports.json"
    plain = json.loads(kept.read_text())
    plain["files"] = {name: [1] for name in plain["files"]}
    kept.write_text(json.dumps(plain))
    assert _load(project)[:2] == [digest, parsed]
    assert _load(project)[:2] == [digest, "0"]


def test_a_folder_that_cannot_be_written_costs_time_only(project: Path) -> None:
    digest = _load(project)[0]
    kept = project / "kept"
    (kept / "imports.json").unlink()
    kept.rmdir()
    kept.write_text("a file where the folder would be")
    assert _load(project)[0] == digest
