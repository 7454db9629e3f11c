"""Whoever changes the catalog is found out: which entry, and against what."""

import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from lineage_pipelines.artifacts import ArtifactStore
from lineage_pipelines.catalog import Catalog
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.queries import CheckedClaim, Verdict, verify_catalog
from lineage_pipelines_tests.faults.owner import unguarded
from lineage_pipelines_tests.samples import make_record

RECORDS = 6
Edit = Callable[[sqlite3.Connection], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalog of six versions, with its key."""
    with Catalog(f"sqlite:///{tmp_path}/catalog.db", keys=tmp_path / "keys") as catalog:
        for number in range(RECORDS):
            catalog.append(make_record(run=str(number)))
    return tmp_path


def checkpoint(folder: Path) -> str:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True, keys=folder / "keys") as catalog:
        return catalog.checkpoint()


def verify(folder: Path, anchor: str | None = None) -> dict[str, CheckedClaim]:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        claims = verify_catalog(catalog, anchor=anchor, anchor_name="the auditor's copy")
    return {claim.claim: claim for claim in claims}


def tamper(folder: Path, *statements: str) -> None:
    with unguarded(folder / "catalog.db") as raw:
        for statement in statements:
            raw.execute(statement)


def failed(claims: dict[str, CheckedClaim]) -> set[str]:
    return {name for name, claim in claims.items() if claim.verdict is Verdict.FAIL}


def test_an_honest_catalog_passes_and_says_what_it_did_not_check(folder: Path) -> None:
    claims = verify(folder, checkpoint(folder))
    assert {name: claim.verdict for name, claim in claims.items()} == {
        "entries": Verdict.PASS,
        "signatures": Verdict.PASS,
        "order": Verdict.PASS,
        "decisions": Verdict.PASS,
        "checkpoint": Verdict.PASS,
        "artifacts": Verdict.NOT_CHECKED,
    }
    assert verify(folder)["checkpoint"].verdict is Verdict.NOT_CHECKED


def test_an_honest_catalog_may_grow(folder: Path) -> None:
    anchor = checkpoint(folder)
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        for number in range(RECORDS, RECORDS + 5):
            catalog.append(make_record(run=str(number)))
        catalog.rebuild()
    assert failed(verify(folder, anchor)) == set()


# Entry 1 introduces the key; entries 2 to 7 are the records.
@pytest.mark.parametrize(
    ("statements", "claim", "words"),
    [
        (["UPDATE log SET body = CAST(body || ' ' AS BLOB) WHERE seq = 3"], "entries", "entry 3 (record)"),
        (["UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 4"], "checkpoint", "first 7 entries"),
        (["UPDATE log SET signature = zeroblob(64) WHERE seq = 5"], "signatures", "entry 5 (record)"),
        (["UPDATE log SET signature = NULL, keyid = NULL WHERE seq = 5"], "signatures", "entry 5 (record)"),
        (["UPDATE log SET keyid = 'another' WHERE seq = 5"], "signatures", "entry 5 (record)"),
        (["UPDATE log SET kind = 'key' WHERE seq = 5"], "signatures", "entry 5 (key)"),
        (["DELETE FROM version WHERE seq = 7", "DELETE FROM usage WHERE seq = 7", "DELETE FROM log WHERE seq = 7"],
         "checkpoint", "entries 7 to 7 are gone"),
        (["DELETE FROM log WHERE seq = 4"], "order", "entry 5 (record) stands where entry 4 should"),
        (["UPDATE log SET seq = -3 WHERE seq = 3", "UPDATE log SET seq = 3 WHERE seq = 4",
          "UPDATE log SET seq = 4 WHERE seq = -3"], "order", "entry 3 (record)"),
        (["UPDATE version SET version = 9 WHERE version = 2"], "order", "flight_delay@9"),
    ],
)  # fmt: skip
def test_every_change_is_found_and_named(folder: Path, statements: list[str], claim: str, words: str) -> None:
    anchor = checkpoint(folder)
    tamper(folder, *statements)
    claims = verify(folder, anchor)
    assert claims[claim].verdict is Verdict.FAIL
    assert words in claims[claim].detail


def test_a_catalog_that_was_written_anew_is_found_by_the_checkpoint_alone(folder: Path, tmp_path: Path) -> None:
    """Whoever has the key can make a whole new log that agrees with itself. The auditor's copy does not agree."""
    anchor = checkpoint(folder)
    forged = tmp_path / "forged"
    shutil.copytree(folder / "keys", forged / "keys")
    with Catalog(f"sqlite:///{forged}/catalog.db", keys=forged / "keys") as catalog:
        for number in range(RECORDS):
            catalog.append(make_record(run=str(number), auc=0.99))
    assert failed(verify(forged)) == set()
    claims = verify(forged, anchor)
    assert failed(claims) == {"checkpoint"}
    assert "another log" in claims["checkpoint"].detail


def test_a_rewritten_tail_is_found_by_the_checkpoint(folder: Path, tmp_path: Path) -> None:
    early = tmp_path / "early"
    shutil.copytree(folder, early)
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        catalog.append(make_record(run="true"))
    anchor = checkpoint(folder)
    with Catalog(f"sqlite:///{early}/catalog.db", keys=early / "keys") as catalog:
        catalog.append(make_record(run="false"))
    claims = verify(early, anchor)
    assert failed(claims) == {"checkpoint"}
    assert "the first 8 entries" in claims["checkpoint"].detail


def test_a_checkpoint_that_somebody_else_signed_is_none(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with Catalog(f"sqlite:///{other}/catalog.db", keys=other / "keys") as catalog:
        catalog.append(make_record())
    true, false = checkpoint(folder), checkpoint(other)
    forged = true.partition("\n\n")[0] + "\n\n" + false.partition("\n\n")[2]
    assert "not signed by a key of this log" in verify(folder, forged)["checkpoint"].detail


@pytest.mark.parametrize("text", ["", "x", "a\n1\n", "a\n1\nAAAA\n\n", "a\n-1\n" + "A" * 43 + "=\n\n", "\0" * 200_000])
def test_what_is_no_checkpoint_is_told(folder: Path, text: str) -> None:
    with pytest.raises(CatalogError, match="not a checkpoint") as told:
        verify(folder, text)
    assert "lineage checkpoint" in told.value.fix


def test_model_files_are_compared_with_the_store(folder: Path) -> None:
    store = ArtifactStore(str(folder / "artifacts"))
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        claims = {claim.claim: claim for claim in verify_catalog(catalog, artifacts=store)}
    assert claims["artifacts"].verdict is Verdict.FAIL
    assert "flight_delay@1" in claims["artifacts"].detail


def test_a_catalog_from_before_there_were_keys_is_not_checked_and_goes_on(tmp_path: Path) -> None:
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        catalog.append(make_record(run="old"))
    assert verify(tmp_path)["signatures"].verdict is Verdict.NOT_CHECKED
    with Catalog(f"sqlite:///{tmp_path}/catalog.db", keys=tmp_path / "keys") as catalog:
        catalog.append(make_record(run="new"))
    claims = verify(tmp_path, checkpoint(tmp_path))
    assert failed(claims) == set()
    assert "1 entries have no signature" in claims["signatures"].detail


# The key


def test_the_key_is_private_and_made_once(folder: Path) -> None:
    key = folder / "keys" / "log.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        catalog.append(make_record(run="again"))
        assert [entry.kind for entry in catalog.walk()].count("key") == 1
    assert key.read_bytes() == before


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda key: key.chmod(0o644), "chmod 600"),
        (lambda key: key.write_text("no key"), "Ed25519"),
        (lambda key: key.write_bytes(b""), "Ed25519"),
    ],
)
def test_a_key_that_cannot_be_trusted_signs_nothing(folder: Path, spoil: Callable[[Path], object], words: str) -> None:
    spoil(folder / "keys" / "log.pem")
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        with pytest.raises(CatalogError) as told:
            catalog.append(make_record(run="new"))
        assert words in str(told.value)
        assert len(catalog.entries("flight_delay")) == RECORDS


def test_a_new_key_is_introduced_and_the_old_signatures_stay_valid(folder: Path) -> None:
    (folder / "keys" / "log.pem").rename(folder / "old.pem")
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        catalog.append(make_record(run="new"))
    claims = verify(folder, checkpoint(folder))
    assert failed(claims) == set()
    assert "2 keys" in claims["signatures"].detail


def test_without_its_key_a_machine_makes_no_checkpoint(folder: Path) -> None:
    (folder / "keys" / "log.pem").unlink()
    with pytest.raises(CatalogError, match="cannot be read"):
        checkpoint(folder)
