"""A checkout whose own configuration names programs: none of them runs when it is read or captured."""

import hashlib
import shlex
from pathlib import Path

import pytest

from lineage_pipelines.capture.git.file_history import find_deliveries
from lineage_pipelines.capture.git.git_state import read_git
from lineage_pipelines.capture.git.patch import make_patch
from lineage_pipelines.queries.diff.code.commits import changed_paths, commits_between, find_delivery
from lineage_pipelines.queries.verify.trusted_checkpoints import committed_anchor, earlier_anchors
from lineage_pipelines.system.git_command import change_git
from lineage_pipelines_tests.capture.repository import Repository
from lineage_pipelines_tests.world import World

_PROGRAMS = [
    *("core.fsmonitor", "core.sshCommand", "core.pager", "pager.log", "pager.status", "core.editor", "core.askPass"),
    *("gpg.program", "gpg.ssh.program", "gpg.x509.program", "diff.external", "diff.evil.command", "diff.evil.textconv"),
    *("filter.evil.clean", "filter.evil.smudge", "filter.e.v=il.clean", "credential.helper", "merge.evil.driver"),
]
_HOOKS = ["post-checkout", "post-index-change", "reference-transaction", "pre-commit", "pre-auto-gc", "fsmonitor"]
_SIGNED = b"-----BEGIN PGP SIGNATURE-----\n \n iQEz\n -----END PGP SIGNATURE-----"
_ADA = ("-c", "user.name=Ada", "-c", "user.email=ada@example.invalid")
_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


def _make_hostile(repository: Repository | World, log: Path) -> None:
    program = log.with_name("program.sh")
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> {shlex.quote(str(log))}\ncat\n')
    program.chmod(0o755)
    for name in _PROGRAMS:
        repository.git("config", name, f"{program} {name}")
    hooks = repository.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in _HOOKS:
        (hooks / name).symlink_to(program)
    repository.git("config", "core.hooksPath", ".git/hooks")
    repository.git("config", "log.showSignature", "true")
    (repository.root / ".git" / "info").mkdir(exist_ok=True)
    (repository.root / ".git" / "info" / "attributes").write_text("*.py filter=evil diff=evil\n*.txt filter=e.v=il\n")


def _sign(repository: Repository) -> str:
    """Put a signature, which `log.showSignature` would have checked, on the last commit."""
    text = repository.git("cat-file", "commit", "HEAD")
    head, _, message = text.partition("\n\n")
    path = repository.write(".git/signed", f"{head}\ngpgsig {_SIGNED.decode()}\n\n{message}\n")
    revision = repository.git("hash-object", "-t", "commit", "-w", str(path))
    repository.git("update-ref", "HEAD", revision)
    return revision


def _changed(repository: Repository) -> None:
    repository.write("begin.py", "begin = 2\n")
    repository.write("text.txt", "2\n")
    repository.write("new.py", "new\n")


def test_no_program_of_the_repository_runs(repository: Repository, tmp_path: Path) -> None:
    log = tmp_path / "ran.log"
    repository.write("lineage.checkpoint", "x\n")
    repository.write("text.txt", "1\n")
    repository.write("data.dvc", "md5: 0123\n")
    first = repository.commit()
    repository.write("begin.py", "begin = 1.5\n")
    repository.write("lineage.checkpoint", "y\n")
    repository.commit()
    second = _sign(repository)
    _make_hostile(repository, log)
    log.unlink(missing_ok=True)
    _changed(repository)

    state = read_git(repository.root)
    assert [change.path for change in state.changes] == [b"begin.py", b"new.py", b"text.txt"]
    patch, _ = make_patch(state)
    assert patch is not None
    assert b"begin = 2" in patch
    assert committed_anchor(repository.root) == "y\n"
    earlier_anchors(repository.root)
    find_deliveries(repository.root, {"data.dvc": "0123"})
    assert commits_between(repository.root, first, second)[1] == 1
    assert changed_paths(repository.root, first, second) == ("begin.py", "lineage.checkpoint")
    assert find_delivery(repository.root, first, second, "begin.py") is not None
    assert not log.exists(), log.read_text()


def test_files_compared_without_their_filter_are_a_gap(repository: Repository, tmp_path: Path) -> None:
    _make_hostile(repository, tmp_path / "ran.log")
    assert read_git(repository.root).gaps == ()
    _changed(repository)
    what = "compared without the filter of the repository's own configuration"
    assert read_git(repository.root).gaps == (f"code.filters: begin.py: {what}",)


def test_filters_of_the_machine_run(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.write("data.txt", "STORED\n")
    repository.commit()
    config = tmp_path / "gitconfig"
    config.write_text('[filter "case"]\n\tclean = tr a-z A-Z\n\tsmudge = tr A-Z a-z\n\trequired = true\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    repository.write(".git/info/attributes", "*.txt filter=case\n")
    repository.git("config", "filter.case.clean", f"touch {tmp_path / 'ran'}; cat")
    repository.write("data.txt", "stored\n")
    assert read_git(repository.root).changes == ()
    assert not (tmp_path / "ran").exists()


def test_a_submodule_runs_none_either(repository: Repository, tmp_path: Path) -> None:
    library = Repository(tmp_path / "library")
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.root), "lib")
    repository.commit()
    log = tmp_path / "ran.log"
    inner = repository.root / "lib"
    program = tmp_path / "clean.sh"
    program.write_text(f"#!/bin/sh\necho ran >> {log}\ncat\n")
    program.chmod(0o755)
    repository.git("-C", "lib", "config", "filter.evil.clean", str(program))
    (repository.root / ".git/modules/lib/info").mkdir(exist_ok=True)
    (repository.root / ".git/modules/lib/info/attributes").write_text("*.py filter=evil\n")
    (inner / "begin.py").write_text("begin = 9\n")
    assert [(change.path, change.submodule) for change in read_git(repository.root).changes] == [(b"lib", True)]
    (inner / "begin.py").write_text("begin = 1\n")
    assert read_git(repository.root).changes == ()
    assert not log.exists()


def test_a_missing_object_is_not_fetched(repository: Repository, tmp_path: Path) -> None:
    log = tmp_path / "ran.log"
    repository.write("lineage.checkpoint", "x\n")
    repository.commit()
    _make_hostile(repository, log)
    for name, value in {
        "extensions.partialClone": "origin",
        "remote.origin.url": "ssh://example.invalid/x",
        "remote.origin.promisor": "true",
        "core.repositoryFormatVersion": "1",
        "protocol.ssh.allow": "always",
    }.items():
        repository.git("config", name, value)
    blob = repository.git("rev-parse", "HEAD:lineage.checkpoint")
    (repository.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    log.unlink(missing_ok=True)
    assert committed_anchor(repository.root) is None
    assert earlier_anchors(repository.root) == ()
    assert not log.exists(), log.read_text()


def test_another_work_tree_is_a_gap(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "notes.txt").write_text("private\n")
    repository.git("config", "core.worktree", str(tmp_path / "home"))
    state = read_git(repository.root)
    assert state.changes == ()
    assert state.gaps == ("code.revision: the repository's own configuration names another folder as its work tree",)


def test_a_file_of_git_lfs_is_compared_by_digest(repository: Repository, tmp_path: Path) -> None:
    large = b"rows\n" * 1000
    pointer = _POINTER.format(hashlib.sha256(large).hexdigest(), len(large))
    repository.write("large.bin", pointer)
    repository.write("other.bin", pointer)
    repository.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    repository.commit()
    repository.git("config", "filter.lfs.clean", f"touch {tmp_path / 'ran'}; cat")  # as `git lfs install --local` does
    repository.git("config", "filter.lfs.required", "true")
    repository.write("large.bin", large)
    repository.write("other.bin", b"other" + large[5:])
    state = read_git(repository.root)
    assert [change.path for change in state.changes] == [b"other.bin"]
    assert state.gaps == ()
    assert not (tmp_path / "ran").exists()


def test_commits_run_the_hooks_of_the_user(repository: Repository, tmp_path: Path) -> None:
    hook = repository.write(".git/hooks/pre-commit", f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    hook.chmod(0o755)
    change_git(repository.root, [*_ADA, "commit", "--quiet", "--allow-empty", "--message", "Empty"])
    assert (tmp_path / "ran").exists()
