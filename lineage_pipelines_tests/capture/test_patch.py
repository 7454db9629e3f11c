"""A patch brings back the very same files, whatever was done to the tree; and it never holds a secret."""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.capture.gaps import Gaps
from lineage_pipelines.capture.git.git_state import GitState, read_git
from lineage_pipelines.capture.git.patch import MAX_CHANGED_BYTES, MAX_UNTRACKED_BYTES, file_at, unreached_files
from lineage_pipelines.capture.git.patch import make_patch as patch_of
from lineage_pipelines.records.statement.code import SourceFile
from lineage_pipelines_tests.capture.repository import Repository

Edit = Callable[[Repository], None]

_NAMES = ["a", "b.py", "dir", "dir/a", "dir/b/c.py", "é ü.py", 'quo"te\\', "new\nline", "tab\t.txt", "-dash", "日本/x"]
_CONTENTS = [
    b"",
    b"one\n",
    b"one\ntwo\nthree\n",
    b"no final line end",
    b"dos\r\nlines\r\n",
    b"cr\rlines\r",
    b"\0\1\2binary\xff" * 40,
    b"\xff\xfe not utf-8\n",
    b"".join(b"line %d\n" % n for n in range(50)),
    b"".join(b"line %d\n" % n for n in range(50) if n != 25),
    b" \t trailing \n\n\n",
    b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
]


def _clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _make_room(root: Path, path: Path) -> None:
    for folder in reversed(path.relative_to(root).parents[:-1]):
        if not (root / folder).is_dir() or (root / folder).is_symlink():
            _clear(root / folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear(path)


def _write(name: str, content: bytes) -> Edit:
    def edit(repository: Repository) -> None:
        _make_room(repository.root, repository.root / name)
        repository.write(name, content)

    return edit


def _remove(name: str) -> Edit:
    return lambda repository: _clear(repository.root / name) if os.path.lexists(repository.root / name) else None


def _rename(old: str, new: str) -> Edit:
    def edit(repository: Repository) -> None:
        source, target = repository.root / old, repository.root / new
        if source.is_file() and old not in new and new not in old:
            content = source.read_bytes()
            source.unlink()
            _make_room(repository.root, target)
            target.write_bytes(content)

    return edit


def _mode(name: str) -> Edit:
    def edit(repository: Repository) -> None:
        path = repository.root / name
        if path.is_file() and not path.is_symlink():
            path.chmod(path.stat().st_mode ^ 0o111)

    return edit


def _link(name: str, target: str) -> Edit:
    def edit(repository: Repository) -> None:
        _make_room(repository.root, repository.root / name)
        (repository.root / name).symlink_to(target)

    return edit


def _stage(*options: str) -> Edit:
    def edit(repository: Repository) -> None:
        repository.git("add", *options)

    return edit


_names = st.sampled_from(_NAMES)
_edits = st.one_of(
    st.builds(_write, _names, st.sampled_from(_CONTENTS)),
    st.builds(_write, _names, st.binary(max_size=40)),
    st.builds(_remove, _names),
    st.builds(_rename, _names, _names),
    st.builds(_mode, _names),
    st.builds(_link, _names, st.sampled_from(["a", "dir", "nowhere", "../outside"])),
    st.sampled_from([_stage("-A"), _stage("-u"), _stage("-N", ".")]),
)


def _tree(root: Path) -> dict[str, tuple[str, bytes | str]]:
    """Every file by path: kind and content. Empty folders are nothing to Git."""
    found: dict[str, tuple[str, bytes | str]] = {}
    for folder, folders, files in os.walk(root):
        if ".git" in folders:
            folders.remove(".git")
        for name in [*files, *folders]:
            path = Path(folder) / name
            if path.is_symlink():
                found[str(path.relative_to(root))] = ("link", str(path.readlink()))
            elif path.is_file():
                executable = bool(path.stat().st_mode & stat.S_IXUSR)
                found[str(path.relative_to(root))] = ("executable" if executable else "file", path.read_bytes())
    return found


def _apply(repository: Repository, patch: bytes | None, into: Path) -> Path:
    """A fresh checkout of the recorded revision with the patch on it."""
    repository.git("clone", "-q", "--no-local", str(repository.root), str(into))
    if patch:
        subprocess.run(["git", "apply"], cwd=into, input=patch, check=True, capture_output=True)
    return into


def make_patch(state: GitState) -> tuple[bytes | None, Gaps]:
    """Make a patch of a work tree, all of whose untracked files belong to the code."""
    return patch_of(state, reached=[os.fsdecode(change.path) for change in state.changes if not change.tracked])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    repository = Repository(tmp_path_factory.mktemp("template") / "project")
    for name, content in zip(["a", "dir/a", "dir/b/c.py", "é ü.py"], _CONTENTS[1:9:2], strict=False):
        repository.write(name, content)
    repository.write("dir/long.txt", _CONTENTS[8])
    repository.commit()
    return repository


@given(edits=st.lists(_edits, min_size=1, max_size=7))
def test_a_patch_brings_back_the_very_same_files(template: Repository, edits: list[Edit]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repository = _copy(template, Path(folder) / "project")
        for edit in edits:
            edit(repository)
        status = repository.git("status", "--porcelain", "-z")
        state = read_git(repository.root)
        patch, gaps = make_patch(state)
        assert gaps == ()
        assert _tree(_apply(repository, patch, Path(folder) / "again")) == _tree(repository.root)
        assert repository.git("status", "--porcelain", "-z") == status
        _configure_oddly(repository)
        assert make_patch(read_git(repository.root)) == (patch, ())


def _copy(template: Repository, root: Path) -> Repository:
    shutil.copytree(template.root, root, symlinks=True)
    repository = object.__new__(Repository)
    repository.root = root
    return repository


def _configure_oddly(repository: Repository) -> None:
    config = """
[diff]
    noprefix = true
    mnemonicPrefix = true
    algorithm = histogram
    context = 9
    interHunkContext = 5
    renames = copies
    external = false
    suppressBlankEmpty = true
    indentHeuristic = false
    orderFile = begin.py
    relative = true
[color]
    ui = always
    diff = always
[core]
    quotePath = false
    pager = false
    whitespace = cr-at-eol
[status]
    showUntrackedFiles = no
    short = true
    branch = false
"""
    with (repository.root / ".git" / "config").open("a") as file:
        file.write(config)


def test_a_clean_tree_has_no_patch(repository: Repository) -> None:
    assert make_patch(read_git(repository.root)) == (None, ())


def test_making_a_patch_changes_nothing_in_the_repository(repository: Repository) -> None:
    repository.write("new.py", "x\n")
    repository.write("begin.py", "begin = 2\n")
    before = sorted((repository.root / ".git").rglob("*"))
    index = (repository.root / ".git" / "index").read_bytes()
    assert make_patch(read_git(repository.root))[0]
    assert sorted((repository.root / ".git").rglob("*")) == before
    assert (repository.root / ".git" / "index").read_bytes() == index


@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_without_a_commit_the_patch_is_everything(tmp_path: Path, kind: str) -> None:
    repository = Repository(tmp_path / "project", begin=False)
    shutil.rmtree(repository.root / ".git")
    repository.git("init", "-q", f"--object-format={kind}")
    repository.write("a.py", "a\n")
    repository.write("b/c.py", "c\n")
    repository.git("add", "a.py")
    patch, gaps = make_patch(read_git(repository.root))
    assert gaps == ()
    (tmp_path / "again").mkdir()
    subprocess.run(["git", "apply"], cwd=tmp_path / "again", input=patch, check=True)
    assert _tree(tmp_path / "again") == _tree(repository.root)


def test_a_sha256_repository(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "project", begin=False)
    shutil.rmtree(repository.root / ".git")
    repository.git("init", "-q", "--object-format=sha256")
    repository.write("a.py", "a\n")
    repository.commit()
    (repository.root / "a.py").unlink()
    patch, gaps = make_patch(read_git(repository.root))
    assert (b"deleted file" in (patch or b""), gaps) == (True, ())


def test_an_unresolved_merge(repository: Repository, tmp_path: Path) -> None:
    repository.git("checkout", "-q", "-b", "side")
    repository.write("begin.py", "begin = 'side'\n")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("begin.py", "begin = 'main'\n")
    repository.commit()
    with pytest.raises(subprocess.CalledProcessError):
        repository.git("merge", "side")
    assert b"<<<<<<<" in (repository.root / "begin.py").read_bytes()
    patch, gaps = make_patch(read_git(repository.root))
    assert gaps == ()
    assert _tree(_apply(repository, patch, tmp_path / "again")) == _tree(repository.root)


def test_in_a_worktree_and_under_a_name_with_quotes(repository: Repository, tmp_path: Path) -> None:
    side = tmp_path / 'si"de\\é'
    repository.git("worktree", "add", "-q", "-b", "side", str(side))
    (side / "begin.py").write_text("begin = 2\n")
    patch, gaps = make_patch(read_git(side))
    assert gaps == ()
    assert patch
    assert b"+begin = 2\n" in patch
    moved = _copy(repository, tmp_path / 'mo"ved\\é')
    moved.write("begin.py", "begin = 2\n")
    assert make_patch(read_git(moved.root)) == (patch, ())


def test_an_edit_in_the_second_of_the_commit_is_in_the_patch(repository: Repository) -> None:
    at = (1_700_000_000, 1_700_000_000)
    repository.git("config", "core.trustctime", "false")
    os.utime(repository.write("a.py", "value = 1\n"), at)
    repository.commit()
    os.utime(repository.root / ".git" / "index", at)
    os.utime(repository.write("a.py", "value = 2\n"), at)
    patch, gaps = make_patch(read_git(repository.root))
    assert gaps == ()
    assert patch is not None
    assert b"+value = 2\n" in patch


def test_large_untracked_data_is_left_out_by_name(repository: Repository) -> None:
    repository.write("data/big.bin", b"x" * (MAX_UNTRACKED_BYTES + 1))
    repository.write("data/fits.bin", b"x" * MAX_UNTRACKED_BYTES)
    patch, gaps = make_patch(read_git(repository.root))
    assert gaps == ("code.patch: data/big.bin left out, an untracked file of more than 1 MB",)
    assert patch
    assert b"fits.bin" in patch
    assert b"big.bin" not in patch


def test_the_whole_patch_is_bounded(repository: Repository) -> None:
    repository.write("zz_tracked.bin", b"small")
    repository.commit()
    for number in range(MAX_CHANGED_BYTES // MAX_UNTRACKED_BYTES + 2):
        repository.write(f"part{number:02}", b"x" * MAX_UNTRACKED_BYTES)
    repository.write("zz_tracked.bin", b"y" * 1000)
    repository.git("add", "zz_tracked.bin")
    patch, gaps = make_patch(read_git(repository.root))
    assert gaps == ("code.patch: part16, part17, zz_tracked.bin left out, more than 16 MB of changes in all",)
    assert patch
    assert b"zz_tracked.bin" not in patch
    assert b"part15" in patch


def test_nothing_but_large_data(repository: Repository) -> None:
    repository.write("big.bin", b"x" * (MAX_UNTRACKED_BYTES + 1))
    patch, gaps = make_patch(read_git(repository.root))
    assert patch is None
    assert len(gaps) == 1


def test_submodules_and_nested_repositories_are_named(repository: Repository, tmp_path: Path) -> None:
    library = Repository(tmp_path / "library")
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.root), "lib")
    repository.commit()
    (repository.root / "lib" / "begin.py").write_text("changed\n")
    Repository(repository.root / "nested")
    repository.write("new.py", "x\n")
    patch, gaps = make_patch(read_git(repository.root))
    assert gaps == (
        "code.patch: lib left out, a submodule that differs from the revision",
        "code.patch: nested/ left out, a Git repository of its own",
    )
    assert patch
    assert patch.count(b"diff --git") == 1


def test_a_file_name_that_is_not_utf_8(repository: Repository, tmp_path: Path) -> None:
    (repository.root / os.fsdecode(b"caf\xe9.py")).write_text("x\n")
    (repository.root / os.fsdecode(b"big\xe9.bin")).write_bytes(b"x" * (MAX_UNTRACKED_BYTES + 1))
    patch, gaps = make_patch(read_git(repository.root))
    assert gaps == ("code.patch: big\\xe9.bin left out, an untracked file of more than 1 MB",)
    (repository.root / os.fsdecode(b"big\xe9.bin")).unlink()
    assert _tree(_apply(repository, patch, tmp_path / "again")) == _tree(repository.root)


def test_what_is_no_file_and_what_cannot_be_read(repository: Repository) -> None:
    (repository.root / "begin.py").unlink()
    os.mkfifo(repository.root / "begin.py")
    locked = repository.write("locked.py", "x\n")
    locked.chmod(0)
    patch, gaps = make_patch(read_git(repository.root))
    assert "code.patch: begin.py left out, not a regular file" in gaps
    if os.geteuid() != 0:
        assert "code.patch: locked.py left out, not readable" in gaps
        assert patch is None


_TOKEN = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"


def test_a_secret_is_masked_line_by_line(repository: Repository, tmp_path: Path) -> None:
    repository.write("a.py", "x = 1\n")
    repository.write("dir/sé.py", f"one = 1\ntwo = 2\nTOKEN = '{_TOKEN}'\nURL = 'https://u:{_TOKEN}@h'\n")
    patch, gaps = make_patch(read_git(repository.root))
    assert gaps == ("code.patch: masked, it holds what looks like a secret at dir/sé.py:3, dir/sé.py:4",)
    tree = _tree(_apply(repository, patch, tmp_path / "again"))
    text = (tmp_path / "again" / "dir" / "sé.py").read_text()
    assert text == "one = 1\ntwo = 2\nTOKEN = '<masked>'\nURL = '<masked>'\n"
    assert "a.py" in {os.fsdecode(os.fsencode(str(name))) for name in tree}


def test_a_secret_that_was_just_removed_is_masked_too(repository: Repository) -> None:
    lines = [f"line {n}" for n in range(30)]
    repository.write("x.py", "\n".join([*lines[:20], _TOKEN, *lines[20:]]) + "\n")
    repository.commit()
    repository.write("x.py", "\n".join(["first", *lines]) + "\n")
    patch, gaps = make_patch(read_git(repository.root))
    assert gaps == ("code.patch: masked, it holds what looks like a secret at x.py:21",)
    assert patch is not None
    assert _TOKEN.encode() not in patch
    assert b"+first\n" in patch


def test_a_private_key_takes_its_file_out_of_the_patch(repository: Repository) -> None:
    repository.write("begin.py", "-----BEGIN PRIVATE KEY-----\nMIIEcanary\n-----END PRIVATE KEY-----\n")
    repository.write("new.py", "x\n")
    patch, gaps = make_patch(read_git(repository.root))
    assert gaps == ("code.patch: masked, it holds what looks like a secret at begin.py",)
    assert patch is not None
    assert patch.count(b"diff --git") == 1
    assert b"canary" not in patch


SECRETS = {
    "a.py": 'PASSWORD = "canary"\nAPI_KEY="canary"\nconnect(user="u", password=\'canary\')\npwd: str = "canary"\n',
    "conf.yaml": "db:\n  password: canary\n  api_key: 'canary'\n",
    "settings.ini": "[db]\napi_key=canary\nsecret = canary\n",
    "state.tf": '{"db_password": "canary", "config": {"auth_token": "canary"}}\n',
    "explore.ipynb": '{"source": ["password = \\"canary\\""]}\n',
    "env.sh": "export DB_PASSWORD=canary\n",
}
HARMLESS = {
    "a.py": 'password = os.environ["DB_PASSWORD"]\npassword_file = "a.txt"\nmax_tokens = 5\ntoken_pattern = "x"\n'
    "password=None\n",
    "conf.yaml": "password: ${DB_PASSWORD}\npad_token: x\nsort_key: a\npassword:\n",
}


def test_values_of_names_of_secrets_are_masked(repository: Repository) -> None:
    for path, text in SECRETS.items():
        repository.write(path, text)
    patch, gaps = make_patch(read_git(repository.root))
    assert patch is not None
    assert b"canary" not in patch
    assert patch.count(b"<masked>") == "".join(SECRETS.values()).count("canary")
    assert len(gaps) == 1
    for path, text in HARMLESS.items():
        repository.write(path, text)
    for path in SECRETS.keys() - HARMLESS.keys():
        (repository.root / path).unlink()
    patch, gaps = make_patch(read_git(repository.root))
    assert gaps == ()
    assert b"<masked>" not in (patch or b"")


def test_untracked_files_that_training_does_not_reach_are_named_by_digest(repository: Repository) -> None:
    repository.write("begin.py", "begin = 2\n")
    repository.write("customers.csv", "name,ssn\nann,canary\n")
    repository.write(".env", "PW=canary\n")
    repository.write("used.py", "x\n")
    state = read_git(repository.root)
    patch, gaps = patch_of(state, reached=["used.py"])
    assert patch is not None
    assert b"canary" not in patch
    assert patch.count(b"diff --git") == 2
    assert "code.patch: customers.csv left out, untracked, and not reached from the training function" in gaps
    assert patch_of(state)[0] != patch
    (named,) = unreached_files(state, ["used.py"])
    assert named == SourceFile(path="customers.csv", sha256=hashlib.sha256(b"name,ssn\nann,canary\n").hexdigest())


def test_files_that_hold_secrets_by_name_are_left_out(repository: Repository) -> None:
    repository.write("conf/credentials.json", "{}\n")
    repository.commit()
    repository.write(".env", "DB=postgresql\n")
    repository.write("conf/credentials.json", "{'a': 1}\n")
    repository.git("add", "-A")
    repository.write("new.py", "x\n")
    patch, gaps = make_patch(read_git(repository.root))
    assert gaps == ("code.patch: .env, conf/credentials.json left out, by its name it holds secrets",)
    assert patch
    assert patch.count(b"diff --git") == 1


def test_files_of_a_patch() -> None:
    patch = (
        b"diff --git a/x y.py b/x y.py\nindex 1..2 100644\n--- a/x y.py\n+++ b/x y.py\n"
        b"@@ -5,3 +5,4 @@ def f():\n diff --git a/z.py b/z.py\n-old\n+newer\n\\ No newline at end of file\n"
        b'diff --git "a/\\303\\251.py" "b/\\303\\251.py"\nnew file mode 100644\n--- /dev/null\n'
        b'+++ "b/\\303\\251.py"\n@@ -0,0 +1 @@\n+only\n'
    )
    expected = {
        b"diff": "x y.py",
        b"-old": "x y.py",
        b"No newline": "x y.py",
        b"new file": "é.py",
        b"only": "é.py",
    }
    assert {word: file_at(patch, patch.index(word)) for word in expected} == expected
