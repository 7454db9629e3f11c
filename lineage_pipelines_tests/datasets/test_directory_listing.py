import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.datasets.metafiles.directory_listing import (
    is_safe_path,
    parse_listing,
    part_md5,
    read_listing,
)
from lineage_pipelines.errors import DatasetError

MD5 = "0123456789abcdef0123456789abcdef"


def listing(*paths: Any) -> bytes:
    return json.dumps([{"md5": MD5, "relpath": path} for path in paths]).encode()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (listing("../x"), "unsafe path: '../x'"),
        (listing("a/../../x"), "unsafe path"),
        (listing("/etc/passwd"), "unsafe path: '/etc/passwd'"),
        (listing("a\\b"), "unsafe path"),
        (listing("a\0b"), "unsafe path"),
        (listing("a//b"), "unsafe path"),
        (listing("./a"), "unsafe path"),
        (listing("a/"), "unsafe path"),
        (listing(""), "unsafe path"),
        (listing("\ud800"), "unsafe path"),
        (listing(3), "unsafe path: '3'"),
        (listing("a", "b", "a"), "names 'a' twice"),
        (listing("a", "a/b"), "'a' is a file and a folder"),
        (b"{}", "not a list"),
        (b"[1]", "not an object"),
        (b"nothing", "not JSON"),
        (b'[{"relpath": "a"}]', "'a' has no MD5"),
        (b'[{"relpath": "a", "md5": "0"}]', "'a' has no MD5 but '0'"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_an_unsafe_listing_is_refused(tmp_path: Path, data: bytes, what: str) -> None:
    path = tmp_path / "object"
    path.write_bytes(data)
    with pytest.raises(DatasetError) as caught:
        read_listing(path, hashlib.md5(data).hexdigest() + ".dir")
    assert what in caught.value.what
    assert caught.value.where == str(path)


def test_an_altered_or_missing_listing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "object"
    with pytest.raises(DatasetError, match="cannot read the directory listing"):
        read_listing(path, MD5)
    path.write_bytes(listing("a"))
    with pytest.raises(DatasetError, match=f"expected MD5 {MD5}, found"):
        read_listing(path, f"{MD5}.dir")


@given(st.binary(max_size=100) | st.builds(lambda value: json.dumps(value).encode(), st.lists(st.text(), max_size=3)))
def test_any_bytes_are_a_listing_or_refused(data: bytes) -> None:
    with contextlib.suppress(DatasetError):
        parse_listing(data, where="x")


@given(st.text())
def test_a_safe_path_stays_inside(path: str) -> None:
    if is_safe_path(path):
        assert ".." not in Path(path).parts
        assert not Path(path).is_absolute()


def test_a_part_is_called_as_dvc_calls_it() -> None:
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.meta import Meta
    from dvc_data.hashfile.tree import Tree

    tree: Any = Tree()  # type: ignore[no-untyped-call]
    for name in ("b", "a", "é"):
        tree.add((name,), Meta(), HashInfo("md5", MD5))
    tree.digest()
    entries = {"s/a": MD5, "s/b": MD5, "s/é": MD5, "t": MD5}
    assert part_md5(entries, "s") == tree.hash_info.value
    assert part_md5(entries, "t") == MD5
    assert part_md5(entries, "nothing") is None
    assert part_md5({"s/a": None}, "s") is None
