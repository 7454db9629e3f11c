"""By which commit a `.dvc` file came to name its data."""

import subprocess
from pathlib import Path

import pytest

from lineage_pipelines.capture.git.file_history import find_deliveries
from lineage_pipelines_tests.world import World

FIRST, SECOND = "a" * 32, "b" * 32


def tracked(world: World, name: str, md5: str) -> None:
    """Write a `.dvc` file."""
    world.write(name, f"outs:\n- md5: {md5}\n  path: x\n")


@pytest.mark.parametrize("name", ["x.dvc", "a b/x y.dvc", 'días/größe "1".dvc', "[a]/*.dvc"])
def test_the_latest_commit_that_wrote_the_digest_is_found(world: World, name: str) -> None:
    tracked(world, name, FIRST)
    world.commit()
    tracked(world, name, SECOND)
    tracked(world, "other.dvc", FIRST)
    world.commit()
    tracked(world, name, FIRST)
    revision = world.commit()
    world.append(name, "desc: more\n")
    tracked(world, "other.dvc", SECOND)
    world.commit()
    found, gaps = find_deliveries(world.root, {name: FIRST})
    assert found[name].revision == revision
    assert not gaps


def test_what_came_by_a_branch_is_of_the_commit_on_the_branch(world: World) -> None:
    tracked(world, "x.dvc", FIRST)
    world.commit()
    world.git("checkout", "-q", "-b", "side")
    tracked(world, "x.dvc", SECOND)
    revision = world.commit()
    world.git("checkout", "-q", "main")
    world.write("else.txt", "x")
    world.commit()
    world.git("merge", "-q", "--no-ff", "-m", "Merge", "side")
    assert find_deliveries(world.root, {"x.dvc": SECOND})[0]["x.dvc"].revision == revision


def test_a_project_below_the_repository(world: World) -> None:
    tracked(world, "deep/sub/x.dvc", FIRST)
    tracked(world, "x.dvc", SECOND)
    revision = world.commit()
    found, _ = find_deliveries(world.path("deep"), {"sub/x.dvc": FIRST})
    assert found["sub/x.dvc"].revision == revision


def test_what_is_not_committed_is_a_gap(world: World) -> None:
    tracked(world, "x.dvc", FIRST)
    world.commit()
    tracked(world, "x.dvc", SECOND)
    world.commit()
    tracked(world, "x.dvc", FIRST)
    tracked(world, "new.dvc", FIRST)
    said = ("sources.delivery: new.dvc, x.dvc: not committed as it is now",)
    assert find_deliveries(world.root, {"x.dvc": FIRST, "new.dvc": FIRST}) == ({}, said)


def test_a_shallow_clone_does_not_blame_its_oldest_commit(world: World, tmp_path: Path) -> None:
    tracked(world, "x.dvc", FIRST)
    world.commit()
    world.write("else.txt", "x")
    world.commit()
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{world.root}", str(clone)], check=True)
    said = ("sources.delivery: x.dvc: the clone is too shallow to tell by which commit",)
    assert find_deliveries(clone, {"x.dvc": FIRST}) == ({}, said)


def test_without_git_that_is_said(tmp_path: Path) -> None:
    world = World(tmp_path / "alone", git=False)
    assert find_deliveries(world.root, {"x.dvc": FIRST}) == ({}, ("sources.delivery: no Git repository",))
    assert find_deliveries(world.root, {}) == ({}, ())
