"""A checkout that says what a record says: the data of one version under the code of another."""

from hashlib import md5, sha256
from pathlib import Path

import pytest

from lineage_pipelines.datasets.content.cache_layout import object_place
from lineage_pipelines.datasets.content.hashing import MD5_UNIX
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.data_state import NamedData, StoredState
from lineage_pipelines.datasets.workspace.object_search import provision
from lineage_pipelines.datasets.workspace.recorded_checkout import use_cache, write_recorded
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, StageRun
from lineage_pipelines.records.values.digest import DigestSet
from lineage_pipelines_tests.datasets.sandboxes import clone, placed, snapshot, state_of
from lineage_pipelines_tests.world import World

PIPELINE = """\
stages:
  clean:
    cmd: mkdir -p data/clean && cat data/raw/* > data/clean/all.csv && cp params.yaml data/clean/params
    deps:
    - data/raw
    params:
    - rows
    outs:
    - data/clean
"""
Version = tuple[tuple[StageRun, ...], tuple[DatasetSnapshot, ...]]


def version(world: World, *paths: str) -> Version:
    """Return the preparation and the data as a record of now has them."""
    runs = DvcProject(world.root).chain("data/clean")
    return runs, tuple(snapshot(world, path) for path in paths)


@pytest.fixture
def first(world: World) -> Version:
    """A pipeline that ran; its `.dvc` file has a comment."""
    world.write("data/raw/a.csv", "1\n")
    world.write("data/raw/b.csv", "2\n")
    world.write("params.yaml", "rows: 1.0\n")
    world.write("dvc.yaml", PIPELINE)
    world.track("data/raw")
    world.append("data/raw.dvc", "# kept by Ada\nmeta:\n  owner: 'ada'\n")
    world.repro()
    world.commit("First")
    return version(world, "data/clean", "data/raw")


@pytest.fixture
def second(world: World, first: Version) -> Version:
    """All of it changed since."""
    assert first
    world.write("data/raw/b.csv", "20\n")
    world.write("params.yaml", "rows: 2.0\n")
    world.track("data/raw")
    world.repro()
    world.commit("Second")
    return version(world, "data/clean", "data/raw")


def sandbox(world: World, tmp_path: Path, revision: str, data: tuple[DatasetSnapshot, ...]) -> Path:
    wanted = [NamedData(path=one.path, md5=one.digest.md5 or "", sha256=one.digest.sha256) for one in data]
    found = provision(DvcProject(world.root), wanted, tmp_path / "cache")
    assert {one.state for one in found} == {StoredState.EQUAL}
    root = clone(world, tmp_path / "clone", revision)
    use_cache(root, tmp_path / "cache")
    return root


@pytest.mark.parametrize("revision", ["HEAD", "HEAD~1"])
def test_the_data_of_one_version_under_the_code_of_another(
    world: World, tmp_path: Path, first: Version, second: Version, revision: str
) -> None:
    before = state_of(world.root)
    runs, data = first if revision == "HEAD" else second
    root = sandbox(world, tmp_path, revision, data)
    assert write_recorded(root, runs, data) == ()
    raw = {"a.csv": b"1\n", "b.csv": b"2\n" if revision == "HEAD" else b"20\n"}
    clean = placed(root, "data/clean", tmp_path / "1")
    assert clean["all.csv"] == b"".join(raw.values())
    assert clean["params"] == (b"rows: 1.0\n" if revision == "HEAD" else b"rows: 2.0\n")
    assert placed(root, "data/raw", tmp_path / "2") == raw
    assert DvcProject(root).chain("data/clean") == runs, "the preparation as the record has it, its digest too"
    owner = "ada" if revision == "HEAD" else "'ada'"  # DVC itself took the quotes away
    assert f"# kept by Ada\nmeta:\n  owner: {owner}\n" in (root / "data/raw.dvc").read_text()
    assert state_of(world.root) == before


def test_what_is_recorded_already_is_not_rewritten(world: World, tmp_path: Path, first: Version) -> None:
    runs, data = first
    root = sandbox(world, tmp_path, "HEAD", data)
    before = {name: (root / name).stat().st_ino for name in ("dvc.lock", "data/raw.dvc")}
    assert write_recorded(root, runs, data) == ()
    assert {name: (root / name).stat().st_ino for name in before} == before


def test_a_lock_file_that_was_never_committed_is_made(world: World, tmp_path: Path, first: Version) -> None:
    runs, data = first
    root = sandbox(world, tmp_path, "HEAD", data)
    text = (root / "dvc.lock").read_text()
    (root / "dvc.lock").unlink()
    assert write_recorded(root, runs, data) == ()
    assert DvcProject(root).chain("data/clean") == runs
    assert (root / "dvc.lock").read_text() == text, "byte for byte as DVC wrote it"


def test_the_data_alone_is_enough(world: World, tmp_path: Path, first: Version, second: Version) -> None:
    assert second
    root = sandbox(world, tmp_path, "HEAD", first[1])
    assert write_recorded(root, (), first[1]) == ()
    assert placed(root, "data/clean", tmp_path / "1")["all.csv"] == b"1\n2\n"


def test_parts_of_a_folder_that_is_not_known_whole(world: World, tmp_path: Path, first: Version) -> None:
    assert first
    world.write("data/raw/sub/c.csv", "3\n")
    world.track("data/raw")
    parts = tuple(snapshot(world, path) for path in ("data/raw/sub", "data/raw/a.csv"))
    world.write("data/raw/sub/c.csv", "30\n")
    world.write("data/raw/a.csv", "10\n")
    world.track("data/raw")
    world.commit("Moved on")
    whole = DvcProject(world.root).recorded("data/raw").content.md5
    assert whole
    wanted = [NamedData(path=one.path, md5=one.digest.md5 or "") for one in parts]
    (gone, file) = provision(DvcProject(world.root), wanted, tmp_path / "cache")
    assert (gone.state, file.state) == (StoredState.ABSENT, StoredState.EQUAL), "nobody says what was in the folder"
    root = clone(world, tmp_path / "clone")
    use_cache(root, tmp_path / "cache")
    assert write_recorded(root, (), parts) == ("data/raw/sub",)
    assert placed(root, "data/raw/a.csv", tmp_path / "1") == {"": b"1\n"}


def test_parts_that_are_found_without_their_folder(world: World, tmp_path: Path, first: Version) -> None:
    assert first
    world.write("data/raw/sub/c.csv", "3\n")
    world.track("data/raw")
    parts = tuple(snapshot(world, path) for path in ("data/raw/sub", "data/raw/a.csv"))
    world.write("data/raw/a.csv", "10\n")
    world.track("data/raw")
    world.commit("Moved on")
    root = sandbox(world, tmp_path, "HEAD", parts)  # the workspace has the one, the cache the other
    assert write_recorded(root, (), parts) == ()
    assert placed(root, "data/raw/sub", tmp_path / "1") == {"c.csv": b"3\n"}
    assert placed(root, "data/raw/a.csv", tmp_path / "2") == {"": b"1\n"}


def test_data_as_dvc_2_named_it(world: World, tmp_path: Path, first: Version) -> None:
    assert first
    data = b"a,b\r\n1,2\r\n"
    name = md5(data.replace(b"\r\n", b"\n")).hexdigest()
    old = object_place(world.path(".dvc/cache"), name, MD5_UNIX)
    old.parent.mkdir(exist_ok=True)
    old.write_bytes(data)
    wanted = NamedData(path="data/raw", md5=name, hash_name=MD5_UNIX)
    assert provision(DvcProject(world.root), [wanted], tmp_path / "cache")[0].state is StoredState.EQUAL
    root = clone(world, tmp_path / "clone")
    use_cache(root, tmp_path / "cache")
    said = DatasetSnapshot(
        name="x",
        role="train",
        path="data/raw",
        digest=DigestSet(md5=name, sha256=sha256(data).hexdigest()),
        size=len(data),
        files=1,
        extra={"hash": MD5_UNIX},
    )
    assert write_recorded(root, (), [said]) == ()
    assert placed(root, "data/raw", tmp_path / "1") == {"": data}


def test_what_the_checkout_does_not_track_is_returned(world: World, tmp_path: Path, first: Version) -> None:
    runs, data = first
    root = sandbox(world, tmp_path, "HEAD", data)
    other = DatasetSnapshot(
        name="x", role="train", path="data/other.csv", digest=DigestSet(md5="0" * 32, sha256="0" * 64), size=1, files=1
    )
    assert write_recorded(root, runs, [*data, other]) == ("data/other.csv",)
    assert DvcProject(root).chain("data/clean") == runs


def test_remotes_stay_and_the_site_cache_is_the_sandboxes_own(world: World, tmp_path: Path, first: Version) -> None:
    root = sandbox(world, tmp_path, "HEAD", first[1])
    (root / ".dvc/config.local").write_text("['remote \"far\"']\n    url = s3://b/p\n    secret_access_key = hidden\n")
    use_cache(root, tmp_path / "cache")
    text = (root / ".dvc/config.local").read_text()
    assert "secret_access_key = hidden" in text
    project = DvcProject(root)
    assert project.cache_dir == tmp_path / "cache"
    before = state_of(world.root)
    project.graph()  # DVC is asked, and makes notes
    assert (root / ".dvc/tmp/site").is_dir()
    assert state_of(world.root) == before
