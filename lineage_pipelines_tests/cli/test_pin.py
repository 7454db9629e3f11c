"""`lineage pin`, as a person uses it, in a real project."""

import dataclasses
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.records.values.digest import DigestSet
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.datasets.sandboxes import snapshot, state_of
from lineage_pipelines_tests.samples import make_record
from lineage_pipelines_tests.world import World


@pytest.fixture
def flights(world: World, monkeypatch: pytest.MonkeyPatch, lineage: Lineage) -> World:
    """Three versions, each of other data; the first was in production, the second is."""
    monkeypatch.chdir(world.root)
    world.write("pyproject.toml", "[tool.lineage]\n")
    world.write(".gitignore", "/.lineage\n")
    world.commit()
    settings = resolve_settings(start=world.root)
    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        for run in "123":
            world.write("data/raw/1.csv", "the same\n")
            world.write("data/raw/2.csv", f"{run}\n")
            world.track("data/raw")
            world.commit(run)
            record = make_record(run=run)
            catalog.append(dataclasses.replace(record, data=(snapshot(world, "data/raw"),), stages=()))
    for version in "12":
        assert lineage("promote", f"flight_delay@{version}", "--to", "production", "--reason", "better").code == 0
    return world


def remote_of(world: World, tmp_path: Path) -> Path:
    remote = tmp_path / "remote"
    remote.mkdir()
    world.configure(f"[core]\n    remote = store\n['remote \"store\"']\n    url = {remote}\n")
    return remote


def test_all_that_ever_was_in_production_is_kept(flights: World, lineage: Lineage, tmp_path: Path) -> None:
    remote = remote_of(flights, tmp_path)
    said = lineage("pin")
    assert (said.code, said.err) == (0, "")
    assert "5 objects of 2 versions" in said.out, "two files and a listing each; one file is the same"
    assert "pinned before: 0, new: 5" in said.out
    assert "on the remote 'store' before: 0, pushed: 5" in said.out
    assert sum(path.is_file() for path in remote.rglob("*")) == 5
    flights.dvc("gc", "-w", "-f")
    assert "pinned before: 5, new: 0" in lineage("pin").out
    assert lineage("verify", "flight_delay@1", "--format", "json").json()
    data = {claim["claim"]: claim for claim in lineage("verify", "--format", "json").json()}["data"]
    assert data["verdict"] == "PASS", data["detail"]


@pytest.mark.usefixtures("flights")
def test_a_version_that_is_named_is_kept(lineage: Lineage) -> None:
    answer = lineage("pin", "flight_delay@3", "flight_delay@production", "--no-push", "--format", "json")
    assert answer.code == 0
    said = answer.json()
    assert said["versions"] == ["flight_delay@3", "flight_delay@2"]
    assert (said["objects"], said["added"], said["push"]) == (5, 5, None)


def test_what_is_missing_is_named(flights: World, lineage: Lineage) -> None:
    flights.dvc("gc", "-w", "-f")  # nothing was pinned yet
    said = lineage("pin", "--format", "json")
    assert said.code == 1
    missing = said.json()["missing"]
    assert [(one["path"], one["state"], one["versions"]) for one in missing] == [
        ("data/raw", "absent", ["flight_delay@1"]),
        ("data/raw", "absent", ["flight_delay@2"]),
    ]
    text = lineage("pin")
    assert text.code == 1
    assert "not kept, or not whole" in text.out
    assert "restore it from a copy" in text.out


def test_a_dry_run_changes_nothing(flights: World, lineage: Lineage, tmp_path: Path) -> None:
    remote = remote_of(flights, tmp_path)
    before = state_of(flights.root / ".dvc" / "cache")
    said = lineage("pin", "--dry-run")
    assert said.code == 0
    assert "to be added: 5" in said.out
    assert "to be pushed: 5" in said.out
    assert not (flights.root / ".dvc" / "lineage-pins").exists()
    assert list(remote.iterdir()) == []
    assert state_of(flights.root / ".dvc" / "cache") == before


@pytest.mark.usefixtures("flights")
def test_without_a_remote_it_is_said_that_there_is_no_other_copy(lineage: Lineage) -> None:
    said = lineage("pin", "--format", "markdown")
    assert said.code == 0
    assert "there is no default remote" in said.out


def test_a_source_that_is_gone_is_listed_and_no_reason(flights: World, lineage: Lineage) -> None:
    settings = resolve_settings(start=flights.root)
    gone = make_record(run="4")  # its preparation began with data/raw, which is another one here
    data = dataclasses.replace(gone, data=(snapshot(flights, "data/raw"),))
    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        catalog.append(data)
    said = lineage("pin", "flight_delay@4", "--format", "json")
    assert said.code == 0
    assert [(one["path"], one["source"]) for one in said.json()["missing"]] == [("data/raw", True)]


def test_data_without_an_md5_cannot_be_kept(flights: World, lineage: Lineage) -> None:
    settings = resolve_settings(start=flights.root)
    nameless = dataclasses.replace(snapshot(flights, "data/raw"), digest=DigestSet(sha256="0" * 64))
    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        catalog.append(dataclasses.replace(make_record(run="4"), data=(nameless,), stages=()))
    said = lineage("pin", "flight_delay@4")
    assert said.code == 1
    assert "cannot be located" in said.out


@pytest.mark.usefixtures("project")
def test_nothing_in_production_needs_nothing(lineage: Lineage) -> None:
    said = lineage("pin")
    assert said.code == 0
    assert "No version is or ever was in production" in said.out


@pytest.mark.usefixtures("flights")
def test_an_unknown_version_is_refused(lineage: Lineage) -> None:
    said = lineage("pin", "flight_delay@9")
    assert said.code == 2
    assert "no version 9" in said.err
