"""The committed pipeline: what is pinned is what a delivery gives, and `dvc repro` gives what dvc.lock says.

These hold on `main` and on the branch that `make demo` leaves, where a later delivery is pinned.
"""

import ast
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lineage_pipelines.flights.delivery.delivery_faults import Fault
from lineage_pipelines.flights.delivery.delivery_writer import deliver
from lineage_pipelines.flights.story.chapters import CHAPTERS
from lineage_pipelines_tests.flights.checkout import ROOT, check_out


def _yaml(name: str, root: Path = ROOT) -> Any:
    return yaml.safe_load((root / name).read_text())


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def _listing_md5(folder: Path) -> str:
    """What DVC calls a folder: the MD5 of its listing."""
    listing = [{"md5": _md5(path), "relpath": path.name} for path in sorted(folder.iterdir())]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest() + ".dir"


def deliver_what_is_pinned(root: Path) -> Path:
    """Deliver as the story's chapters do until the bytes are those of data/raw.dvc."""
    pinned = _yaml("data/raw.dvc")["outs"][0]["md5"]
    raw = root / "data" / "raw"
    for chapter in CHAPTERS:
        deliver(chapter.through, raw, [Fault.parse(fault) for fault in chapter.faults])
        if _listing_md5(raw) == pinned:
            return raw
    pytest.fail(f"no delivery of the story is the one that data/raw.dvc pins ({pinned})")


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which somebody typed `flights deliver` and `dvc repro`."""
    import sys

    root = check_out(tmp_path_factory.mktemp("checkout"))
    deliver_what_is_pinned(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
        patch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path_factory.mktemp("site")))
        patch.setenv("DVC_NO_ANALYTICS", "1")
        done = subprocess.run(["dvc", "repro"], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def test_a_delivery_restores_the_pinned_bytes(tmp_path: Path) -> None:
    raw = deliver_what_is_pinned(tmp_path)
    out = _yaml("data/raw.dvc")["outs"][0]
    assert out["nfiles"] == len(list(raw.iterdir()))
    assert out["size"] == sum(path.stat().st_size for path in raw.iterdir())


def test_repro_gives_what_the_lock_says_and_leaves_git_clean(reproduced: Path) -> None:
    status = ["git", "status", "--porcelain"]
    changed = subprocess.run(status, cwd=reproduced, check=True, capture_output=True, text=True).stdout
    assert changed == "", "dvc.lock is stale: run dvc repro and commit dvc.lock and data/clean/summary.json"


@pytest.mark.parametrize("stage", ["clean", "features", "split"])
def test_the_lock_is_of_this_code_and_these_parameters(stage: str) -> None:
    entry, declared = _yaml("dvc.lock")["stages"][stage], _yaml("dvc.yaml")["stages"][stage]
    assert entry["cmd"] == declared["cmd"]
    assert {dep["path"] for dep in entry["deps"]} == set(declared["deps"])
    for dep in entry["deps"]:
        if dep["path"].startswith("lineage_pipelines/"):
            assert dep["md5"] == _md5(ROOT / dep["path"]), f"{dep['path']} has changed: run dvc repro"
    section = entry["params"]["params.yaml"][stage]
    assert section == _yaml("params.yaml")[stage]


@pytest.mark.parametrize(("stage", "module"), [("clean", "cleaning"), ("features", "features"), ("split", "split")])
def test_a_stage_depends_on_the_modules_that_do_its_work(stage: str, module: str) -> None:
    """Not on the command line and the reader of parameters, which do not change what is written."""
    plumbing = {f"{_FLIGHTS}/params.py", f"{_FLIGHTS}/delivery/source.py"}
    declared = {dep for dep in _yaml("dvc.yaml")["stages"][stage]["deps"] if dep.endswith(".py")}
    assert _imported_by(f"{_FLIGHTS}/preparation/{module}.py") - plumbing == declared


_FLIGHTS = "lineage_pipelines/flights"


def _imported_by(path: str) -> set[str]:
    """The modules of the worked pipeline that a module needs, itself included."""
    found, todo = set[str](), [path]
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        imports = [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.ImportFrom)]
        names = [node.module or "" for node in imports]
        todo.extend(f"{name.replace('.', '/')}.py" for name in names if name.startswith("lineage_pipelines.flights."))
    return found


@pytest.mark.parametrize("stage", ["clean", "features", "split"])
def test_a_stage_explains_itself(stage: str) -> None:
    declared = _yaml("dvc.yaml")["stages"][stage]
    assert declared["desc"]
    assert declared["meta"]["owner"] == "team:flights-data"
    assert all(settings["desc"] for out in declared["outs"] for settings in out.values())


def test_no_data_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files", "data"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert {Path(name).suffix for name in listed.split()} <= {".dvc", ".json", ""}
    assert "check_update = false" in (ROOT / ".dvc" / "config").read_text()
    assert "analytics = false" in (ROOT / ".dvc" / "config").read_text()
