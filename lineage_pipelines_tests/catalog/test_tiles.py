"""The log's hashes as files: what is written, what is refused, and what is believed."""

import hashlib
from pathlib import Path

import pytest

from lineage_pipelines.catalog.transparency.checkpoint_note import Checkpoint, log_name, write_note
from lineage_pipelines.catalog.transparency.merkle import leaf_hash, root_hash
from lineage_pipelines.catalog.transparency.signing import LogKey
from lineage_pipelines.catalog.transparency.tiles import Tiles, tile_path, write_tiles
from lineage_pipelines.errors import CatalogError

LEAVES = [leaf_hash(str(number).encode()) for number in range(70_000)]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> LogKey:
    return LogKey(tmp_path_factory.mktemp("keys") / "log.pem")


def note(key: LogKey, size: int, leaves: list[bytes] = LEAVES) -> str:
    point = Checkpoint(origin=log_name(leaves[0]), size=size, root=root_hash(leaves[:size]))
    return write_note(point, key)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ((0, 0, 256), "tile/0/000"),
        ((0, 0, 1), "tile/0/000.p/1"),
        ((0, 999, 256), "tile/0/999"),
        ((0, 1000, 256), "tile/0/x001/000"),
        ((1, 1234067, 8), "tile/1/x001/x234/067.p/8"),
    ],
)
def test_paths_are_those_of_the_specification(place: tuple[int, int, int], path: str) -> None:
    assert tile_path(*place) == path


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 600])
def test_tiles_of_every_size_give_the_leaves_back(size: int, key: LogKey, tmp_path: Path) -> None:
    write_tiles(tmp_path, note(key, size), LEAVES)
    assert Tiles(tmp_path).leaves() == LEAVES[:size]
    full, rest = divmod(size, 256)
    expected = {"checkpoint"} | {f"tile/0/00{index}" for index in range(full)}
    expected |= {f"tile/0/00{full}.p/{rest}"} if rest else set()
    expected |= {f"tile/1/000.p/{full}"} if full else set()
    assert files(tmp_path) == expected


def test_higher_levels_hold_the_roots_of_the_tiles_below(key: LogKey, tmp_path: Path) -> None:
    write_tiles(tmp_path, note(key, 66_000), LEAVES)
    level = (tmp_path / "tile/1/000").read_bytes()
    roots = [root_hash(LEAVES[at : at + 256]) for at in range(0, 65_536, 256)]
    assert level == b"".join(roots)
    assert (tmp_path / "tile/2/000.p/1").read_bytes() == root_hash(roots)
    assert (tmp_path / "tile/0/257.p/208").read_bytes() == b"".join(LEAVES[65_792:66_000])


def test_a_log_that_grew_adds_tiles_and_changes_none(key: LogKey, tmp_path: Path) -> None:
    assert write_tiles(tmp_path, note(key, 300), LEAVES) == 3
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in files(tmp_path) if name != "checkpoint"}
    assert write_tiles(tmp_path, note(key, 600), LEAVES) == 3
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in before} == before
    assert write_tiles(tmp_path, note(key, 600), LEAVES) == 0
    assert Tiles(tmp_path).leaves() == LEAVES[:600]


def test_an_older_note_is_read_with_the_tiles_that_have_filled_up_since(key: LogKey, tmp_path: Path) -> None:
    write_tiles(tmp_path, note(key, 600), LEAVES)
    (tmp_path / "checkpoint").write_text(note(key, 300))
    assert Tiles(tmp_path).leaves() == LEAVES[:300]


@pytest.mark.parametrize("size", [100, 300, 400, 600])
def test_a_log_that_does_not_begin_with_what_was_kept_is_refused(size: int, key: LogKey, tmp_path: Path) -> None:
    write_tiles(tmp_path, note(key, 300), LEAVES)
    kept = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    other = [*LEAVES[:200], leaf_hash(b"x"), *LEAVES[201:]]
    with pytest.raises(CatalogError, match="does not begin with it"):
        write_tiles(tmp_path, note(key, size, other), other)
    assert {name: (tmp_path / name).read_bytes() for name in kept} == kept


def test_a_log_that_is_shorter_or_another_is_refused(key: LogKey, tmp_path: Path) -> None:
    write_tiles(tmp_path, note(key, 300), LEAVES)
    with pytest.raises(CatalogError, match="does not begin with it"):
        write_tiles(tmp_path, note(key, 299), LEAVES)
    with pytest.raises(CatalogError, match="does not begin with it"):
        write_tiles(tmp_path, note(key, 400, LEAVES[1:]), LEAVES[1:])


def test_leaves_that_are_not_the_notes_are_not_kept(key: LogKey, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="changed while"):
        write_tiles(tmp_path, note(key, 300), LEAVES[:299])
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001.p/44"])
def test_nothing_is_believed_that_does_not_give_the_root(name: str, key: LogKey, tmp_path: Path) -> None:
    write_tiles(tmp_path, note(key, 300), LEAVES)
    path = tmp_path / name
    honest = path.read_bytes()
    for at in range(0, len(honest), 97):
        path.write_bytes(honest[:at] + bytes([honest[at] ^ 1]) + honest[at + 1 :])
        with pytest.raises(CatalogError, match="root of their checkpoint"):
            Tiles(tmp_path).leaves()
    path.write_bytes(honest[:-1])
    with pytest.raises(CatalogError, match="hashes of 32 bytes"):
        Tiles(tmp_path).leaves()
    path.unlink()
    with pytest.raises(CatalogError, match="cannot be read") as told:
        Tiles(tmp_path).leaves()
    assert told.value.fix


def test_a_note_with_another_root_is_not_believed(key: LogKey, tmp_path: Path) -> None:
    write_tiles(tmp_path, note(key, 300), LEAVES)
    (tmp_path / "checkpoint").write_text(note(key, 300, [*LEAVES[:299], hashlib.sha256(b"").digest()]))
    with pytest.raises(CatalogError, match="root of their checkpoint"):
        Tiles(tmp_path).leaves()


def test_a_file_in_the_place_of_the_folder_is_told(key: LogKey, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(CatalogError, match="cannot be written") as told:
        write_tiles(tmp_path / "x", note(key, 3), LEAVES)
    assert "name a folder" in told.value.fix
