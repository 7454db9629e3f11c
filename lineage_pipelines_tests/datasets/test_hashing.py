"""What bytes are called: the same names that `md5sum`, `sha256sum` and DVC give, or a clear refusal."""

import hashlib
import os
import random
import socket
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.datasets.content.hashing import (
    MD5,
    MD5_UNIX,
    SHA256,
    digest_file,
    directory_md5,
    hash_file,
    listing_sha256,
)
from lineage_pipelines.datasets.content.stable_read import BLOCK, ChangingDataError
from lineage_pipelines.datasets.content.thread_pool import spread
from lineage_pipelines.errors import DatasetError

BYTES = random.Random(15)


@pytest.mark.parametrize("size", [0, 1, 3000, 64 << 10, (64 << 10) + 1, BLOCK, BLOCK + 1, (5 << 20) + 3])
def test_both_digests_are_those_of_the_bytes(tmp_path: Path, size: int) -> None:
    data = BYTES.randbytes(size)
    path = tmp_path / "data.bin"
    path.write_bytes(data)
    found = hash_file(path)
    assert found.md5 == hashlib.md5(data).hexdigest()
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.size == size
    assert hash_file(path, chunk=4096) == found


def test_digest_file_computes_only_what_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    digests, signature = digest_file(path, (SHA256,))
    assert digests == {SHA256: hashlib.sha256(b"abc").hexdigest()}
    assert signature == (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_ctime_ns, 3)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = []
    for megabytes in (8, 64):
        path = tmp_path / f"{megabytes}"
        path.write_bytes(BYTES.randbytes(1 << 20) * megabytes)
        tracemalloc.start()
        hash_file(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 4 << 20


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def _link(path: Path) -> None:
    path.with_name("target").write_text("x")
    path.symlink_to("target")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_fifo, "not a regular file but a FIFO"),
        (Path.mkdir, "not a regular file but a directory"),
        (_socket, "ENXIO"),
        (_link, "ELOOP"),
        (_loop, "ELOOP"),
        (lambda _: None, r"ENOENT \(No such file or directory\)"),
    ],
)
def test_only_regular_files_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: object, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("it")
    assert callable(make)
    make(path)
    with pytest.raises(DatasetError, match=message) as caught:
        hash_file(path)
    assert caught.value.where == "it"


def test_a_device_is_refused() -> None:
    with pytest.raises(DatasetError, match="not a regular file but a character device"):
        hash_file("/dev/zero")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
def test_an_error_of_the_disk_is_named() -> None:
    with pytest.raises(DatasetError, match=r"cannot read the file: EIO \(Input/output error\)"):
        hash_file("/proc/self/mem")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_a_file_that_is_not_what_it_was_is_refused() -> None:
    with pytest.raises(ChangingDataError, match="the file changed while it was read"):
        hash_file("/proc/self/status")  # says that it is empty, and is not


def test_an_unreadable_file_is_named_with_its_cause(tmp_path: Path) -> None:
    path = tmp_path / "secret.csv"
    path.write_text("x")
    path.chmod(0)
    # Whoever runs this may be root, whom no mode stops: ask as somebody else.
    code = (
        "import os, sys\n"
        "from lineage_pipelines.datasets.content.hashing import hash_file\n"
        "from lineage_pipelines.errors import DatasetError\n"
        "os.setuid(65534) if os.getuid() == 0 else None\n"
        "try: hash_file(sys.argv[1])\n"
        "except DatasetError as error: sys.stdout.write(str(error))\n"
    )
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, cwd="/")
    assert "cannot read the file: EACCES (Permission denied)" in done.stdout
    assert str(path) in done.stdout
    assert "chmod u+r" in done.stdout


@given(
    st.lists(
        st.one_of(st.binary(max_size=40), st.sampled_from([b"\r\n", b"a,b\r\n", b"\0", b"\xff\xfe" * 9, b"\r"])),
        max_size=30,
    ),
    st.sampled_from([0, BLOCK - 1, BLOCK]),
)
def test_md5_unix_is_that_of_dvc_2(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], before: int) -> None:
    from dvc_data.hashfile.hash import file_md5

    path = tmp_path_factory.mktemp("unix") / "data"
    path.write_bytes(b"x" * before + b"".join(parts))
    digests, _ = digest_file(path, (MD5_UNIX, MD5, SHA256))
    assert digests[MD5_UNIX] == file_md5(str(path), name="md5-dos2unix")
    assert digests[MD5] == file_md5(str(path))


_NAMES = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=12)
_ENTRIES = st.dictionaries(_NAMES, st.binary(max_size=5), max_size=8)


@given(_ENTRIES, st.randoms())
def test_same_content_same_name(entries: dict[str, bytes], random: object) -> None:
    listing = [(path, hashlib.sha256(data).hexdigest()) for path, data in entries.items()]
    shuffled = list(listing)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis types it as object
    assert listing_sha256(shuffled) == listing_sha256(listing)
    assert directory_md5(shuffled) == directory_md5(listing)


@given(_ENTRIES, _NAMES, st.binary(max_size=5))
def test_other_content_has_another_name(entries: dict[str, bytes], name: str, data: bytes) -> None:
    changed = entries | {name: data}
    names = [
        listing_sha256((path, hashlib.sha256(value).hexdigest()) for path, value in files.items())
        for files in (entries, changed)
    ]
    assert (names[0] == names[1]) == (changed == entries)


def test_a_directory_is_named_by_what_sha256sum_prints(tmp_path: Path) -> None:
    names = [
        "b.csv",
        "a.csv",
        "ü/é.csv",
        "ü/z.csv",
        "new\nline",
        "back\\slash",
        "return\r",
        "Z",
        "\U0001f600",
        "\uffff",
    ]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    ordered = sorted(names, key=os.fsencode)
    done = subprocess.run(["sha256sum", *ordered], cwd=tmp_path, capture_output=True, check=True)
    listing = [(name, hash_file(tmp_path / name).sha256) for name in names]
    assert listing_sha256(listing) == hashlib.sha256(done.stdout).hexdigest()


def test_the_empty_directory_has_the_name_that_dvc_gives_it() -> None:
    assert directory_md5([]) == "d751713988987e9331980363e24189ce.dir"
    assert listing_sha256([]) == hashlib.sha256(b"").hexdigest()


def test_spread_answers_in_the_order_of_the_questions() -> None:
    sizes = [5, 1 << 20, 0, 1 << 16, 3]
    assert spread(lambda size: size + 1, sizes, size=lambda size: size) == [size + 1 for size in sizes]
    assert spread(lambda size: size, [], size=lambda size: size) == []


def test_spread_stops_at_the_first_failure() -> None:
    done = []

    def work(number: int) -> None:
        if number == 0:
            raise DatasetError("no")
        done.append(number)

    with pytest.raises(DatasetError, match="no"):
        spread(work, range(10_000), size=lambda number: (1 << 20) + 10_000 - number)
    assert len(done) < 10_000
