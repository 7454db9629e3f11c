"""Inputs are the recorded bytes, private and read-only."""

import hashlib
import json
import multiprocessing
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineage_pipelines.datasets.content.hashing import hash_file, listing_sha256
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.placement import Placed, discard, place
from lineage_pipelines_tests.datasets.placing import FILES, alter, cached, check_nothing_left, forget, modes, refuse
from lineage_pipelines_tests.world import World

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # pygtrie, used by DVC


def test_a_file_is_placed_with_its_digests(world: World, project: DvcProject, into: Path) -> None:
    placed = place(project, "one.csv", into)
    assert placed.path == into / "one.csv"
    assert placed.path.read_bytes() == world.path("one.csv").read_bytes()
    found = hash_file(world.path("one.csv"))
    assert (placed.content.digest.md5, placed.content.digest.sha256) == (found.md5, found.sha256)
    assert (placed.content.size, placed.content.files) == (8, 1)
    assert placed.recorded == project.recorded("one.csv")
    assert modes(placed.path) == {0o444}
    assert modes(into) == {0o700, 0o444}


def test_a_folder_is_placed_file_by_file(project: DvcProject, into: Path) -> None:
    placed = place(project, "data/raw", into)
    assert {str(p.relative_to(placed.path)): p.read_text() for p in placed.path.rglob("*") if p.is_file()} == FILES
    assert placed.content.digest.md5 == project.recorded("data/raw").content.md5
    assert placed.content.digest.sha256 == listing_sha256(
        (name, hashlib.sha256(text.encode()).hexdigest()) for name, text in FILES.items()
    )
    assert (placed.content.size, placed.content.files) == (12, 4)
    assert modes(placed.path) == {0o555, 0o444}
    discard(into)
    check_nothing_left(into)


def test_a_part_of_a_folder_is_placed(project: DvcProject, into: Path) -> None:
    one = place(project, "data/raw/sub/ü.csv", into)
    assert one.path.read_text() == FILES["sub/ü.csv"]
    assert one.content.digest.md5 == hashlib.md5(b"x\n2\n").hexdigest()
    part = place(project, "data/raw/sub", into)
    assert sorted(p.name for p in part.path.rglob("*.csv")) == ["c.csv", "ü.csv"]
    assert part.content.digest.md5 == project.recorded("data/raw/sub").content.md5
    assert part.content.files == 2


def test_an_empty_folder_is_placed(world: World, into: Path) -> None:
    world.path("void").mkdir()
    world.track("void")
    placed = place(DvcProject(world.root), "void", into)
    assert list(placed.path.iterdir()) == []
    assert (placed.content.files, placed.content.size) == (0, 0)
    assert placed.content.digest.md5 == "d751713988987e9331980363e24189ce.dir"


def test_nothing_that_is_edited_afterwards_changes_what_was_placed(
    world: World, project: DvcProject, into: Path
) -> None:
    placed = place(project, "one.csv", into)
    before = placed.path.read_bytes()
    world.path("one.csv").write_text("edited")
    alter(cached(world, project, "one.csv"))
    assert placed.path.read_bytes() == before
    assert placed.path.stat().st_nlink == 1


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_a_workspace_of_links_into_the_cache_is_fine(
    world: World, project: DvcProject, into: Path, link: str, tmp_path: Path
) -> None:
    shutil.move(world.path(".dvc/cache"), tmp_path / "elsewhere")
    world.configure(f"[cache]\n    dir = {tmp_path / 'elsewhere'}\n    type = {link}\n")
    world.dvc("checkout", "--relink")
    assert world.path("one.csv").is_symlink() == (link == "symlink")
    placed = [place(project, path, into) for path in ("one.csv", "data/raw")]
    alter(world.path("one.csv").resolve())
    assert placed[0].path.read_text() == "a,b\n1,2\n"
    assert not any(path.is_symlink() for path in into.rglob("*"))


def test_data_missing_from_the_workspace_comes_from_the_cache(world: World, project: DvcProject, into: Path) -> None:
    forget(world, "one.csv", "data/raw")
    assert place(project, "one.csv", into).path.read_text() == "a,b\n1,2\n"
    assert place(project, "data/raw", into).content.files == 4


def test_data_missing_from_the_cache_comes_from_the_workspace(world: World, project: DvcProject, into: Path) -> None:
    shutil.rmtree(world.path(".dvc/cache"))
    assert place(project, "one.csv", into).path.read_text() == "a,b\n1,2\n"
    assert place(project, "data/raw", into).content.digest.md5 == project.recorded("data/raw").content.md5
    assert place(project, "data/raw/sub/ü.csv", into / "part").path.read_text() == FILES["sub/ü.csv"]


@pytest.mark.parametrize("path", ["one.csv", "data/raw", "data/raw/a.csv"])
def test_data_missing_from_both_is_fetched(
    world: World, project: DvcProject, into: Path, tmp_path: Path, path: str
) -> None:
    world.push(tmp_path / "remote")
    forget(world, "one.csv", "data/raw")
    shutil.rmtree(world.path(".dvc/cache"))
    placed = place(project, path, into)
    assert placed.content.digest.md5 == project.recorded(path).content.md5
    assert not world.path(path).exists()


def test_an_output_that_dvc_keeps_no_copy_of_comes_from_the_workspace(world: World, into: Path) -> None:
    world.write(
        "dvc.yaml",
        "stages:\n  score:\n    cmd: echo '{}' > m.json\n    metrics:\n    - m.json:\n        cache: false\n",
    )
    world.repro()
    project = DvcProject(world.root)
    assert place(project, "m.json", into).path.read_text() == "{}\n"
    world.path("m.json").write_text("{ }")
    error = refuse(project, "m.json", into / "again")
    assert "'m.json' is not what dvc.lock records" in error.what
    assert "dvc commit score" in error.fix
    forget(world, "m.json")
    error = refuse(project, "m.json", into / "again")
    assert "'m.json' is missing, and DVC keeps no copy of it (cache: false)" in error.what
    assert "dvc repro score" in error.fix


def test_data_of_dvc_2_is_placed(world: World, into: Path) -> None:
    """DVC 2 named text by its MD5 with the line ends of Unix, and kept it elsewhere in the cache."""
    data = {"a.csv": b"a\r\n1\r\n", "b.bin": b"\0\r\n"}
    named = {"a.csv": hashlib.md5(b"a\n1\n").hexdigest(), "b.bin": hashlib.md5(b"\0\r\n").hexdigest()}
    listing = json.dumps([{"md5": md5, "relpath": name} for name, md5 in named.items()]).encode()
    folder = f"{hashlib.md5(listing).hexdigest()}.dir"
    objects = {named[name]: content for name, content in data.items()} | {folder: listing}
    for md5, content in objects.items():
        path = world.path(f".dvc/cache/{md5[:2]}/{md5[2:]}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    world.write("old.dvc", f"outs:\n- md5: {folder}\n  size: 9\n  nfiles: 2\n  path: old\n")
    project = DvcProject(world.root)
    placed = place(project, "old", into)
    assert {path.name: path.read_bytes() for path in placed.path.iterdir()} == data
    assert placed.content.digest.md5 == folder
    assert placed.content.digest.sha256 == listing_sha256((n, hashlib.sha256(c).hexdigest()) for n, c in data.items())
    world.dvc("checkout", "old.dvc")
    assert place(project, "old/a.csv", into).content.digest.md5 == named["a.csv"]


def _place_in(root: Path, path: str, into: Path) -> Placed:
    return place(DvcProject(root), path, into)


def test_several_processes_and_threads_place_at_once(project: DvcProject, tmp_path: Path) -> None:
    jobs = [(project.root, path, tmp_path / f"{path[:3]}{i}") for path in ("one.csv", "data/raw") for i in range(6)]
    with multiprocessing.get_context("spawn").Pool(2) as pool, ThreadPoolExecutor(4) as threads:
        others = pool.starmap_async(_place_in, [(root, path, into / "process") for root, path, into in jobs])
        found = list(threads.map(lambda job: _place_in(job[0], job[1], job[2] / "thread"), jobs))
        found += others.get()
    digests = {(placed.recorded.path, placed.content.digest.sha256) for placed in found}
    assert len(digests) == 2
    assert len(found) == 24


def test_discard_is_content_with_what_is_not_there(tmp_path: Path) -> None:
    discard(tmp_path / "nothing")
