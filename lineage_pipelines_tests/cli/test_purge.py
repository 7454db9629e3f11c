"""`lineage purge`: bytes go, the digest stays, everything verifies, and every verb says what is gone, and why."""

import dataclasses
import getpass
from pathlib import Path

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.tombstones import list_tombstones
from lineage_pipelines.queries.verify.purge import draft_tombstone, find_blob
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.statement.code import SourceFile
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.faults.owner import unguarded
from lineage_pipelines_tests.postgres_server import MIGRATED, Server
from lineage_pipelines_tests.samples import make_record
from lineage_pipelines_tests.world import World

REASON = "it held a password"
PURGE = ("--reason", REASON, "--yes")
TRAIN = {"1": b"def train():\n    return 1\n", "2": b"def train():\n    return 2\n"}


@pytest.fixture
def store(world: World, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    """A project of two versions with different source and one patch, all of it stored."""
    (world.root / "pyproject.toml").write_text("[tool.lineage]\n")
    monkeypatch.chdir(world.root)
    settings = resolve_settings()
    store = ArtifactStore(settings.artifacts)
    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        for run in TRAIN:
            catalog.append(stored(store, run))
    return store


def stored(store: ArtifactStore, run: str) -> LineageRecord:
    record = make_record(run=run)
    for text in ("packages", "patch", f"model of flight_delay {run}"):
        store.put_bytes(text.encode())
    file = SourceFile(path="flights/train.py", sha256=store.put_bytes(TRAIN[run]).hex)
    assert record.code.source is not None
    source = dataclasses.replace(record.code.source, files=(file,))
    return dataclasses.replace(record, data=(), stages=(), code=dataclasses.replace(record.code, source=source))


def words(text: str) -> str:
    return " ".join(text.split())


def hex_of(data: bytes) -> str:
    return Digest.of(data).hex


def claims(lineage: Lineage, *more: str) -> dict[str, tuple[str, str]]:
    rows = lineage("verify", *more, "--format", "json").json()
    return {row["claim"]: (row["verdict"], row["detail"]) for row in rows}


def test_a_purged_file_is_gone_and_every_verb_says_when_by_whom_and_why(lineage: Lineage, store: ArtifactStore) -> None:
    assert claims(lineage)["artifacts"][0] == "PASS"
    said = lineage("purge", hex_of(TRAIN["1"])[:12], *PURGE)
    assert said.code == 0, said.err
    assert Digest.of(TRAIN["1"]) not in store
    verdict, detail = claims(lineage)["artifacts"]
    how = f"by {getpass.getuser()}: {REASON}"
    assert (verdict, "1 purged: flight_delay@1: source file flights/train.py, purged on" in detail) == ("PASS", True)
    assert how in detail
    assert all(each != "FAIL" for each, _ in claims(lineage).values())
    assert how in words(lineage("show", "flight_delay@1").out)
    (shown,) = lineage("show", "flight_delay@1", "--format", "json").json()["purged"]
    assert (shown["what"], shown["reason"]) == ("source file flights/train.py", REASON)
    assert "purged" not in lineage("show", "flight_delay@2").out
    compared = lineage("diff", "flight_delay@1", "flight_delay@2")
    assert "source file flights/train.py: purged on" in words(compared.out)
    assert how in words(lineage("diff", "flight_delay@1", "flight_delay@2", "--full").out)
    in_json = lineage("diff", "flight_delay@1", "flight_delay@2", "--format", "json").json()
    assert in_json["first"]["purged"][0].endswith(how)
    assert how in in_json["code"]["weaker"]
    assert in_json["second"]["purged"] == []
    again = lineage("reproduce", "flight_delay@1", "--check")
    assert again.code == 1
    assert how in words(lineage("reproduce", "flight_delay@1", "--check", "--full").out)


def test_a_file_that_no_record_names_is_refused(lineage: Lineage, store: ArtifactStore) -> None:
    stranger = store.put_bytes(b"nobody names this")
    said = lineage("purge", stranger.hex, *PURGE)
    assert said.code == 2
    assert "no record names a stored file" in said.err
    assert stranger in store
    assert lineage("purge", "abc", *PURGE).code == 2


def test_the_model_of_a_live_version_takes_force(lineage: Lineage, store: ArtifactStore) -> None:
    assert lineage("promote", "flight_delay@2", "--to", "production", "--reason", "good").code == 0
    model = hex_of(b"model of flight_delay 2")
    said = lineage("purge", model, *PURGE)
    assert said.code == 3
    assert "it is the model file of flight_delay@2, which is live" in said.err
    assert Digest("sha256", model) in store
    assert lineage("purge", hex_of(b"model of flight_delay 1"), *PURGE).code == 0
    assert lineage("purge", model, *PURGE, "--force", "--format", "json").json()["live"] == ["flight_delay@2"]
    assert Digest("sha256", model) not in store
    assert claims(lineage)["artifacts"][0] == "PASS"


def test_it_asks_first(lineage: Lineage, store: ArtifactStore) -> None:
    said = lineage("purge", hex_of(b"patch"), "--reason", REASON)
    assert said.code == 2
    assert "add --yes" in said.err
    assert "named by flight_delay@1, flight_delay@2" in words(said.err)
    assert Digest.of(b"patch") in store
    assert lineage("purge", hex_of(b"patch"), "--reason", "ghp_" + "a" * 36, "--yes").code == 2
    assert Digest.of(b"patch") in store


def test_what_a_later_version_names_is_needed_again(lineage: Lineage, store: ArtifactStore) -> None:
    """A tombstone excuses only what named the file before it."""
    lineage("purge", hex_of(b"patch"), *PURGE)
    settings = resolve_settings()
    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        catalog.append(dataclasses.replace(stored(store, "1"), model=make_record(run="3").model))
    verdict, detail = claims(lineage)["artifacts"]
    assert (verdict, "purged" in detail) == ("PASS", False)
    ArtifactStore(settings.artifacts).remove(Digest.of(b"patch"))
    verdict, detail = claims(lineage)["artifacts"]
    assert (verdict, "the patch: no stored file" in detail) == ("FAIL", True)


def test_what_comes_back_from_a_backup_is_named_and_removed_again(lineage: Lineage, store: ArtifactStore) -> None:
    lineage("purge", hex_of(b"patch"), *PURGE)
    store.put_bytes(b"patch")
    verdict, detail = claims(lineage)["artifacts"]
    assert (verdict, "purged, and stored again: the patch" in detail) == ("PASS", True)
    entries = len(lineage("log", "flight_delay", "--format", "json").json())
    first = lineage("purge", hex_of(b"patch"), *PURGE, "--format", "json").json()
    assert Digest.of(b"patch") not in store
    settings = resolve_settings()
    with Catalog(settings.catalog, read_only=True) as catalog:
        assert len(list(catalog.log.walk("tombstone"))) == 1
        assert list_tombstones(catalog)[hex_of(b"patch")].seq == first["entry"]
    assert entries == 2


def test_of_a_masked_source_file_the_copy_is_expected_and_shown(lineage: Lineage, store: ArtifactStore) -> None:
    settings = resolve_settings()
    copies = {"5": b"TOKEN = '<masked>'\nx = 1\n", "6": b"TOKEN = '<masked>'\nx = 2\n"}
    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        for run, copy in copies.items():
            record = stored(store, "1")
            file = SourceFile(path="flights/train.py", sha256=hex_of(run.encode()), masked=store.put_bytes(copy))
            assert record.code.source is not None
            source = dataclasses.replace(record.code.source, files=(file,))
            code = dataclasses.replace(record.code, source=source)
            catalog.append(dataclasses.replace(record, code=code, model=make_record(run=run).model))
    assert claims(lineage)["artifacts"][0] == "PASS"
    (changed,) = lineage("diff", "flight_delay@3", "flight_delay@4", "--format", "json").json()["code"]["files"]
    assert "-x = 1" in changed["patch"]
    store.remove(Digest.of(copies["6"]))
    verdict, detail = claims(lineage)["artifacts"]
    assert (verdict, "flight_delay@4: masked source file flights/train.py" in detail) == ("FAIL", True)


def test_damaged_copies_go_too(store: ArtifactStore) -> None:
    digest = Digest.of(b"patch")
    path = Path(store.url_of(digest))
    path.chmod(0o644)
    path.write_bytes(b"damaged, with a secret")
    store.put_bytes(b"patch")
    assert list(Path(store.url).glob(".bad/*/*"))
    assert store.remove(digest) == 2
    assert not list(Path(store.url).glob(".bad/*/*"))
    assert store.remove(digest) == 0


def test_a_forged_tombstone_is_named(lineage: Lineage, store: ArtifactStore, world: World) -> None:
    """Who can write the file but has no key cannot excuse a loss."""
    lineage("purge", hex_of(b"patch"), *PURGE)
    with unguarded(world.root / ".lineage" / "catalog.db") as owner:
        other = "CAST(replace(CAST(body AS TEXT), 'password', 'passwort') AS BLOB)"
        owner.execute(f"UPDATE log SET body = {other} WHERE kind = 'tombstone'")
    found = claims(lineage)
    assert (found["entries"][0], found["artifacts"][0]) == ("FAIL", "FAIL")
    assert store is not None


def test_a_tombstone_in_postgresql(postgresql: Server, tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path / "artifacts"))
    with (
        postgresql.database(template=MIGRATED) as name,
        Catalog(postgresql.url(name), keys=tmp_path / "keys") as catalog,
    ):
        catalog.append(stored(store, "1"))
        found = find_blob(catalog, store, hex_of(b"patch"))
        catalog.registry.purge(draft_tombstone(found, by="ann", reason=REASON))
        store.remove(found.digest)
        answers = {str(each.kind): each for each in verify_catalog(catalog, artifacts=store)}
    assert "flight_delay@1: the patch, purged on" in answers["artifacts"].detail
    assert not any(each.failed for each in answers.values())
