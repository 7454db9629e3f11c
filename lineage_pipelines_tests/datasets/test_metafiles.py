import contextlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.datasets.metafiles.directory_listing import read_listing
from lineage_pipelines.datasets.metafiles.metafile_entries import ImportSource, plain
from lineage_pipelines.datasets.metafiles.metafile_reader import (
    lock_problems,
    parse_lock,
    parse_tracked,
    read_lock,
    read_tracked,
)
from lineage_pipelines.datasets.metafiles.yaml_reader import Document, read_yaml
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.values.content import Content
from lineage_pipelines_tests.world import World

MD5 = "0123456789abcdef0123456789abcdef"


def document(text: str, name: str = "dvc.lock") -> Document:
    return read_yaml(text.encode(), file=name)


LOCK = f"""\
schema: '2.0'
stages:
  clean@nyc:
    cmd:
    - python clean.py
    - python check.py
    deps:
    - path: data/raw
      hash: md5
      md5: {MD5}.dir
      size: 12
      nfiles: 2
    - path: https://example.invalid/x.csv
      etag: '"abc"'
      size: 3
    params:
      params.yaml:
        rate: 1e-3
        mode: yes
        limit: .inf
        when: 2013-06-30
    outs:
    - path: out.csv
      md5: {MD5.upper()}
"""


def test_a_lock_entry() -> None:
    entry = parse_lock(document(LOCK))["clean@nyc"]
    assert entry.address == "clean@nyc"
    assert entry.command == "python clean.py\npython check.py"
    raw, url = entry.deps
    assert raw.path == "data/raw"
    assert raw.content == Content(md5=f"{MD5}.dir", hash_name="md5", size=12, files=2, is_dir=True)
    assert (url.content.md5, url.content.hash_name, url.checksum) == (None, "etag", '"abc"')
    assert entry.params == {"params.yaml": {"rate": 0.001, "mode": "yes", "limit": ".inf", "when": "2013-06-30"}}
    (out,) = entry.outs
    assert (out.content.md5, out.content.hash_name, out.content.is_dir) == (MD5, "md5-dos2unix", False)


def test_the_digest_of_an_entry_is_of_its_content() -> None:
    entry = parse_lock(document(LOCK))["clean@nyc"]
    moved = parse_lock(document(LOCK.replace("  clean@nyc:", "  other:\n    cmd: x\n  # a comment\n  clean@nyc:")))
    changed = parse_lock(document(LOCK.replace("size: 12", "size: 13")))
    assert moved["clean@nyc"].digest == entry.digest != changed["clean@nyc"].digest


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("schema: '2.0'", "schema: '3.0'", 1, "schema: the schema of dvc.lock is '3.0'; this release reads '2.0'"),
        (f"md5: {MD5}.dir", f"md5: {MD5[:-1]}.dir", 10, "deps.0.md5: an MD5 has 32 hex characters, this has 31"),
        (f"md5: {MD5}.dir", f"md5: {MD5}00", 10, "deps.0.md5: an MD5 has 32 hex characters, this has 34"),
        (f"md5: {MD5}.dir", "md5: xyz", 10, "deps.0.md5: not an MD5: 'xyz'"),
        (f"md5: {MD5}.dir", "md5: [1]", 10, "deps.0.md5: not an MD5: '[1]'"),
        ("path: data/raw", "way: data/raw", 8, "deps.0: an entry without a path"),
        ("size: 12", "size: many", 11, "deps.0.size: expected a whole number, found 'many'"),
        ("nfiles: 2", "nfiles: -2", 12, "deps.0.nfiles: expected a whole number, found '-2'"),
        ("    cmd:\n    - python clean.py\n    - python check.py\n", "", 3, "the entry has no command"),
        ("    - path: out.csv\n", "      path: out.csv\n", 22, "outs: expected a list, found dict"),
        ("      params.yaml:\n", "      params.yaml: 3\n      x:\n", 17, "params.params.yaml: expected a mapping"),
    ],
)
def test_a_lock_that_dvc_does_not_write_is_refused(old: str, new: str, line: int, what: str) -> None:
    assert old in LOCK
    with pytest.raises(DatasetError) as caught:
        parse_lock(document(LOCK.replace(old, new)))
    assert what in caught.value.what
    assert caught.value.where == f"dvc.lock:{line}"
    assert caught.value.fix


def test_every_bad_entry_is_told() -> None:
    text = (
        f"schema: '2.0'\nstages:\n  a: {{cmd: 1}}\n  b: {{cmd: x}}\n  c: {{cmd: x, outs: [{{path: p, md5: {MD5}0}}]}}\n"
    )
    problems = [(error.line, error.what) for error in lock_problems(document(text))]
    assert [line for line, _ in problems] == [3, 5]
    assert "stages.c.outs.0.md5" in problems[1][1]


def test_the_lock_of_dvc_1_has_its_stages_at_the_top() -> None:
    entry = parse_lock(document(f"clean:\n  cmd: x\n  outs:\n  - path: a\n    md5: {MD5}\n"))["clean"]
    assert entry.outs[0].content.hash_name == "md5-dos2unix"


def test_what_dvc_writes_is_read(world: World) -> None:
    world.write("in.csv", "a,b\n1,2\n")
    world.write("many/x.txt", "x")
    world.write("many/sub/y.txt", "yy")
    world.track("in.csv", "many")
    world.write("dvc.yaml", "stages: {copy: {cmd: cp in.csv out.csv, deps: [in.csv, many], outs: [out.csv]}}\n")
    world.repro()
    file, many = read_tracked(world.path("in.csv.dvc")), read_tracked(world.path("many.dvc"))
    assert (file.imported, file.wdir, file.frozen) == (None, ".", False)
    assert (file.outs[0].content.hash_name, file.outs[0].content.size, file.outs[0].content.is_dir) == ("md5", 8, False)
    assert (many.outs[0].content.files, many.outs[0].content.size, many.outs[0].content.is_dir) == (2, 3, True)
    entry = read_lock(world.path("dvc.lock"))["copy"]
    assert [dep.content.md5 for dep in entry.deps] == [file.outs[0].content.md5, many.outs[0].content.md5]
    assert entry.outs[0].content.md5 == file.outs[0].content.md5
    listing = read_listing(world.cached(str(many.outs[0].content.md5)), str(many.outs[0].content.md5))
    assert [path for path, _ in listing] == ["sub/y.txt", "x.txt"]


IMPORT = f"""\
md5: {MD5}
frozen: true
deps:
- path: get-started/data.xml
  repo:
    url: https://example.invalid/registry
    rev_lock: 96fdd8f12c14fa58a1b7354f1c7adb50e4e8542e
outs:
- md5: {MD5}
  hash: md5
  size: 14
  path: data.xml
"""


def test_an_import_names_its_repository_and_commit() -> None:
    entry = parse_tracked(document(IMPORT, "data.xml.dvc"))
    assert entry.frozen
    assert entry.imported == entry.outs[0].imported
    assert entry.imported == ImportSource(
        kind="import",
        url="https://example.invalid/registry",
        path="get-started/data.xml",
        revision="96fdd8f12c14fa58a1b7354f1c7adb50e4e8542e",
    )


def test_an_import_of_a_url() -> None:
    text = f"deps: [{{etag: abc, size: 2, path: 'https://example.invalid/a'}}]\nouts: [{{md5: {MD5}, path: a}}]\n"
    entry = parse_tracked(document(text, "a.dvc"))
    assert entry.imported == ImportSource(kind="import-url", url="https://example.invalid/a", etag="abc")
    assert entry.deps[0].checksum == "abc"


def test_an_import_that_was_not_downloaded_has_no_md5() -> None:
    text = f"deps: [{{md5: {MD5}, size: 2, path: /elsewhere/a}}]\nouts: [{{hash: md5, path: a}}]\n"
    assert parse_tracked(document(text, "a.dvc")).outs[0].content.md5 is None


def test_several_outputs_a_folder_and_free_words() -> None:
    text = f"""\
wdir: ../data
desc: raw things
meta: {{owner: ada, 1: [2]}}
outs:
- {{path: a, md5: {MD5}}}
- {{path: b, md5: {MD5}.dir, nfiles: 2, files: [{{relpath: x, md5: {MD5}, cloud: {{s3: {{version_id: v}}}}}}]}}
"""
    entry = parse_tracked(document(text, "a.dvc"))
    assert (entry.wdir, entry.desc, entry.meta) == ("../data", "raw things", {"owner": "ada", "1": [2]})
    assert [out.path for out in entry.outs] == ["a", "b"]
    assert entry.outs[1].listing == (("x", MD5),)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the .dvc file is empty"),
        ("cmd: run\nouts: [{path: a}]\n", "cmd: a stage in a .dvc file, as DVC wrote before 1.0"),
        ("- a\n", "expected a mapping, found list"),
        ("frozen: maybe\n", "frozen: expected true or false, found 'maybe'"),
        ("wdir: 3\n", "wdir: expected text, found int"),
    ],
)
def test_a_tracked_file_that_dvc_does_not_write_is_refused(text: str, what: str) -> None:
    with pytest.raises(DatasetError) as caught:
        parse_tracked(document(text, "a.dvc"))
    assert caught.value.what.startswith(what)
    assert caught.value.where.startswith("a.dvc")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot read the file: No such file"):
        read_lock(tmp_path / "dvc.lock")
    with pytest.raises(DatasetError, match="not a regular file"):
        read_tracked(tmp_path)


JSONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.just(MD5)
    | st.just(f"{MD5}.dir"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "cmd",
                    "deps",
                    "outs",
                    "params",
                    "path",
                    "md5",
                    "hash",
                    "size",
                    "nfiles",
                    "files",
                    "etag",
                    "repo",
                    "wdir",
                ]
            )
            | st.integers()
            | st.booleans(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(JSONS)
def test_any_lock_is_read_or_refused(value: Any) -> None:
    lock = Document("dvc.lock", {"schema": "2.0", "stages": {"a": value}})
    with contextlib.suppress(DatasetError):
        for entry in parse_lock(lock).values():
            assert entry.digest.algorithm == "sha256"
    list(lock_problems(lock))


@given(JSONS)
def test_any_tracked_file_is_read_or_refused(value: Any) -> None:
    with contextlib.suppress(DatasetError):
        parse_tracked(Document("a.dvc", value))


def test_numbers_without_json_form_are_words() -> None:
    entry = parse_lock(Document("dvc.lock", {"schema": "2.0", "stages": {"a": {"cmd": "x", "meta": {math.nan: 1}}}}))
    assert json.loads(json.dumps(entry["a"].raw)) == {"cmd": "x", "meta": {".nan": 1}}


@pytest.mark.parametrize(
    ("repo", "revision"),
    [
        ("{url: u, rev: main, rev_lock: 96fdd8f}", "96fdd8f"),
        ("{rev_lock: 96fdd8f, rev: main, url: u}", "96fdd8f"),
        ("{url: u, rev: v1.0}", "v1.0"),
        ("{url: u}", None),
    ],
)
def test_the_commit_of_an_import_is_what_was_locked(repo: str, revision: str | None) -> None:
    entry = parse_tracked(document(f"deps: [{{path: a, repo: {repo}}}]\nouts: [{{path: a}}]\n", "a.dvc"))
    assert entry.imported is not None
    assert (entry.imported.kind, entry.imported.url, entry.imported.revision) == ("import", "u", revision)


def test_the_repository_of_an_import_may_stand_behind_other_dependencies() -> None:
    text = "deps: [{path: x}, {path: a, repo: {url: u, rev_lock: r}}]\nouts: [{path: a}]\n"
    imported = parse_tracked(document(text, "a.dvc")).imported
    assert imported is not None
    assert imported.kind == "import"


@pytest.mark.parametrize(
    ("entry", "md5", "hash_name", "checksum"),
    [
        (f"md5: {MD5}, etag: e, checksum: c", MD5, "md5-dos2unix", None),
        (f"etag: e, md5: {MD5}, hash: md5", MD5, "md5", None),
        (f"md5: {MD5}.dir", f"{MD5}.dir", "md5-dos2unix", None),
        ("checksum: c, etag: e", None, "etag", "e"),
        ("checksum: c", None, "checksum", "c"),
        ("checksum: c, hash: other", None, "other", "c"),
        ("etag: 12", None, "etag", "12"),
        ("md5: ''", None, "md5", None),
        ("size: 1", None, "md5", None),
    ],
)
def test_an_md5_goes_before_any_other_checksum(
    entry: str, md5: str | None, hash_name: str, checksum: str | None
) -> None:
    (out,) = parse_tracked(document(f"outs: [{{path: a, {entry}}}]\n", "a.dvc")).outs
    assert (out.content.md5, out.content.hash_name, out.checksum) == (md5, hash_name, checksum)


@pytest.mark.parametrize(
    ("entry", "is_dir", "files"),
    [
        (f"md5: {MD5}.dir", True, None),
        ("nfiles: 0", True, 0),
        ("files: [{relpath: x}, {relpath: y}]", True, 2),
        ("files: [{relpath: x}], nfiles: 7", True, 7),
        (f"md5: {MD5}", False, None),
        ("files: []", False, None),
    ],
)
def test_what_makes_a_path_a_folder(entry: str, is_dir: bool, files: int | None) -> None:
    (out,) = parse_tracked(document(f"outs: [{{path: a, {entry}}}]\n", "a.dvc")).outs
    assert (out.content.is_dir, out.content.files) == (is_dir, files)


@pytest.mark.parametrize(
    ("text", "frozen"), [("frozen: true", True), ("locked: true", True), ("frozen: false", False), ("desc: x", False)]
)
def test_a_frozen_file_is_known_by_its_old_word_as_well(text: str, frozen: bool) -> None:
    assert parse_tracked(document(f"{text}\nouts: [{{path: a}}]\n", "a.dvc")).frozen is frozen


def test_a_yaml_value_is_json_with_its_types() -> None:
    values = [1.5, 0.001, math.inf, 7, True, None, "x", {1: 2.5, None: -math.inf}]
    assert plain(values) == [1.5, 0.001, ".inf", 7, True, None, "x", {"1": 2.5, "null": "-.inf"}]
