"""`make demo` in a checkout of its own, from the first chapter to the last, and what can be asked afterwards."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lineage_pipelines import LineageError, load_model
from lineage_pipelines.flights import story
from lineage_pipelines.flights.story.__main__ import _verdict
from lineage_pipelines.flights.story.chapters import CHAPTERS
from lineage_pipelines_tests.flights.checkout import check_out

BIN = Path(sys.executable).parent
FAULTY = len(CHAPTERS)


def call(root: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run a command in the checkout, with the checkout's own code."""
    env = os.environ | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": str(root),
        "DAGSTER_HOME": str(root),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DVC_NO_ANALYTICS": "1",
    }
    return subprocess.run(words, cwd=root, env=env, capture_output=True, text=True, check=False)


def ask(root: Path, *words: str) -> Any:
    """Ask the command line for JSON."""
    done = call(root, BIN / "lineage", *words, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, soak: bool) -> "tuple[Path, subprocess.CompletedProcess[str]]":
    root = check_out(tmp_path_factory.mktemp("story"))
    _forget_the_patch(root)
    if not soak:
        _make_smaller(root)
    done = call(root, sys.executable, "-m", "lineage_pipelines.flights.story")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return root, done


def _forget_the_patch(root: Path) -> None:
    """On the branch that a demo has left, go back to the code before its code change."""
    patch = next(str(Path(story.__file__).with_name(chapter.patch)) for chapter in CHAPTERS if chapter.patch)
    if call(root, "git", "apply", "--reverse", patch).returncode == 0:
        _commit(root, "Before")


def _commit(root: Path, message: str) -> None:
    done = call(root, "git", "-c", "user.name=Ada", "-c", "user.email=a@example.invalid", "commit", "-qam", message)
    assert done.returncode == 0, done.stdout + done.stderr


def _make_smaller(root: Path) -> None:
    """Every fourth flight and two candidates a model: the same chapters and checks for a third of the time."""
    flights = root / "lineage_pipelines" / "flights"
    for name, old, new in (
        ("delivery/source.py", "in lines:\n", 'in lines[:: 4 if table == "flights" else 1]:\n'),
        ("models/delay_model.py", "= (0.01, 1.0)", "= (0.01,)"),
        ("models/delay_model.py", "= (15, 31, 63)", "= (15,)"),
        ("models/minutes_model.py", "= (1.0, 1000.0)", "= (1.0,)"),
        ("models/minutes_model.py", "= (15, 31)", "= (15,)"),
    ):
        text = (flights / name).read_text()
        assert text.count(old) == 1, f"{name} has changed: {old}"
        (flights / name).write_text(text.replace(old, new))
    _commit(root, "Fewer flights and candidates")


@pytest.fixture(scope="module")
def root(told: "tuple[Path, subprocess.CompletedProcess[str]]") -> Path:
    return told[0]


def test_every_chapter_makes_a_version_whose_digests_are_those_of_its_files(root: Path) -> None:
    """For each version: MD5 as in dvc.lock of the commit that recorded it, SHA-256 as of the very bytes."""
    log = ask(root, "log", "flight_delay")
    assert [row["version"] for row in log] == list(range(len(CHAPTERS), 0, -1))
    commits = call(root, "git", "log", "--format=%H %s").stdout.splitlines()
    recorded = {
        m[2]: m[1] for m in (re.fullmatch(r"(\w+) Record what chapter (\d+) prepared", c) for c in commits) if m
    }
    for row in log:
        # A chapter that changes no data leaves dvc.lock as it was when it trained.
        revision = recorded.get(str(row["version"]), row["revision"])
        stages = yaml.safe_load(call(root, "git", "show", f"{revision}:dvc.lock").stdout)["stages"]
        lock = {Path(out["path"]).stem: out["md5"] for out in stages["split"]["outs"]}
        assert {name: digests["md5"] for name, digests in row["data"].items()} == lock
        for digests in row["data"].values():
            md5 = digests["md5"]
            content = (root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]).read_bytes()
            assert digests["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["dirty"] is False
        assert call(root, "git", "cat-file", "-t", row["revision"]).stdout.strip() == "commit"


def test_the_checks_find_the_faulty_delivery_and_nothing_else(root: Path) -> None:
    failed = {}
    for chapter in range(1, len(CHAPTERS) + 1):
        checks = ask(root, "show", f"flight_delay@{chapter}")["evaluation"]["checks"]
        failed[chapter] = {check["name"] for check in checks if not check["passed"]}
    assert all(not failed[chapter] for chapter in range(1, FAULTY))
    assert {"unique_rows", "no_worse_roc_auc"} <= failed[FAULTY]


def test_each_chapter_changes_what_it_says(root: Path) -> None:
    one, two, three, four = (ask(root, "show", f"flight_delay@{number}") for number in range(1, 5))

    def data(version: Any) -> dict[str, str]:
        return {snapshot["name"]: snapshot["digest"]["sha256"] for snapshot in version["data"]}

    def source(version: Any) -> dict[str, str]:
        return {file["path"]: file["sha256"] for file in version["code"]["source"]["files"]}

    assert data(one) != data(two) == data(three) != data(four)
    assert source(one) == source(two) == source(three)
    changed = {path for path, digest in source(four).items() if source(three).get(path) != digest}
    assert changed == {"lineage_pipelines/flights/preparation/features.py"}
    assert three["parameters"] != two["parameters"] | {"chosen": three["parameters"]["chosen"]}
    assert two["parameters"]["max_iter"] == 100
    assert three["parameters"]["max_iter"] == 300
    stages = [{stage["name"]: stage["lock"] for stage in version["stages"]} for version in (two, three, four)]
    assert stages[0] == stages[1]
    assert {name for name in stages[1] if stages[1][name] != stages[2][name]} == {"features", "split"}


def test_nothing_is_missing_from_the_records(root: Path) -> None:
    for model in ("flight_delay", "expected_minutes"):
        shown = ask(root, "show", model)
        assert shown["completeness"].get("missing", []) == []
        assert shown["run"]["dagster"]["launched_by"] == "user:demo"
        origins = {dep["path"]: dep.get("origin") for stage in shown["stages"] for dep in stage["deps"]}
        assert origins["data/raw"] == "tracked:data/raw.dvc"


def test_the_catalog_can_be_verified_against_the_commit(root: Path) -> None:
    verdicts = {claim["claim"]: claim["verdict"] for claim in ask(root, "verify", "--strict")}
    assert set(verdicts.values()) == {"PASS"}
    named = {"entries", "signatures", "order", "decisions", "approvals", "index", "checkpoint", "artifacts", "data"}
    assert verdicts.keys() == named


def test_a_version_can_be_loaded_and_asked(root: Path) -> None:
    import pandas as pd

    model: Any = load_model("flight_delay@5", project_dir=root)
    table = pd.read_parquet(root / "data/features/test.parquet")
    late = model.predict_proba(table)[:, 1]
    assert late.shape == (len(table),)
    assert 0 < late.min() < late.max() < 1


@pytest.mark.parametrize("ref", ["flight_delay@4", pytest.param(f"expected_minutes@{FAULTY}", marks=pytest.mark.soak)])
def test_a_version_is_made_again_to_the_last_number(root: Path, ref: str) -> None:
    """From the first of them the workspace has moved on."""
    said = ask(root, "reproduce", ref, "--yes", "--no-store")
    assert (said["level"], said["differs"]) == ("R5", [])
    assert all(step["reached"] for step in said["steps"])


def test_version_4_is_approved_and_promoted_and_version_5_stays_out(
    root: Path, told: "tuple[Path, subprocess.CompletedProcess[str]]"
) -> None:
    promotion, approval = ask(root, "history", "flight_delay")
    assert (approval["action"], approval["version"], approval["void"]) == ("approve", 4, None)
    assert (promotion["action"], promotion["version"], promotion["by"]) == ("promote", 4, "demo")
    assert ask(root, "show", "flight_delay@production")["version"] == 4
    assert "flight_delay@5 was not promoted: nothing was changed" in told[1].stdout


def test_it_ends_with_the_versions_one_of_them_the_history_and_what_to_type_next(
    told: "tuple[Path, subprocess.CompletedProcess[str]]",
) -> None:
    out = told[1].stdout
    places = [
        out.index(text)
        for text in ("Chapter 5", "$ lineage log", "$ lineage show", "$ lineage history", "What to type next")
    ]
    assert places == sorted(places)
    assert "make ui" in out[places[-1] :]


def test_told_again_it_makes_nothing_new(root: Path) -> None:
    before = ask(root, "log", "flight_delay")
    assert call(root, sys.executable, "-m", "lineage_pipelines.flights.story").returncode == 0
    assert ask(root, "log", "flight_delay") == before
    assert call(root, "git", "status", "--porcelain").stdout == ""


def test_the_code_location_is_valid_for_both_of_dagsters_tools(root: Path) -> None:
    for words in (["dagster", "definitions", "validate", "--workspace", "workspace.yaml"], ["dg", "check", "defs"]):
        done = call(root, BIN / words[0], *words[1:])
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_chapter_that_made_no_version_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(LineageError, match="chapter 2 made no version of flight_delay") as told:
        _verdict(tmp_path, "flight_delay", 2)
    assert "make ui" in told.value.fix
