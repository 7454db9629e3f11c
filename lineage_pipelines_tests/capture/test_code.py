"""Code is captured in any state of the repository, and the blobs are what the record names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lineage_pipelines.capture.code import capture_code
from lineage_pipelines.records.statement.code import CodeVersion
from lineage_pipelines.records.values.codec import from_json, to_json
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.capture.repository import Repository
from lineage_pipelines_tests.capture.source_project import SourceProject
from lineage_pipelines_tests.world import World

_TRAIN = "from pkg import a\n\ndef train():\n    return 1\n"
_FILES = {"pkg/__init__.py": "", "pkg/train.py": _TRAIN, "pkg/a.py": "value = 1\n"}
_PATHS = ["pkg/__init__.py", "pkg/a.py", "pkg/train.py"]


def _capture(root: Path, at: str = "") -> tuple[CodeVersion, dict[Digest, bytes], tuple[str, ...]]:
    with SourceProject(root, {}).loaded("pkg.train", at=at) as train:
        code, blobs, gaps = capture_code(train, project_dir=root / at)
    assert from_json(CodeVersion, to_json(code)) == code
    files = code.source.files if code.source else ()
    named = {each.sha256 for each in files} | {each.masked.hex for each in files if each.masked}
    named |= {code.patch.hex} if code.patch else set()
    assert {digest.hex for digest in blobs} <= named
    assert all(Digest.of(data) == digest for digest, data in blobs.items())
    return code, dict(blobs), gaps


def test_a_clean_commit(repository: Repository) -> None:
    SourceProject(repository.root, _FILES)
    revision = repository.commit()
    code, blobs, gaps = _capture(repository.root)
    assert (code.repository, code.revision, code.branch) == ("project", revision, "main")
    assert (code.dirty, code.patch, code.shallow, gaps) == (False, None, False, ())
    assert code.source is not None
    assert [file.path for file in code.source.files] == _PATHS
    assert len(blobs) == 3


def test_a_dirty_tree_has_a_patch(repository: Repository) -> None:
    SourceProject(repository.root, _FILES)
    repository.commit()
    repository.write("pkg/a.py", "value = 2\n")
    repository.write("new.py", "")
    code, blobs, gaps = _capture(repository.root)
    assert code.dirty
    assert code.patch is not None
    assert b"+value = 2\n" in blobs[code.patch]
    assert b"new.py" not in blobs[code.patch]  # training does not reach it
    assert [file.path for file in code.untracked] == ["new.py"]
    assert gaps == ("code.patch: new.py left out, untracked, and not reached from the training function",)


def test_paths_are_relative_to_the_git_root(repository: Repository) -> None:
    SourceProject(repository.root / "services" / "ml", _FILES)
    repository.commit()
    code, _, _ = _capture(repository.root, at="services/ml")
    assert code.source is not None
    assert [file.path for file in code.source.files] == [f"services/ml/{path}" for path in _PATHS]


def test_the_same_code_in_another_checkout_is_the_same_source(repository: Repository, tmp_path: Path) -> None:
    SourceProject(repository.root, _FILES)
    repository.commit()
    repository.git("clone", "-q", str(repository.root), str(tmp_path / "again"))
    assert _capture(tmp_path / "again")[0].source == _capture(repository.root)[0].source


def _no_git(root: Path) -> Path:
    return root


def _no_commits(root: Path) -> Path:
    Repository(root, begin=False)
    return root


def _detached(root: Path) -> Path:
    Repository(root).git("checkout", "-q", "--detach")
    return root


def _shallow(root: Path) -> Path:
    origin = Repository(root.parent / "origin")
    origin.commit()
    origin.git("clone", "-q", "--depth", "1", f"file://{origin.root}", str(root))
    return root


@pytest.mark.parametrize(
    ("make", "gaps"),
    [
        (_no_git, ("code.revision: no Git repository",)),
        (_no_commits, ("code.revision: the repository has no commits yet",)),
        (_detached, ("code.branch: HEAD is detached",)),
        (_shallow, ("code.history: the clone is shallow",)),
    ],
)
def test_it_works_and_says_so(tmp_path: Path, make: Callable[[Path], Path], gaps: tuple[str, ...]) -> None:
    root = make(tmp_path / "odd")
    SourceProject(root, _FILES)
    code, _, said = _capture(root)
    assert said == gaps
    assert code.source is not None
    assert [file.path for file in code.source.files] == _PATHS
    assert code.dirty == (make is not _no_git)
    assert code.shallow == (make is _shallow)


def test_a_secret_is_masked_in_the_patch(repository: Repository) -> None:
    SourceProject(repository.root, _FILES)
    repository.commit()
    repository.write("conf.ini", "url = postgresql://ada:" + "hunter2@db/x\n")
    repository.git("add", "-A")
    code, blobs, gaps = _capture(repository.root)
    assert code.dirty
    assert code.patch is not None
    assert b"+url = <masked>" in blobs[code.patch]
    assert gaps == ("code.patch: masked, it holds what looks like a secret at conf.ini:1",)
    assert not any(b"hunter2" in data for data in blobs.values())


def test_a_fresh_clone_and_the_patch_are_the_very_same_files(repository: Repository, tmp_path: Path) -> None:
    SourceProject(repository.root, _FILES | {"old.py": "old = 1\n"})
    repository.commit()
    repository.write("pkg/a.py", "value = 2\n")
    repository.write("new/data.bin", bytes(range(256)))
    repository.git("add", "new/data.bin")
    (repository.root / "old.py").unlink()
    code, blobs, _ = _capture(repository.root)
    assert code.revision is not None
    assert code.patch is not None
    repository.git("clone", "-q", str(repository.root), str(tmp_path / "again"))
    (tmp_path / "patch").write_bytes(blobs[code.patch])
    for command in (["checkout", "-q", code.revision], ["apply", str(tmp_path / "patch")]):
        repository.git("-C", str(tmp_path / "again"), *command)
    assert _files(tmp_path / "again") == _files(repository.root)
    assert {"new/data.bin", "pkg/a.py"} < _files(tmp_path / "again").keys()


def _files(root: Path) -> dict[str, bytes]:
    found = {path.relative_to(root): path for path in root.rglob("*") if path.is_file()}
    inner = {name: path for name, path in found.items() if not {".git", "__pycache__"} & set(name.parts)}
    return {name.as_posix(): path.read_bytes() for name, path in inner.items()}


def test_the_address_of_the_repository_has_no_credentials(repository: Repository) -> None:
    SourceProject(repository.root, _FILES)
    repository.commit()
    repository.git("remote", "add", "origin", "https://ada:" + "hunter2@example.org/team/x.git?key=hunter2")
    code, blobs, gaps = _capture(repository.root)
    assert (code.repository, gaps) == ("https://example.org/team/x.git", ())
    assert "hunter2" not in repr((code, blobs))


def test_a_committed_secret_is_masked_and_named(repository: Repository) -> None:
    token = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"
    SourceProject(repository.root, _FILES | {"pkg/a.py": f"value = 1\ntoken = '{token}'\n"})
    repository.commit()
    code, blobs, gaps = _capture(repository.root)
    assert gaps == ("code.source: pkg/a.py masked, it holds what looks like a secret at pkg/a.py:2",)
    assert code.source is not None
    assert [file.path for file in code.source.files] == _PATHS
    assert b"value = 1\ntoken = '<masked>'\n" in blobs.values()
    assert token not in repr((code, blobs, gaps))


def test_what_stages_generate_is_not_code(repository: Repository, tmp_path: Path) -> None:
    SourceProject(repository.root, _FILES | {"dvc.lock": "1\n", "plots/a.json": "{}\n"})
    repository.commit()
    repository.write("dvc.lock", "2\n")
    repository.write("plots/a.json", "{'x': 1}\n")
    repository.git("add", "-A")  # staged, which is in the index that the patch begins with
    repository.write("plots/b.json", "{}\n")
    (tmp_path / "link").symlink_to(repository.root)
    generated = [tmp_path / "link" / "dvc.lock", repository.root / "plots", repository.root / "never.json"]
    with SourceProject(repository.root, {}).loaded("pkg.train") as train:
        code, _, gaps = capture_code(train, project_dir=repository.root, generated=generated)
        assert (code.dirty, code.patch, gaps) == (False, None, ())
        repository.write("plots.py", "x = 1\n")
        repository.git("add", "plots.py")
        code, blobs, gaps = capture_code(train, project_dir=repository.root, generated=generated)
    assert (code.dirty, gaps) == (True, ())
    assert code.patch is not None
    assert blobs[code.patch].count(b"diff --git") == 1


def test_bytecode_is_not_in_the_patch(repository: Repository) -> None:
    SourceProject(repository.root, _FILES | {"pkg/__pycache__/old.pyc": "1\n"})
    repository.commit()
    repository.write("pkg/__pycache__/old.pyc", "2\n")
    repository.write("pkg/__pycache__/new.pyc", "\0")
    repository.write(".pytest_cache/README.md", "cache\n")
    repository.git("add", "-A")  # staged, which is in the index that the patch begins with
    code, _, gaps = _capture(repository.root)
    assert (code.dirty, code.patch, gaps) == (False, None, ())
    repository.write("pkg/a.py", "value = 2\n")
    code, blobs, gaps = _capture(repository.root)
    assert (code.dirty, gaps) == (True, ())
    assert code.patch is not None
    assert blobs[code.patch].count(b"diff --git") == 1


def test_in_a_dvc_project_tracked_data_is_not_in_the_patch(world: World) -> None:
    SourceProject(world.root, _FILES)
    world.write("data/raw.csv", "a,b\n1,2\n")
    world.track("data/raw.csv")
    world.commit()
    world.append("data/raw.csv", "3,4\n")
    assert _capture(world.root)[0].dirty is False
    world.track("data/raw.csv")
    code, blobs, _ = _capture(world.root)
    assert code.patch is not None
    assert b"data/raw.csv.dvc" in blobs[code.patch]
    assert b"3,4" not in blobs[code.patch]
