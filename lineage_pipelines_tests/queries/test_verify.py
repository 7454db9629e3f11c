"""Whoever changes the catalog is found out: which entry, and against what."""

import dataclasses
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.connection import CatalogConnection
from lineage_pipelines.catalog.log.catalog_log import CatalogLog
from lineage_pipelines.catalog.log.entries import LogEntry
from lineage_pipelines.catalog.transparency.checkpoint_note import read_note, write_note
from lineage_pipelines.catalog.transparency.signing import ApprovalKey, LogKey
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.queries.registry.approval_status import draft_approval
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.decisions.approval import encode_envelope
from lineage_pipelines.records.decisions.key_event import encode_key_event
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.finding import Finding, FindingStatus
from lineage_pipelines_tests.faults.owner import unguarded
from lineage_pipelines_tests.queries.conftest import RECORDS
from lineage_pipelines_tests.samples import make_record

Edit = Callable[[sqlite3.Connection], object]


def checkpoint(folder: Path) -> str:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True, keys=folder / "keys") as catalog:
        return catalog.log.checkpoint()


def verify(folder: Path, anchor: str | None = None) -> dict[str, Finding]:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        claims = verify_catalog(catalog, anchor=anchor, anchor_name="the auditor's copy")
    return {str(claim.kind): claim for claim in claims}


def tamper(folder: Path, *statements: str) -> None:
    with unguarded(folder / "catalog.db") as raw:
        for statement in statements:
            raw.execute(statement)


def failed(claims: dict[str, Finding]) -> set[str]:
    return {name for name, claim in claims.items() if claim.failed}


def test_an_honest_catalog_passes_and_says_what_it_did_not_check(folder: Path) -> None:
    claims = verify(folder, checkpoint(folder))
    assert {name: claim.status for name, claim in claims.items()} == {
        "entries": FindingStatus.OK,
        "signatures": FindingStatus.OK,
        "order": FindingStatus.OK,
        "decisions": FindingStatus.OK,
        "approvals": FindingStatus.OK,
        "index": FindingStatus.OK,
        "checkpoint": FindingStatus.OK,
        "artifacts": FindingStatus.NOT_CHECKED,
        "data": FindingStatus.NOT_CHECKED,
    }
    assert verify(folder)["checkpoint"].status is FindingStatus.NOT_CHECKED


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
        (["UPDATE log SET body = CAST(body || ' ' AS BLOB) WHERE seq = 3"], "entries", "entry 3 (record, "),
        (["UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 4"], "checkpoint", "first 7 entries"),
        (["UPDATE log SET signature = zeroblob(64) WHERE seq = 5"], "signatures", "entry 5 (record, flight_delay@4)"),
        (
            ["UPDATE log SET signature = NULL, keyid = NULL WHERE seq = 5"],
            "signatures",
            "entry 5 (record, flight_delay@4)",
        ),
        (["UPDATE log SET keyid = 'another' WHERE seq = 5"], "signatures", "entry 5 (record, flight_delay@4)"),
        (["UPDATE log SET kind = 'key' WHERE seq = 5"], "signatures", "entry 5 (key)"),
        (["DELETE FROM version WHERE seq = 7", "DELETE FROM usage WHERE seq = 7", "DELETE FROM log WHERE seq = 7"],
         "checkpoint", "entries 7 to 7 are gone"),
        (["DELETE FROM log WHERE seq = 4"], "order", "entry 4 is missing before entry 5 (record, flight_delay@4)"),
        (["UPDATE log SET seq = -3 WHERE seq = 3", "UPDATE log SET seq = 3 WHERE seq = 4",
          "UPDATE log SET seq = 4 WHERE seq = -3"], "order", "entry 3 (record, flight_delay@2)"),
        (["UPDATE version SET version = 9 WHERE version = 2"], "order", "flight_delay@9"),
    ],
)  # fmt: skip
def test_every_change_is_found_and_named(folder: Path, statements: list[str], claim: str, words: str) -> None:
    anchor = checkpoint(folder)
    tamper(folder, *statements)
    claims = verify(folder, anchor)
    assert claims[claim].status is FindingStatus.FAIL
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
        claims = {str(claim.kind): claim for claim in verify_catalog(catalog, artifacts=store)}
    assert claims["artifacts"].status is FindingStatus.FAIL
    assert "flight_delay@1" in claims["artifacts"].detail


def test_a_catalog_from_before_there_were_keys_is_not_checked_and_goes_on(tmp_path: Path) -> None:
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        catalog.append(make_record(run="old"))
    assert verify(tmp_path)["signatures"].status is FindingStatus.NOT_CHECKED
    with Catalog(f"sqlite:///{tmp_path}/catalog.db", keys=tmp_path / "keys") as catalog:
        catalog.append(make_record(run="new"))
    claims = verify(tmp_path, checkpoint(tmp_path))
    assert failed(claims) == set()
    assert "1 entries have no signature" in claims["signatures"].detail


# Clocks


def recorded(folder: Path, seq: int, time: str) -> None:
    tamper(folder, *(f"UPDATE {table} SET recorded = '{time}' WHERE seq = {seq}" for table in ("log", "summary")))


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("2013-01-01T00:00:00.000000Z", "warning: 1 entries were committed before the entry before them, by their"),
        (
            "2999-01-01T00:00:00.000000Z",
            "warning: 1 entries were committed in the future, by their clock, first entry 4",
        ),
    ],
)
def test_a_clock_that_was_wrong_is_a_warning(folder: Path, time: str, words: str) -> None:
    recorded(folder, 4, time)
    claims = verify(folder)
    assert failed(claims) == set()
    assert words in claims["order"].detail
    assert "warning" not in verify(folder)["entries"].detail


@pytest.mark.parametrize("time", ["", "yesterday", "2013-01-01T00:00:00.000000Zx", "٢013-01-01T00:00:00.000000Z"])
def test_a_time_that_is_none_is_named(folder: Path, time: str) -> None:
    recorded(folder, 4, time)
    claims = verify(folder)
    assert claims["entries"].places == (4,)
    assert "its time of commit is not a time" in claims["entries"].detail


# What is wrong, whole


def test_everything_that_is_wrong_is_kept_though_five_are_shown(folder: Path) -> None:
    tamper(folder, "UPDATE log SET signature = zeroblob(64)")
    claim = verify(folder)["signatures"]
    assert claim.places == (1, 2, 3, 4, 5, 6, 7)
    assert len(claim.causes) == RECORDS + 1
    assert claim.detail.endswith("; and 2 more")


def test_a_gap_is_told_once(folder: Path) -> None:
    tamper(folder, "DELETE FROM log WHERE seq IN (3, 4)")
    claim = verify(folder)["order"]
    assert [cause.detail for cause in claim.causes] == [
        "entries 3 to 4 are missing before entry 5 (record, flight_delay@4)",
        "entry 5 (record, flight_delay@4) does not follow the record of flight_delay before it",
        "the index names entry 3, which the log does not have",
        "the index names entry 4, which the log does not have",
    ]
    assert claim.places == (3, 4, 5)


class BusyLog(CatalogLog):
    """A log that another process appends to whenever it is walked over."""

    def __init__(self, connection: CatalogConnection, folder: Path) -> None:
        super().__init__(connection, None)
        self._folder = folder

    def walk(self, kind: str | None = None, *, after: int = 0, until: int | None = None) -> Iterator[LogEntry]:
        with Catalog(f"sqlite:///{self._folder}/catalog.db", keys=self._folder / "keys") as catalog:
            catalog.append(make_record(run=f"meanwhile {kind} {len(catalog.entries('flight_delay'))}"))
        yield from super().walk(kind, after=after, until=until)


def test_what_is_committed_meanwhile_is_no_alarm(folder: Path) -> None:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        catalog.log = BusyLog(catalog.connection, folder)
        claims = {str(claim.kind): claim for claim in verify_catalog(catalog)}
    assert failed(claims) == set()
    assert claims["entries"].detail.startswith("8 entries")


def test_a_version_that_the_index_does_not_have_is_named(folder: Path) -> None:
    tamper(folder, "DELETE FROM version WHERE seq = 7")
    claim = verify(folder)["order"]
    assert [cause.detail for cause in claim.causes] == ["entry 7 (record) is flight_delay@6; the index says no version"]
    assert claim.places == (7,)


def test_a_version_that_is_no_record_is_named(folder: Path) -> None:
    tamper(folder, "UPDATE log SET kind = 'note' WHERE seq = 7")
    claim = verify(folder)["order"]
    assert [cause.detail for cause in claim.causes] == ["entry 7 (note) is not a record; the index says flight_delay@6"]


# Keys for approvals


def sign_with(folder: Path, seq: int, key: LogKey) -> None:
    with unguarded(folder / "catalog.db") as raw:
        kind, body = raw.execute("SELECT kind, body FROM log WHERE seq = ?", (seq,)).fetchone()
        raw.execute("UPDATE log SET keyid = ?, signature = ? WHERE seq = ?", (key.keyid, key.sign(kind, body), seq))


def test_a_key_that_is_for_approvals_signs_no_entry(folder: Path) -> None:
    own = ApprovalKey(folder / "ann.pem", create=True)
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        catalog.registry.introduce_key(own.introduction("ann@example.org"))
        catalog.append(make_record(run="later"))
    assert failed(verify(folder)) == set()
    sign_with(folder, 9, LogKey(folder / "ann.pem", create=False))
    claim = verify(folder)["signatures"]
    assert (claim.status, claim.places) == (FindingStatus.FAIL, (9,))
    assert "was signed by a key that is for approvals" in claim.detail


def test_a_key_for_approvals_signs_no_checkpoint(folder: Path) -> None:
    own = ApprovalKey(folder / "ann.pem", create=True)
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        catalog.registry.introduce_key(own.introduction("ann@example.org"))
        point = read_note(catalog.log.checkpoint(), where="here")
    claim = verify(folder, write_note(point, LogKey(folder / "ann.pem", create=False)))["checkpoint"]
    assert claim.status is FindingStatus.FAIL
    assert "not signed by a key of this log" in claim.detail


def test_a_key_for_approvals_that_nobody_proved_to_hold_is_named(folder: Path) -> None:
    own = ApprovalKey(folder / "ann.pem", create=True)
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        seq = catalog.registry.introduce_key(own.introduction("ann@example.org"))
    forged = encode_key_event(dataclasses.replace(own.introduction("ann@example.org"), owner="bob@example.org"))
    with unguarded(folder / "catalog.db") as raw:
        raw.execute("UPDATE log SET body = ?, digest = ? WHERE seq = ?", (forged, Digest.of(forged).hex, seq))
    sign_with(folder, seq, LogKey(folder / "keys" / "log.pem"))
    claim = verify(folder)["signatures"]
    assert (claim.status, claim.places) == (FindingStatus.FAIL, (seq,))
    assert "does not prove" in claim.detail


def test_an_approval_that_its_approver_did_not_sign_is_named(folder: Path) -> None:
    own = ApprovalKey(folder / "ann.pem", create=True)
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        catalog.registry.introduce_key(own.introduction("ann@example.org"))
        latest = catalog.latest("flight_delay")
        assert latest is not None
        approval = draft_approval(catalog, latest, "production", key=own.keyid, reason="good", project_dir=folder)
        signed = own.approve(approval)
        seq = catalog.registry.approve(signed)
    claims = verify(folder)
    assert failed(claims) == set()
    assert claims["approvals"].detail.startswith("1 approvals")
    forged = encode_envelope(dataclasses.replace(signed, signature=bytes(64)))
    with unguarded(folder / "catalog.db") as raw:
        raw.execute("UPDATE log SET body = ?, digest = ? WHERE seq = ?", (forged, Digest.of(forged).hex, seq))
    sign_with(folder, seq, LogKey(folder / "keys" / "log.pem"))
    claims = verify(folder)
    assert failed(claims) == {"approvals"}
    assert claims["approvals"].places == (seq,)


# The key


def test_the_key_is_private_and_made_once(folder: Path) -> None:
    key = folder / "keys" / "log.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        catalog.append(make_record(run="again"))
        assert [entry.kind for entry in catalog.log.walk()].count("key") == 1
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
