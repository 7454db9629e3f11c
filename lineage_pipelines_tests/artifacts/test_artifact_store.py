"""Law 3 for files: same content, same name; and what is read is what was stored, or an error."""

import hashlib
import multiprocessing
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.errors import ArtifactError
from lineage_pipelines.records.values.digest import Digest

BYTES = random.Random(17)

SIZES = (0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1)
"""Around what is copied at once."""


@pytest.fixture(params=["path", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    """A new store of each kind."""
    urls = {"path": str(tmp_path / "store"), "file": f"file://{tmp_path}/store", "memory": f"memory://{tmp_path}/store"}
    return ArtifactStore(urls[request.param])


@pytest.fixture
def local(tmp_path: Path) -> ArtifactStore:
    """A new store in a folder."""
    return ArtifactStore(str(tmp_path / "store"))


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _place(digest: Digest) -> str:
    return f"sha256/{digest.hex[:2]}/{digest.hex[2:]}"


@pytest.mark.parametrize("size", SIZES)
def test_what_was_put_comes_back_under_the_name_of_its_content(store: ArtifactStore, tmp_path: Path, size: int) -> None:
    data = BYTES.randbytes(size)
    source = tmp_path / "source"
    source.write_bytes(data)
    digest = Digest("sha256", hashlib.sha256(data).hexdigest())
    assert digest not in store
    assert store.put_file(source) == store.put_bytes(data) == digest
    assert digest in store
    assert store.read(digest) == data
    assert store.fetch(digest, tmp_path / "new" / "copy").read_bytes() == data
    assert store.url_of(digest) == f"{store.url}/{_place(digest)}"


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_same_content_same_name(first: bytes, second: bytes) -> None:
    store = ArtifactStore("memory://same")
    assert (store.put_bytes(first) == store.put_bytes(second)) == (first == second)
    assert store.read(store.put_bytes(first)) == first


def test_content_is_kept_once_and_nobody_writes_to_it(local: ArtifactStore, tmp_path: Path) -> None:
    digest = local.put_bytes(b"model")
    before = (tmp_path / "store" / _place(digest)).stat()
    assert local.put_bytes(b"model") == digest
    assert _files(tmp_path / "store") == [_place(digest)]
    after = (tmp_path / "store" / _place(digest)).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert after.st_mode & 0o777 == 0o444
    assert (tmp_path / "store" / _place(digest)).parent.stat().st_mode & 0o777 == 0o700
    assert local.fetch(digest, tmp_path / "copy").stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("other", [None, "sha256:" + "0" * 64, 3, Digest("md5", "0" * 32)])
def test_only_a_digest_that_was_stored_is_in_a_store(store: ArtifactStore, other: object) -> None:
    store.put_bytes(b"model")
    assert other not in store


def test_what_is_missing_is_told_with_where_it_would_be(store: ArtifactStore, tmp_path: Path) -> None:
    digest = Digest.of(b"never stored")
    for ask in (lambda: store.read(digest), lambda: store.fetch(digest, tmp_path / "copy")):
        with pytest.raises(ArtifactError, match=f"no stored file {digest}") as caught:
            ask()
        assert caught.value.where == store.url_of(digest)
        assert "backup" in caught.value.fix
    assert not (tmp_path / "copy").exists()


DAMAGE = [b"Model", b"mode", b"model!", b""]


def _damage(store: ArtifactStore, digest: Digest, data: bytes) -> None:
    if store.url.startswith("memory:"):
        fsspec.filesystem("memory").pipe_file(store.url_of(digest), data)
    else:
        path = Path(store.url_of(digest).removeprefix("file://"))
        path.chmod(0o600)
        path.write_bytes(data)


@pytest.mark.parametrize("data", DAMAGE)
def test_what_was_altered_is_never_handed_out(store: ArtifactStore, tmp_path: Path, data: bytes) -> None:
    digest = store.put_bytes(b"model")
    _damage(store, digest, data)
    for ask in (lambda: store.read(digest), lambda: store.fetch(digest, tmp_path / "out" / "copy")):
        with pytest.raises(ArtifactError) as caught:
            ask()
        assert caught.value.what == f"a stored file was altered: expected {digest}, found {Digest.of(data)}"
        assert caught.value.where == store.url_of(digest)
        assert "do not use it" in caught.value.fix
    assert _files(tmp_path / "out") == []


@pytest.mark.parametrize("data", DAMAGE)
def test_putting_the_content_again_repairs_it_and_keeps_the_evidence(
    local: ArtifactStore, tmp_path: Path, data: bytes
) -> None:
    digest = local.put_bytes(b"model")
    _damage(local, digest, data)
    assert local.put_bytes(b"model") == digest
    assert local.read(digest) == b"model"
    (bad,) = [name for name in _files(tmp_path / "store") if name != _place(digest)]
    assert bad.startswith(f".bad/{digest.hex[2:18]}")
    assert (tmp_path / "store" / bad).read_bytes() == data


def test_what_another_store_holds_by_half_is_put_again() -> None:
    store = ArtifactStore("memory://half")
    digest = store.put_bytes(b"model")
    _damage(store, digest, b"mod")
    store.put_bytes(b"model")
    assert store.read(digest) == b"model"


class Changing(type(Path())):  # type: ignore[misc]  # the class that a Path really has
    """A file that is written to between the first and the second time that it is opened."""

    opened = 0

    def open(self, *args: Any, **options: Any) -> Any:
        type(self).opened += 1
        if self.opened == 2:
            self.write_bytes(b"longer than before")
        return super().open(*args, **options)


def test_a_file_that_changes_while_it_is_stored_is_refused(store: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"before")
    Changing.opened = 0
    with pytest.raises(ArtifactError, match="the file changed while it was stored"):
        store.put_file(Changing(tmp_path / "source"))
    assert Digest.of(b"before") not in store
    assert not [name for name in _files(tmp_path) if name != "source"]


@pytest.mark.parametrize("what", ["nothing", "folder"])
def test_what_is_no_file_cannot_be_put(local: ArtifactStore, tmp_path: Path, what: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ArtifactError, match="cannot store a file") as caught:
        local.put_file(tmp_path / what)
    assert caught.value.where == str(tmp_path / what)


@pytest.mark.parametrize(
    ("url", "message"), [("odd://store", "unsupported kind"), ("s3+x://store", "unsupported kind")]
)
def test_a_kind_of_store_that_nobody_knows_is_told(url: str, message: str) -> None:
    with pytest.raises(ArtifactError, match=message):
        ArtifactStore(url).put_bytes(b"model")


@pytest.mark.parametrize("url", ["odd://ada:secret@store", "memory://ada:secret@store"])
def test_no_password_of_a_store_is_told(url: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        ArtifactStore(url).read(Digest.of(b"never stored"))
    assert "store" in caught.value.where
    assert "secret" not in str(caught.value)


def _put_all(url: str, seed: int) -> list[str]:
    store = ArtifactStore(url)
    return [store.put_bytes(b"%d" % ((number + seed) % 20) * 50_000).hex for number in range(20)]


def test_processes_and_threads_may_put_the_same_content_at_once(local: ArtifactStore, tmp_path: Path) -> None:
    damaged = [local.put_bytes(b"%d" % number * 50_000) for number in range(0, 20, 2)]
    for digest in damaged:
        _damage(local, digest, b"torn")
    jobs = [(local.url, seed) for seed in range(8)]
    with multiprocessing.get_context("spawn").Pool(2) as pool, ThreadPoolExecutor(4) as threads:
        others = pool.starmap_async(_put_all, jobs)
        told = list(threads.map(lambda job: _put_all(*job), jobs)) + others.get(timeout=60)
    names = {Digest.of(b"%d" % number * 50_000) for number in range(20)}
    assert [set(digests) for digests in told] == [{digest.hex for digest in names}] * 16
    kept = [name for name in _files(tmp_path / "store") if not name.startswith(".bad/")]
    assert kept == sorted(_place(digest) for digest in names)
    assert all(local.read(digest) for digest in names)
