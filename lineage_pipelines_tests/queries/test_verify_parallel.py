"""A log read by several processes, and signatures that were checked before: the same answers, nothing slips through."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.transparency.signing import LogKey
from lineage_pipelines.queries.verify import reader_pool
from lineage_pipelines.queries.verify.entry_reader import EntryReader
from lineage_pipelines.queries.verify.reader_pool import ReaderPool, read_log
from lineage_pipelines.queries.verify.trusted_checkpoints import CheckedSignatures
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.finding import Finding
from lineage_pipelines_tests.faults.owner import unguarded
from lineage_pipelines_tests.postgres_server import MIGRATED, Server
from lineage_pipelines_tests.samples import make_record

BEFORE = "of these signatures were checked here before"


def verify(
    folder: Path, *, workers: int = 0, checked: CheckedSignatures | None = None, files: bool = False
) -> Sequence[Finding]:
    store = ArtifactStore(str(folder / "artifacts")) if files else None
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        return verify_catalog(catalog, workers=workers, checked=checked, artifacts=store)


def claim(claims: Sequence[Finding], kind: str) -> Finding:
    return next(each for each in claims if str(each.kind) == kind)


def tamper(folder: Path, statement: str, *values: object) -> None:
    with unguarded(folder / "catalog.db") as raw:
        raw.execute(statement, values)


def body_of(folder: Path, seq: int) -> bytes:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        return next(catalog.log.walk(after=seq - 1, until=seq)).body


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of two entries, so that six versions take several processes."""
    monkeypatch.setattr(reader_pool, "_BATCH", 2)


TAMPERED = (
    "UPDATE log SET body = CAST(body || ' ' AS BLOB) WHERE seq = 4",
    "UPDATE log SET signature = zeroblob(64) WHERE seq = 3",
    "UPDATE log SET keyid = 'x' WHERE seq = 3",
    "UPDATE log SET recorded = '2013-01-01' WHERE seq = 5",
    "DELETE FROM log WHERE seq = 4",
    "UPDATE version SET version = 9 WHERE seq = 4",
    "DELETE FROM usage WHERE seq = 5",
    "UPDATE summary SET body = '{}' WHERE seq = 6",
    "DELETE FROM part",
    "UPDATE artifact SET seq = 99 WHERE seq = 3",
    "SELECT 1",
)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("statement", TAMPERED)
def test_several_processes_find_what_one_finds(folder: Path, statement: str) -> None:
    tamper(folder, statement)
    alone, several = verify(folder, files=True), verify(folder, workers=2, files=True)
    assert several == alone
    assert any(each.failed for each in alone if str(each.kind) != "artifacts") == (statement != "SELECT 1")


@pytest.mark.usefixtures("small_batches")
def test_a_process_that_is_killed_costs_nothing_but_time(folder: Path) -> None:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        entries = list(catalog.log.walk())
    reader = EntryReader(index_key=bytes(32), files=True)
    with ReaderPool(reader, 2) as pool:
        for process in pool._processes:  # as the system would
            process.kill()
            process.wait()
        found = pool.submit(entries, {}).result()
    with ReaderPool(reader, 2) as pool:
        pool.submit(entries, {}).result()
    assert all(process.poll() is not None for process in pool._processes), "none is left"
    assert found.readings == reader.read(entries, {}).readings
    (both,) = list(read_log(entries[:2], reader, 2))
    assert [reading.leaf for reading in both[1].readings] == [entry.leaf() for entry in entries[:2]]


def test_no_code_of_the_current_folder_runs(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = tmp_path / "checkout"
    hostile.mkdir()
    for name in ("json.py", "pickle.py", "lineage_pipelines.py"):
        (hostile / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.chdir(hostile)
    assert not any(each.failed for each in verify(folder, workers=2))
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("small_batches")
def test_several_processes_read_a_log_in_postgresql(postgresql: Server, tmp_path: Path) -> None:
    with postgresql.database(template=MIGRATED) as name:
        with Catalog(postgresql.url(name), keys=tmp_path / "keys") as catalog:
            for run in "12345":
                catalog.append(make_record(run=run))
            alone, several = verify_catalog(catalog, workers=0), verify_catalog(catalog, workers=2)
        assert several == alone
        assert not any(each.failed for each in several)


# Signatures that were checked before


@pytest.fixture
def checked(tmp_path: Path) -> CheckedSignatures:
    return CheckedSignatures(tmp_path / "cache")


def test_signatures_that_were_checked_here_are_counted_and_not_checked_again(
    folder: Path, checked: CheckedSignatures
) -> None:
    assert BEFORE not in claim(verify(folder, checked=checked), "signatures").detail
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        catalog.append(make_record(run="later"))
    again = claim(verify(folder, checked=checked), "signatures")
    assert again.detail.startswith(f"8 entries signed by 1 key of this log; 7 {BEFORE}")
    assert f"; 8 {BEFORE}" in claim(verify(folder, checked=checked), "signatures").detail
    every = CheckedSignatures(checked.folder, again=True)
    assert BEFORE not in claim(verify(folder, checked=every), "signatures").detail
    assert claim(verify(folder), "signatures").detail == "8 entries signed by 1 key of this log"


@pytest.mark.parametrize("workers", [0, 2])
def test_an_altered_entry_beneath_them_fails(folder: Path, checked: CheckedSignatures, workers: int) -> None:
    assert not any(each.failed for each in verify(folder, checked=checked))
    altered = body_of(folder, 4).replace(b"flight_delay", b"flight_decay")
    tamper(folder, "UPDATE log SET body = ? WHERE seq = 4", altered)
    found = verify(folder, checked=checked, workers=workers)
    assert claim(found, "entries").places == (4,)
    tamper(folder, "UPDATE log SET digest = ? WHERE seq = 4", Digest.of(altered).hex)
    found = verify(folder, checked=checked, workers=workers)
    assert 4 in claim(found, "signatures").places
    assert BEFORE not in claim(found, "signatures").detail
    for _ in range(2):  # and what failed is not stored as checked
        assert 4 in claim(verify(folder, checked=checked, workers=workers), "signatures").places


def test_a_signature_beneath_them_that_was_replaced_fails(folder: Path, checked: CheckedSignatures) -> None:
    verify(folder, checked=checked)
    other = LogKey(folder / "others" / "log.pem").sign("record", body_of(folder, 3))
    tamper(folder, "UPDATE log SET signature = ? WHERE seq = 3", other)
    assert claim(verify(folder, checked=checked), "signatures").places == (3,)


def test_what_was_stored_is_of_one_log_and_nothing_else_is_believed(folder: Path, checked: CheckedSignatures) -> None:
    verify(folder, checked=checked)
    (stored,) = checked.folder.iterdir()
    whole = stored.read_text()
    for text in ("", "6", "-1 00", f"999999 {'0' * 64}", f"7 {'0' * 64}", "7 zz", whole.replace("7 ", "6 ")):
        stored.write_text(text)
        assert BEFORE not in claim(verify(folder, checked=checked), "signatures").detail, text
    stored.write_text(whole)
    other = folder / "other"
    with Catalog(f"sqlite:///{folder}/other.db", keys=other) as catalog:
        catalog.append(make_record(run="1"))
        assert BEFORE not in claim(verify_catalog(catalog, checked=checked), "signatures").detail
    assert len(list(checked.folder.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_none(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with contextlib.suppress(PermissionError):
        assert not any(each.failed for each in verify(folder, checked=CheckedSignatures(tmp_path / "file" / "x")))
