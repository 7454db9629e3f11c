"""Files and disks that are not what they should be: models, catalogs, checkpoints (41, 42, 44-47, 57, 58)."""

import dataclasses
import hashlib
import json
import os
import pickle
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines_tests.artifacts import limits
from lineage_pipelines_tests.bad_input.project import QUOTED, TO, Project, check_refused, python
from lineage_pipelines_tests.samples import make_record

BYTES = random.Random(16)

# Model files


class Trap:
    """What leaves a trace when it is unpickled."""

    def __init__(self, trace: str) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.trace, "w")


def test_a_pickle_is_recorded_and_compared_and_never_loaded(project: Project) -> None:
    trace = project.root / "trace"
    store = ArtifactStore(str(project.root / ".lineage" / "artifacts"))
    digest = store.put_bytes(pickle.dumps(Trap(str(trace))))
    record = make_record(run="9")
    artifact = dataclasses.replace(record.artifact, digest=digest, format="pickle")
    with project.catalog() as catalog:
        catalog.append(dataclasses.replace(record, artifact=artifact))
    for words in (("show", "flight_delay@4"), ("verify", "flight_delay@4"), ("verify",), ("log", "flight_delay")):
        assert "Traceback" not in project.run(*words).stderr
    assert "flight_delay@4: its model file" not in project.run("verify", "flight_delay@4").stdout
    assert not trace.exists()


STORE = """
import pathlib, resource, sys
from lineage_pipelines.artifacts.artifact_store import ArtifactStore
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[3]),) * 2)
store = ArtifactStore(sys.argv[2])
digest = store.put_file(pathlib.Path(sys.argv[1]))
store.check(digest)
store.fetch(digest, pathlib.Path(sys.argv[1] + ".again"))
print(digest.hex)
"""


def test_a_model_file_larger_than_memory_is_stored_checked_and_fetched(tmp_path: Path) -> None:
    large = tmp_path / "model.skops"
    large.touch()
    os.truncate(large, 400 << 20)
    done = subprocess.run(
        [sys.executable, "-c", STORE, str(large), str(tmp_path / "store"), str(200 << 20)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with large.open("rb") as file:
        assert done.stdout.strip() == hashlib.file_digest(file, "sha256").hexdigest()


def test_verify_reads_a_model_file_larger_than_memory(project: Project) -> None:
    artifact = make_record(run="1").artifact
    path = project.root / ".lineage" / "artifacts" / "sha256" / artifact.digest.hex[:2] / artifact.digest.hex[2:]
    path.parent.mkdir(parents=True)
    path.touch()
    os.truncate(path, 1 << 30)
    done = project.run(
        "verify", "flight_delay@1", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (700 << 20,) * 2)
    )
    assert done.returncode == 1, done.stderr
    assert "flight_delay@1: its model file: a stored file was altered: expected" in " ".join(done.stdout.split())
    assert done.stderr == ""


@pytest.mark.parametrize("url", ["pyproject.toml", "bogus://x", "/proc/x", "s3://"])
def test_a_store_that_cannot_be_read_is_a_finding(project: Project, url: str) -> None:
    done = project.run("verify", "flight_delay@1", env={"LINEAGE_ARTIFACTS": url})
    assert done.returncode == 1
    assert "artifacts" in done.stdout
    assert done.stderr == ""


def test_folders_of_a_store_are_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ArtifactStore(str(tmp_path / "a" / "store")).put_bytes(b"x")
    finally:
        os.umask(before)
    folders = [path for path in (tmp_path / "a").rglob("*") if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a", *folders)} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a").rglob("*") if path.is_file()} == {0o444}


# Disks


def test_a_decision_that_does_not_fit_on_the_disk_is_not_made(project: Project, tmp_path: Path) -> None:
    with limits.disk(tmp_path / "disk", "2m"):
        full = Project(tmp_path / "disk" / "project")
        shutil.copytree(project.root, full.root)
        before = full.state()
        limits.fill(tmp_path / "disk" / "filler", leave=8_000)
        told = ["the disk is full", "catalog.db", "free some space"]
        check_refused(full.run("promote", "flight_delay@1", *TO), 3, told)
        (tmp_path / "disk" / "filler").unlink()
        assert full.state() == before
        assert full.run("promote", "flight_delay@1", *TO).returncode == 0


def test_on_a_read_only_disk_nothing_is_decided_and_all_can_be_asked(project: Project, tmp_path: Path) -> None:
    with limits.disk(tmp_path / "disk", "2m"):
        shut = Project(tmp_path / "disk" / "project")
        shutil.copytree(project.root, shut.root)
        limits.make_read_only(tmp_path / "disk")
        done = shut.run("promote", "flight_delay@1", *TO)
        check_refused(done, 3, ["  where: ", "catalog.db", "permissions"])
        for words in (("models",), ("verify", "--quick"), ("history", "flight_delay")):
            assert shut.run(*words).returncode == 0
        done = shut.run("checkpoint", "-o", "note")
        check_refused(done, 3, ["the checkpoint cannot be written: Read-only file system", "  where: note"])


def test_a_writer_that_waits_in_vain_is_told_for_whom(project: Project) -> None:
    hold = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\nc.execute('BEGIN IMMEDIATE')\n"
    hold += "print('held', flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold, str(project.file)], stdin=-1, stdout=-1) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        impatient = python("from lineage_pipelines.catalog.backends import sqlite\nsqlite.BUSY_SECONDS = 0.2")
        told = [f"busy for a minute, last process {holder.pid}", "wait for them"]
        project.refused(3, "promote", "flight_delay@1", *TO, command=impatient, told=told)
        holder.communicate()
    assert project.run("promote", "flight_delay@1", *TO).returncode == 0


# The catalog's file


@pytest.mark.parametrize(
    ("url", "code", "told"),
    [
        ("folder", 3, "not a catalog that this release can open"),
        ("sqlite:///folder", 3, "the catalog's name is that of a folder"),
        ("sqlite:///pipe", 3, "the catalog's name is that of a pipe or a device"),
        ("sqlite:////dev/zero", 3, "the catalog's name is that of a pipe or a device"),
        ("sqlite:///pyproject.toml", 3, "the file is not a SQLite database"),
        ("sqlite:///empty", 2, "the catalog is empty"),
        ("sqlite:///missing.db", 2, "there is no catalog yet"),
        ("sqlite:///:memory:", 3, "not a catalog that this release can open"),
        ("sqlite:///" + "a" * 300, 3, "File name too long"),
        ("mysql://ann:hunter2@db.example/x", 3, "not a catalog that this release can open"),
        ("postgresql://ann:hunter2@127.0.0.1:1/x", 3, "the catalog's server cannot be reached"),
        ("postgresql://ann:hunter2@127.0.0.1:port/x", 3, "the catalog's URL cannot be read"),
    ],
)
def test_what_is_no_catalog_is_told_and_left_alone(project: Project, url: str, code: int, told: str) -> None:
    (project.root / "folder").mkdir()
    (project.root / "empty").touch()
    os.mkfifo(project.root / "pipe")
    done = project.refused(code, "models", env={"LINEAGE_CATALOG": url}, told=[told])
    assert "hunter2" not in done.stderr
    if "empty" not in url and "missing" not in url:
        project.refused(3, "migrate", env={"LINEAGE_CATALOG": url}, told=[told])


def _cut(share: float) -> Callable[[Path], object]:
    return lambda path: os.truncate(path, int(path.stat().st_size * share))


def _other_bytes(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:20000] = BYTES.randbytes(20000 - 4096)
    path.write_bytes(data)


@pytest.mark.parametrize(
    "spoil", [_cut(0.2), _cut(0.5), _cut(0.9), _other_bytes], ids=["20 %", "50 %", "90 %", "noise"]
)
def test_a_catalog_that_was_cut_off_or_damaged_is_told_and_not_written(
    project: Project, spoil: Callable[[Path], object]
) -> None:
    spoil(project.file)
    before = project.file.read_bytes()
    for words in (("promote", "flight_delay@1", *TO), ("log", "flight_delay"), ("verify", "--quick")):
        done = project.run(*words)
        if words[0] == "promote" or done.returncode != 1:  # what can still be read may be told to be wrong
            check_refused(done, 3, ["the catalog is damaged", "catalog.db", "restore it from a copy"])
    assert project.file.read_bytes() == before


def _git(project: Project, *words: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.invalid")
    subprocess.run(["git", *identity, *words], cwd=project.root, check=True, capture_output=True)


def _anchor(project: Project) -> None:
    assert project.run("checkpoint", "-o", "lineage.checkpoint").returncode == 0
    _git(project, "init", "-q")
    _git(project, "add", "lineage.checkpoint")
    _git(project, "commit", "-qm", "Anchor")


def _claim(done: Any, name: str) -> Any:
    return next(claim for claim in json.loads(done.stdout) if claim["claim"] == name)


def test_a_write_ahead_log_that_was_removed_is_told_by_the_anchor(project: Project) -> None:
    """The file alone is a sound, shorter catalog: only what was kept elsewhere knows how many entries are gone."""
    with project.catalog() as catalog:
        catalog.append(make_record(run="4"))
        shutil.copy(project.file, project.root / "without")  # the entry is in the log beside it alone
        catalog.append(make_record(run="5"))
        _anchor(project)
    for suffix in ("-wal", "-shm"):
        project.file.with_name(f"catalog.db{suffix}").unlink(missing_ok=True)
    shutil.copy(project.root / "without", project.file)
    done = project.run("verify", "--quick", "--format", "json")
    assert done.returncode == 1
    claim = _claim(done, "checkpoint")
    assert claim["verdict"] == "FAIL"
    assert "entries 5 to 6 are gone: lineage.checkpoint of the last commit knows 6 entries" in claim["detail"]


def test_of_two_catalogs_that_went_on_from_one_the_other_is_a_fork(project: Project, tmp_path: Path) -> None:
    shutil.copytree(project.root, tmp_path / "copy")
    copy = Project(tmp_path / "copy")
    assert project.run("verify", "--quick").returncode == 0  # remembers what it has seen
    for which, run in ((project, "4"), (copy, "5")):
        with which.catalog() as catalog:
            catalog.append(make_record(run=run))
    (tmp_path / "kept").write_text(project.run("checkpoint").stdout)
    done = copy.run("verify", "--quick", "--from", str(tmp_path / "kept"), "--format", "json")
    assert done.returncode == 1
    assert "the first 5 entries are not what" in _claim(done, "checkpoint")["detail"]
    assert project.run("verify", "--quick").returncode == 0
    for path in copy.file.parent.glob("catalog.db*"):
        shutil.copy(path, project.file.parent)
    done = project.run("verify", "--quick", "--format", "json")
    assert done.returncode == 1
    assert "the state last verified here" in _claim(done, "checkpoint")["detail"]


# Checkpoints


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        ("pipe", 3, "not a checkpoint of a log"),
        ("huge", 3, "not a checkpoint of a log"),
        ("/dev/zero", 3, "not a checkpoint of a log"),
        ("/dev/null", 3, "not a checkpoint of a log"),
        (".lineage/catalog.db", 3, "not a checkpoint of a log"),
        (".", 2, "is a directory"),
        ("missing", 2, "does not exist"),
        ("", 2, "--from is empty"),
        (b"\xff", 2, "does not exist"),
    ],
)
def test_what_is_no_checkpoint_is_told_and_not_waited_for(
    project: Project, given: str | bytes, code: int, told: str
) -> None:
    os.mkfifo(project.root / "pipe")
    with (project.root / "huge").open("wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    before = project.entries()
    check_refused(project.run("verify", "--quick", "--from", given), code, [told])
    assert project.entries() == before


def test_a_checkpoint_may_come_through_a_pipe(project: Project) -> None:
    shell = f"{QUOTED} verify --quick --from <(sleep 0.2; {QUOTED} checkpoint)"
    done = project.run("-c", shell, command=("bash",))
    assert done.returncode == 0, done.stderr
    assert "checkpoint  PASS" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("-o", "missing/note"), 3, "the checkpoint cannot be written: No such file or directory"),
        (("-o", "/dev/full"), 3, "the checkpoint cannot be written: No space left on device"),
        (("-o", ".lineage"), 2, "is a directory"),
        (("-o", ""), 2, "-o is empty"),
    ],
)
def test_a_checkpoint_that_cannot_be_written_is_told(
    project: Project, words: tuple[str, ...], code: int, told: str
) -> None:
    project.refused(code, "checkpoint", *words, told=[told])


def test_an_answer_that_cannot_be_written_is_told(project: Project) -> None:
    for words in ("models", "checkpoint", "verify --quick"):
        done = project.run("-c", f"{QUOTED} {words} > /dev/full", command=("bash",))
        check_refused(done, 3, ["the answer cannot be written: No space left on device", "standard output"])
    before = project.state()
    shell = f"{QUOTED} promote flight_delay@1 --to production --reason x >&-"
    check_refused(project.run("-c", shell, command=("bash",)), 3, ["standard output is closed", "nothing was done"])
    assert project.state() == before
