import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.queries.diff.changes import FileChange, Kind
from lineage_pipelines.queries.diff.code.code import compare_code
from lineage_pipelines.queries.diff.code.commits import MAX_COMMITS, commits_between
from lineage_pipelines.queries.diff.code.source_diff import diff_texts, same_code
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines_tests.queries.diff.stored import Store, pairs, swapped, with_sources
from lineage_pipelines_tests.samples import make_record
from lineage_pipelines_tests.world import World

BASE = make_record()


@pytest.fixture
def store() -> Store:
    return Store()


def one(first: LineageRecord, second: LineageRecord, store: Store) -> FileChange:
    (change,) = compare_code(first, second, store).files
    return change


def test_a_changed_file_has_its_diff(store: Store) -> None:
    first = with_sources(BASE, store, {"a.py": "x = 1\ny = 2\n", "b.py": "same\n"})
    second = with_sources(BASE, store, {"a.py": "x = 1\ny = 3\nz = 4\n", "b.py": "same\n"})
    change = compare_code(first, second, store)
    assert (change.identical, change.unchanged, change.same, change.weaker) == (False, 1, ("b.py",), "")
    assert change.files == (
        FileChange(
            path="a.py",
            kind=Kind.CHANGED,
            patch="--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,3 @@\n x = 1\n-y = 2\n+y = 3\n+z = 4\n",
            lines=(2, 1),
        ),
    )


def test_files_come_and_go_with_their_content(store: Store) -> None:
    first = with_sources(BASE, store, {"a.py": "a = 1\n"})
    second = with_sources(BASE, store, {"b.py": "b = 1\nb = 2\n"})
    gone, new = compare_code(first, second, store).files
    assert (gone.kind, gone.lines, gone.patch.splitlines()[1]) == (Kind.REMOVED, (0, 1), "+++ /dev/null")
    assert (new.kind, new.lines, new.patch.splitlines()[0]) == (Kind.ADDED, (2, 0), "--- /dev/null")


@pytest.mark.parametrize(
    ("before", "after", "layout"),
    [
        ("x = 1  # one\n", "x = (\n    1\n)\n", True),
        ("x = 1\n", "x = 1\r\n", True),
        ("x = 1\n", "x = 1.0\n", False),
        ('def f():\n    """Old."""\n', 'def f():\n    """New."""\n', False),
        ("x = 1 # a\n", "x = = 1\n", False),
    ],
)
def test_comments_and_layout_are_told_apart_from_code(store: Store, before: str, after: str, layout: bool) -> None:
    first, second = (with_sources(BASE, store, {"a.py": text}) for text in (before, after))
    assert one(first, second, store).only_layout is layout


def test_a_long_diff_is_cut_and_says_so(store: Store) -> None:
    first = with_sources(BASE, store, {"q.sql": "".join(f"a{n}\n" for n in range(3000))})
    second = with_sources(BASE, store, {"q.sql": "".join(f"b{n}\n" for n in range(3000)) + "x" * 9000})
    change = one(first, second, store)
    assert change.lines == (3001, 3000)
    assert len(change.patch.splitlines()) == 2 + 400 + 1
    assert change.patch.splitlines()[-1] == "… 5,603 more lines are not shown"
    assert max(map(len, change.patch.splitlines())) < 600


def test_what_is_no_text_is_not_shown(store: Store) -> None:
    first, second = (with_sources(BASE, store, {"m.bin": data}) for data in (b"\0a", b"\0b"))
    assert one(first, second, store).patch == "m.bin is no text"
    assert "\\xe9" in diff_texts("a", b"", b"caf\xe9\n").patch


def test_a_source_that_nobody_has_any_more_is_named_and_nothing_is_invented(store: Store, tmp_path: Path) -> None:
    first, second = (with_sources(BASE, store, {"a.py": text}) for text in ("x = 1\n", "x = 2\n"))
    change = compare_code(first, second, Store(), tmp_path)
    assert change.files == (FileChange(path="a.py", kind=Kind.CHANGED),)
    assert change.weaker == "the source of a.py is kept neither in the store nor in Git, so that it cannot be shown"


def test_a_lost_source_comes_from_git_where_it_is_the_very_same(store: Store, world: World) -> None:
    world.write("a.py", "x = 1\n")
    old = world.commit()
    world.write("a.py", "x = 2\n")
    new = world.commit("Say two")
    first = with_sources(BASE, store, {"a.py": "x = 1\n"}, revision=old)
    second = with_sources(BASE, store, {"a.py": "x = 2\n"}, revision=new)
    assert compare_code(first, second, Store(), world.root).files == compare_code(first, second, store).files
    dirty = with_sources(BASE, store, {"a.py": "x = 3  # not committed\n"}, revision=new)
    change = compare_code(first, dirty, Store(), world.root)
    assert (change.files[0].patch, "a.py" in change.weaker) == ("", True)


def test_a_version_without_sources_says_so(store: Store) -> None:
    first = replace(BASE, code=replace(BASE.code, source=None))
    change = compare_code(first, with_sources(BASE, store, {"a.py": ""}), store)
    assert (change.files, change.weaker) == ((), "no source files are recorded with the first version")


def test_commits_between_and_which_of_them_were_left(world: World) -> None:
    base = world.git("rev-parse", "HEAD")
    left = world.commit("One way")
    assert commits_between(world.root, base, left) == ((f"{left[:12]} Ada: One way",), 1)
    assert commits_between(world.root, left, base) == ((f"- {left[:12]} Ada: One way",), 1)
    world.git("checkout", "-q", base)
    right = world.commit("The other: – \x1b[31m")
    lines, count = commits_between(world.root, left, right)
    assert (set(lines), count) == ({f"- {left[:12]} Ada: One way", f"{right[:12]} Ada: The other: – \x1b[31m"}, 2)
    last = [world.commit("Again") for _ in range(MAX_COMMITS + 5)][-1]
    lines, count = commits_between(world.root, right, last)
    assert (len(lines), count) == (MAX_COMMITS, MAX_COMMITS + 5)


@pytest.mark.parametrize("revision", ["0" * 40, "--output=x", "HEAD", "main", None, ""])
def test_a_revision_that_git_does_not_have_gives_no_commits(world: World, revision: str | None) -> None:
    assert commits_between(world.root, world.git("rev-parse", "HEAD"), revision) == ((), 0)


def test_git_is_asked_only_where_revisions_differ(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # there is no Git on it, and it could not be run
    first, second = (with_sources(BASE, store, {"a.py": text}) for text in ("x = 1\n", "x = 2\n"))
    assert compare_code(first, second, store, tmp_path).commits == ()
    assert compare_code(first, replace(second, code=replace(second.code, revision="0" * 40)), store).commits == ()


lines = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "", "d\r\n", "e"]), max_size=14).map("".join)


@given(lines, lines)
def test_git_applies_the_diff_and_it_turns_round(tmp_path_factory: pytest.TempPathFactory, old: str, new: str) -> None:
    diff, back = diff_texts("f", old.encode(), new.encode()), diff_texts("f", new.encode(), old.encode())
    assert (back.added, back.removed) == (diff.removed, diff.added)
    assert (diff.patch == "") == (old == new)
    if diff.patch:
        folder = tmp_path_factory.mktemp("applied")
        (folder / "f").write_bytes(old.encode())
        command = ["git", "apply", "--unidiff-zero", "-"]
        subprocess.run(command, cwd=folder, input=diff.patch.encode(), check=True, capture_output=True)
        assert (folder / "f").read_bytes() == new.encode()


def test_large_files_that_share_nothing_take_no_time() -> None:
    left, right = ("".join(f"{mark}{n % 7}\n" for n in range(60_000)).encode() for mark in "ab")
    assert (diff_texts("f", left, right).added, same_code(left, right)) == (60_000, False)


@given(pairs)
def test_laws(two: tuple[LineageRecord, LineageRecord]) -> None:
    first, second = two
    same = compare_code(first, first, Store())
    assert (same.identical, same.files, same.commits) == (True, (), ())
    there, back = compare_code(first, second, Store()), compare_code(second, first, Store())
    assert (back.revision, back.dirty, back.same) == (swapped(there.revision), swapped(there.dirty), there.same)
    other = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED}
    assert back.files == tuple(replace(f, kind=other.get(f.kind, f.kind), lines=swapped(f.lines)) for f in there.files)
    for record, missing in ((first, Kind.ADDED), (second, Kind.REMOVED)):
        if first.code.source and second.code.source and record.code.source:
            counted = there.unchanged + sum(file.kind is not missing for file in there.files)
            assert counted == len(record.code.source.files)
