"""The log against checkpoints that were kept elsewhere."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.queries.verify.trusted_checkpoints import (
    Anchor,
    Memory,
    committed_anchor,
    earlier_anchors,
)
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.values.finding import Finding, FindingStatus
from lineage_pipelines_tests.faults.owner import unguarded
from lineage_pipelines_tests.samples import make_record
from lineage_pipelines_tests.world import World


def note(folder: Path) -> str:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True, keys=folder / "keys") as catalog:
        return catalog.log.checkpoint()


def grow(folder: Path, *runs: str) -> None:
    with Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys") as catalog:
        for run in runs:
            catalog.append(make_record(run=run))


def against(
    folder: Path,
    *,
    anchor: str | None = None,
    earlier: Sequence[Anchor] = (),
    memory: Memory | None = None,
    logs: Sequence[str] = (),
) -> Finding:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        claims = verify_catalog(
            catalog, anchor=anchor, anchor_name="the auditor's", earlier=earlier, memory=memory, logs=logs
        )
    return next(claim for claim in claims if claim.kind == "checkpoint")


# One checkpoint

DELETED = ["DELETE FROM log WHERE seq = 4", "UPDATE log SET seq = seq - 1 WHERE seq > 4"]
SWAPPED = [
    "UPDATE log SET seq = -3 WHERE seq = 3",
    "UPDATE log SET seq = 3 WHERE seq = 5",
    "UPDATE log SET seq = 5 WHERE seq = -3",
]
INSERTED = [
    "UPDATE log SET seq = -seq WHERE seq >= 4",
    "UPDATE log SET seq = 1 - seq WHERE seq < 0",
    "INSERT INTO log SELECT 4, kind, digest, body, '2020-01-01T00:00:00.000000Z', keyid, NULL FROM log WHERE seq = 2",
]
EDITED = "the first 7 entries are not what the auditor's says they were"


@pytest.mark.parametrize(
    ("statements", "entries", "words"),
    [
        (["UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 4"], (), EDITED),
        (["UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 1"], (1,), "is of another log"),
        (["UPDATE log SET kind = 'note' WHERE seq IN (3, 6)"], (), EDITED),
        (DELETED, (7,), "entries 7 to 7 are gone"),
        (SWAPPED, (), EDITED),
        (INSERTED, (), EDITED),
        (["DELETE FROM log WHERE seq >= 6"], (6,), "entries 6 to 7 are gone"),
    ],
)
def test_every_change_before_a_checkpoint_fails(
    folder: Path, statements: list[str], entries: tuple[int, ...], words: str
) -> None:
    kept = note(folder)
    with unguarded(folder / "catalog.db") as raw:
        for statement in statements:
            raw.execute(statement)
    claim = against(folder, anchor=kept)
    assert claim.status is FindingStatus.FAIL
    assert claim.places == entries
    assert any(words in cause.detail for cause in claim.causes), claim.causes


def test_a_log_that_was_made_anew_from_some_entry_on_fails(folder: Path, tmp_path: Path) -> None:
    """Who holds the key can write a log that agrees with itself."""
    early = tmp_path / "early"
    shutil.copytree(folder, early, ignore=shutil.ignore_patterns("early"))
    first = Anchor(note(folder), "the first")
    grow(folder, "a")
    second = Anchor(note(folder), "the second")
    grow(folder, "b", "c")
    grow(early, "forged", "b", "c")
    claim = against(early, anchor=note(folder), earlier=[second, first])
    assert claim.status is FindingStatus.FAIL
    assert claim.places == (8,)
    assert any("the first change is in entries 8 to 8" in cause.detail for cause in claim.causes), claim.causes


def test_a_log_that_grew_is_in_order(folder: Path) -> None:
    kept = note(folder)
    grow(folder, "later")
    assert against(folder, anchor=kept).status is FindingStatus.OK


def test_a_checkpoint_that_another_key_signed_shows_nothing(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    grow(other, "1")
    true, false = note(folder), note(other)
    claim = against(folder, anchor=true.partition("\n\n")[0] + "\n\n" + false.partition("\n\n")[2])
    assert claim.status is FindingStatus.FAIL
    assert "not signed by a key of this log" in claim.detail


# Earlier checkpoints


def test_a_change_is_narrowed_down_by_the_checkpoints_before(folder: Path) -> None:
    notes = [Anchor(note(folder), "the first")]
    for run in "abc":
        grow(folder, run)
        notes.append(Anchor(note(folder), f"that after {run}"))
    with unguarded(folder / "catalog.db") as raw:
        raw.execute("UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 9")
    claim = against(folder, anchor=notes[-1].text, earlier=notes[::-1])
    assert claim.status is FindingStatus.FAIL
    assert claim.places == (9,)
    between = (
        "in entries 9 to 9: between that after a, whose 8 entries are still there, and that after b, whose are not"
    )
    assert between in claim.detail


def test_an_earlier_checkpoint_alone_is_enough_to_fail(folder: Path) -> None:
    """Whoever rewrites the log may commit a new checkpoint of it, but not the commits before."""
    old = Anchor(note(folder), "the checkpoint of commit 1234")
    with unguarded(folder / "catalog.db") as raw:
        raw.execute("UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 4")
    new = note(folder)
    assert against(folder, anchor=new).status is FindingStatus.OK
    claim = against(folder, anchor=new, earlier=[old])
    assert claim.status is FindingStatus.FAIL
    assert "the checkpoint of commit 1234" in claim.detail


def identity(folder: Path) -> str:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        return catalog.log.identity() or ""


def test_a_checkpoint_of_another_log_fails_unless_the_project_names_that_log(folder: Path, tmp_path: Path) -> None:
    grow(tmp_path / "old", "1")
    old = [Anchor(note(tmp_path / "old"), "that of long ago")]
    claim = against(folder, anchor=note(folder), earlier=old)
    assert claim.status is FindingStatus.FAIL
    assert "that of long ago is of another log, or the first entry was rewritten" in claim.detail
    own, given_up = identity(folder), identity(tmp_path / "old")
    assert against(folder, anchor=note(folder), earlier=old, logs=[own]).failed
    assert against(folder, anchor=note(folder), earlier=old, logs=[own, given_up]).status is FindingStatus.OK


def test_a_catalog_with_another_log_than_the_project_commits_fails(folder: Path, tmp_path: Path) -> None:
    grow(tmp_path / "old", "1")
    for anchor in (None, note(folder)):
        claim = against(folder, anchor=anchor, logs=[identity(tmp_path / "old")])
        assert claim.status is FindingStatus.FAIL
        assert f"the catalog is not the project's: its log is {identity(folder)[:16]}" in claim.detail


def test_the_history_of_git_is_read(folder: Path, tmp_path: Path) -> None:
    world = World(tmp_path / "project")
    inner = "models/lineage.checkpoint"
    assert earlier_anchors(world.path("models")) == ()
    world.write(inner, "no checkpoint\n")
    world.commit()
    texts = []
    for run in "ab":
        grow(folder, run)
        texts.append(note(folder))
        world.path(inner).write_text(texts[-1])
        world.commit(f"After {run}")
    world.path(inner).unlink()
    world.commit("Remove it")
    world.path(inner).write_text(texts[-1])
    revision = world.commit("Put it back")
    found = earlier_anchors(world.path("models"))
    assert [anchor.text for anchor in found] == [texts[1], texts[1], texts[0]]
    assert found[0].name.startswith(f"the checkpoint of commit {revision[:8]} (20")
    assert committed_anchor(world.path("models")) == texts[1]
    assert earlier_anchors(tmp_path) == ()


# What was seen last


def test_a_log_that_was_rolled_back_is_found_by_memory(folder: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "seen", f"sqlite:///{folder}/catalog.db")
    assert memory.recall() is None
    backup = (folder / "catalog.db").read_bytes()
    shutil.copy(folder / "catalog.db", tmp_path / "backup.db")
    assert backup
    grow(folder, "later")
    assert against(folder, memory=memory).status is FindingStatus.NOT_CHECKED
    again = against(folder, memory=memory)
    assert again.status is FindingStatus.NOT_CHECKED
    assert "begin with the 8 entries that were last verified here" in again.detail
    for name in ("catalog.db-wal", "catalog.db-shm"):
        (folder / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", folder / "catalog.db")
    claim = against(folder, memory=memory)
    assert claim.status is FindingStatus.FAIL
    assert "entries 8 to 8 are gone: the state last verified here" in claim.detail
    assert against(folder, memory=memory).status is FindingStatus.FAIL, "what is wrong is not remembered"


def test_another_log_at_the_same_address_is_found_by_memory(folder: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "seen", "sqlite:////srv/catalog.db")
    against(folder, memory=memory)
    grow(tmp_path / "other", *"1234567")
    claim = against(tmp_path / "other", memory=memory)
    assert claim.status is FindingStatus.FAIL
    assert "of another log" in claim.detail


def test_memory_only_adds_to_a_checkpoint_that_was_kept(folder: Path, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "seen", "sqlite:////srv/catalog.db")
    for _ in range(2):
        assert against(folder, anchor=note(folder), memory=memory).status is FindingStatus.OK
    with unguarded(folder / "catalog.db") as raw:
        raw.execute("UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 4")
    assert against(folder, anchor=note(folder), memory=memory).status is FindingStatus.FAIL


@pytest.mark.parametrize("spoil", ["file", "garbage"])
def test_memory_that_cannot_be_kept_is_no_reason_to_fail(folder: Path, tmp_path: Path, spoil: str) -> None:
    memory = Memory(tmp_path / "seen", "sqlite:////srv/catalog.db")
    if spoil == "file":
        memory.folder.write_text("")
    else:
        memory.folder.mkdir()
        memory.path.write_bytes(b"\xff\xfe garbage")
    assert against(folder, memory=memory).status is FindingStatus.NOT_CHECKED
    assert (memory.recall() is None) == (spoil == "file")
