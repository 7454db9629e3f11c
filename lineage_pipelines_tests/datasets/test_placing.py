"""Inputs are the recorded bytes, private and read-only, or nothing at all."""

import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineage_pipelines.datasets.hashing import hash_file, listing_sha256
from lineage_pipelines.datasets.placing import Placed, discard, place
from lineage_pipelines.datasets.project import DvcProject
from lineage_pipelines.errors import DatasetError
from lineage_pipelines_tests.world import World

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # pygtrie, used by DVC

FILES = {"a.csv": "x\n1\n", "sub/ü.csv": "x\n2\n", "sub/deeper/c.csv": "", "twin.csv": "x\n1\n"}


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """The private folder; not there yet."""
    return tmp_path / "private" / "input"


@pytest.fixture
def project(world: World) -> DvcProject:
    """A project that tracks a file and a folder."""
    world.write("one.csv", "a,b\n1,2\n")
    for name, text in FILES.items():
        world.write(f"data/raw/{name}", text)
    world.track("one.csv", "data/raw")
    world.commit()
    return DvcProject(world.root)


def forget(world: World, *names: str) -> None:
    """Remove data from the workspace."""
    for name in names:
        path = world.path(name)
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def cached(world: World, project: DvcProject, path: str) -> Path:
    return world.cached(project.recorded(path).md5 or "")


def alter(path: Path, data: bytes = b"altered") -> None:
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def modes(path: Path) -> set[int]:
    return {inner.stat().st_mode & 0o777 for inner in [path, *path.rglob("*")]}


def check_nothing_left(into: Path) -> None:
    assert not into.exists()


def refuse(project: DvcProject, path: str, into: Path) -> DatasetError:
    with pytest.raises(DatasetError) as caught:
        place(project, path, into)
    return caught.value


def test_a_file_is_placed_with_its_digests(world: World, project: DvcProject, into: Path) -> None:
    placed = place(project, "one.csv", into)
    assert placed.path == into / "one.csv"
    assert placed.path.read_bytes() == world.path("one.csv").read_bytes()
    found = hash_file(world.path("one.csv"))
    assert (placed.digest.md5, placed.digest.sha256) == (found.md5, found.sha256)
    assert (placed.size, placed.files) == (8, 1)
    assert placed.recorded == project.recorded("one.csv")
    assert modes(placed.path) == {0o444}
    assert modes(into) == {0o700, 0o444}


def test_a_folder_is_placed_file_by_file(project: DvcProject, into: Path) -> None:
    placed = place(project, "data/raw", into)
    assert {str(p.relative_to(placed.path)): p.read_text() for p in placed.path.rglob("*") if p.is_file()} == FILES
    assert placed.digest.md5 == project.recorded("data/raw").md5
    assert placed.digest.sha256 == listing_sha256(
        (name, hashlib.sha256(text.encode()).hexdigest()) for name, text in FILES.items()
    )
    assert (placed.size, placed.files) == (12, 4)
    assert modes(placed.path) == {0o555, 0o444}
    discard(into)
    check_nothing_left(into)


def test_a_part_of_a_folder_is_placed(project: DvcProject, into: Path) -> None:
    one = place(project, "data/raw/sub/ü.csv", into)
    assert one.path.read_text() == FILES["sub/ü.csv"]
    assert one.digest.md5 == hashlib.md5(b"x\n2\n").hexdigest()
    part = place(project, "data/raw/sub", into)
    assert sorted(p.name for p in part.path.rglob("*.csv")) == ["c.csv", "ü.csv"]
    assert part.digest.md5 == project.recorded("data/raw/sub").md5
    assert part.files == 2


def test_an_empty_folder_is_placed(world: World, into: Path) -> None:
    world.path("void").mkdir()
    world.track("void")
    placed = place(DvcProject(world.root), "void", into)
    assert list(placed.path.iterdir()) == []
    assert (placed.files, placed.size) == (0, 0)
    assert placed.digest.md5 == "d751713988987e9331980363e24189ce.dir"


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
    assert place(project, "data/raw", into).files == 4


def test_data_missing_from_the_cache_comes_from_the_workspace(world: World, project: DvcProject, into: Path) -> None:
    shutil.rmtree(world.path(".dvc/cache"))
    assert place(project, "one.csv", into).path.read_text() == "a,b\n1,2\n"
    assert place(project, "data/raw", into).digest.md5 == project.recorded("data/raw").md5
    assert place(project, "data/raw/sub/ü.csv", into / "part").path.read_text() == FILES["sub/ü.csv"]


@pytest.mark.parametrize("path", ["one.csv", "data/raw", "data/raw/a.csv"])
def test_data_missing_from_both_is_fetched(
    world: World, project: DvcProject, into: Path, tmp_path: Path, path: str
) -> None:
    world.push(tmp_path / "remote")
    forget(world, "one.csv", "data/raw")
    shutil.rmtree(world.path(".dvc/cache"))
    placed = place(project, path, into)
    assert placed.digest.md5 == project.recorded(path).md5
    assert not world.path(path).exists()


def test_what_a_remote_altered_is_refused(world: World, project: DvcProject, into: Path, tmp_path: Path) -> None:
    world.push(tmp_path / "remote")
    forget(world, "one.csv")
    stored = cached(world, project, "one.csv")
    alter(tmp_path / "remote" / stored.relative_to(world.path(".dvc/cache")))
    stored.unlink()
    error = refuse(project, "one.csv", into)
    assert "an object of DVC's cache was altered" in error.what
    check_nothing_left(into)


def test_data_missing_everywhere_is_named(world: World, project: DvcProject, into: Path) -> None:
    forget(world, "one.csv", "data/raw")
    shutil.rmtree(world.path(".dvc/cache"))
    error = refuse(project, "one.csv", into)
    assert "'one.csv' is missing from the workspace, from DVC's cache and from its remote" in error.what
    assert f"one.csv (MD5 {hashlib.md5(b'a,b' + chr(10).encode() + b'1,2' + chr(10).encode()).hexdigest()})" in str(
        error
    )
    assert "dvc fetch one.csv" in error.fix
    assert "the listing of the directory" in refuse(project, "data/raw", into).what
    check_nothing_left(into)


def test_missing_children_are_listed(world: World, project: DvcProject, into: Path) -> None:
    forget(world, "data/raw")
    for text in (FILES["a.csv"], FILES["sub/ü.csv"]):
        world.cached(hashlib.md5(text.encode()).hexdigest()).unlink()
    error = refuse(project, "data/raw", into)
    for name in ("a.csv", "sub/ü.csv", "twin.csv"):
        assert f"{name} (MD5 " in error.what
    assert "c.csv" not in error.what
    check_nothing_left(into)


def test_many_missing_children_are_counted(world: World, into: Path) -> None:
    for number in range(15):
        world.write(f"many/{number:02}", str(number))
    world.track("many")
    forget(world, "many")
    for number in range(15):
        world.cached(hashlib.md5(str(number).encode()).hexdigest()).unlink()
    error = refuse(DvcProject(world.root), "many", into)
    assert error.what.count("(MD5 ") == 10
    assert "and 5 more" in error.what


def test_a_modified_workspace_is_refused(world: World, project: DvcProject, into: Path) -> None:
    world.path("one.csv").write_text("a,b\n1,3\n")
    error = refuse(project, "one.csv", into)
    assert "'one.csv' is not what one.csv.dvc records" in error.what
    assert str(project.recorded("one.csv").md5) in error.what
    assert hash_file(world.path("one.csv")).md5 in error.what
    assert "dvc add one.csv" in error.fix
    assert "dvc checkout one.csv" in error.fix
    world.write("data/raw/new.csv", "")
    assert "dvc add data/raw" in refuse(project, "data/raw", into).fix
    assert place(project, "data/raw/a.csv", into).size == 4  # that part is what it was
    discard(into)


def test_an_edit_that_dvc_does_not_see_is_refused(world: World, project: DvcProject, into: Path) -> None:
    path = world.path("one.csv")
    before = path.stat()
    path.write_text("a,b\n9,9\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "is not what one.csv.dvc records" in refuse(project, "one.csv", into).what


@pytest.mark.parametrize("workspace", [True, False])
def test_an_altered_cache_object_is_refused(world: World, project: DvcProject, into: Path, workspace: bool) -> None:
    stored = cached(world, project, "one.csv")
    alter(stored, b"a,b\n1,3\n")
    if not workspace:
        forget(world, "one.csv")
    error = refuse(project, "one.csv", into)
    assert error.where == str(stored)
    assert str(project.recorded("one.csv").md5) in error.what
    assert hashlib.md5(b"a,b\n1,3\n").hexdigest() in error.what
    assert stored.read_bytes() == b"a,b\n1,3\n"  # evidence is not removed
    check_nothing_left(into)


def test_an_altered_child_is_refused_and_nothing_is_left(world: World, project: DvcProject, into: Path) -> None:
    stored = world.cached(hashlib.md5(b"x\n2\n").hexdigest())
    alter(stored)
    into.mkdir(parents=True)
    (into / "mine").write_text("")
    assert refuse(project, "data/raw", into).where == str(stored)
    assert [path.name for path in into.iterdir()] == ["mine"]


def test_an_altered_listing_is_refused(world: World, project: DvcProject, into: Path) -> None:
    stored = cached(world, project, "data/raw")
    alter(stored, json.dumps(json.loads(stored.read_bytes())[1:]).encode())
    error = refuse(project, "data/raw", into)
    assert "the directory listing was altered" in error.what
    assert error.where == str(stored)
    check_nothing_left(into)


@pytest.mark.parametrize("relpath", ["../../evil", "/evil", "a/../../evil", "", "a\\b", "a//b", "nul\0"])
def test_a_listing_that_leads_outside_is_refused(
    world: World, project: DvcProject, into: Path, tmp_path: Path, relpath: str
) -> None:
    old = project.recorded("data/raw").md5 or ""
    listing = json.dumps([{"md5": hashlib.md5(b"x\n1\n").hexdigest(), "relpath": relpath}]).encode()
    new = f"{hashlib.md5(listing).hexdigest()}.dir"
    world.cached(new).parent.mkdir(exist_ok=True)
    world.cached(new).write_bytes(listing)
    world.write("data/raw.dvc", world.path("data/raw.dvc").read_text().replace(old, new))
    forget(world, "data/raw")
    assert "unsafe path" in refuse(project, "data/raw", into).what
    assert not list(tmp_path.rglob("evil"))
    check_nothing_left(into)


def test_what_nothing_tracks_is_refused(world: World, project: DvcProject, into: Path) -> None:
    world.write("loose.csv", "")
    assert "DVC does not track 'loose.csv'" in refuse(project, "loose.csv", into).what
    check_nothing_left(into)


def test_a_stage_output_that_never_ran_is_refused(world: World, into: Path) -> None:
    world.write("dvc.yaml", "stages:\n  make:\n    cmd: echo 1 > out.txt\n    outs: [out.txt]\n")
    error = refuse(DvcProject(world.root), "out.txt", into)
    assert "nothing is recorded about 'out.txt' yet" in error.what
    assert "dvc repro make" in error.fix


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
    assert placed.digest.md5 == folder
    assert placed.digest.sha256 == listing_sha256((n, hashlib.sha256(c).hexdigest()) for n, c in data.items())
    world.dvc("checkout", "old.dvc")
    assert place(project, "old/a.csv", into).digest.md5 == named["a.csv"]


def test_an_existing_name_is_not_overwritten(project: DvcProject, into: Path) -> None:
    for path in ("one.csv", "data/raw"):
        place(project, path, into)
        error = refuse(project, path, into)
        assert "EEXIST" in error.what
    assert (into / "one.csv").read_text() == "a,b\n1,2\n"
    assert (into / "raw" / "a.csv").exists()


@pytest.fixture
def small_files(world: World) -> Iterator[None]:
    """Let this process write no file larger than a megabyte."""
    world.path("large.bin").write_bytes(bytes(3 << 20))
    world.write("large/a.csv", "a\n")
    shutil.copy(world.path("large.bin"), world.path("large/b.bin"))
    world.track("large.bin", "large")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("path", ["large.bin", "large"])
def test_a_file_that_cannot_be_written_leaves_nothing(world: World, into: Path, path: str) -> None:
    error = refuse(DvcProject(world.root), path, into)
    assert "cannot place the data: EFBIG (File too large)" in error.what
    assert "it needs 3,145,7" in error.what
    assert "free space there" in error.fix
    check_nothing_left(into)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(path)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a disk")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_is_told_with_what_is_needed(world: World, disk: Path) -> None:
    world.path("large.bin").write_bytes(os.urandom(1 << 20))
    world.track("large.bin")
    error = refuse(DvcProject(world.root), "large.bin", disk / "input")
    assert "cannot place the data: ENOSPC (No space left on device); it needs 1,048,576 bytes" in error.what
    assert "TMPDIR" in error.fix
    assert list(disk.iterdir()) == []


def test_a_read_only_disk_is_told(project: DvcProject, disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    error = refuse(project, "one.csv", disk / "input")
    assert "cannot place the data: EROFS (Read-only file system)" in error.what
    assert "a folder that this user may write to" in error.fix


def test_a_place_that_cannot_be_is_told(project: DvcProject, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "ENOTDIR" in refuse(project, "one.csv", tmp_path / "file" / "input").what


def _place_in(root: Path, path: str, into: Path) -> Placed:
    return place(DvcProject(root), path, into)


def test_several_processes_and_threads_place_at_once(project: DvcProject, tmp_path: Path) -> None:
    jobs = [(project.root, path, tmp_path / f"{path[:3]}{i}") for path in ("one.csv", "data/raw") for i in range(6)]
    with multiprocessing.get_context("spawn").Pool(2) as pool, ThreadPoolExecutor(4) as threads:
        others = pool.starmap_async(_place_in, [(root, path, into / "process") for root, path, into in jobs])
        found = list(threads.map(lambda job: _place_in(job[0], job[1], job[2] / "thread"), jobs))
        found += others.get()
    digests = {(placed.recorded.path, placed.digest.sha256) for placed in found}
    assert len(digests) == 2
    assert len(found) == 24


def test_an_interrupt_leaves_nothing(project: DvcProject, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_handle: int, _mode: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fchmod", interrupted)
    for path in ("one.csv", "data/raw"):
        with pytest.raises(KeyboardInterrupt):
            place(project, path, into)
        check_nothing_left(into)


def test_discard_is_content_with_what_is_not_there(tmp_path: Path) -> None:
    discard(tmp_path / "nothing")
