"""`lineage verify` and `lineage checkpoint`, as a person uses them."""

import subprocess
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.faults.owner import unguarded
from lineage_pipelines_tests.samples import make_record


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Git project with a signed catalog of two versions."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.lineage]\n")
    git(tmp_path, "init", "-q")
    settings = resolve_settings(start=tmp_path)
    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        for run in "12":
            catalog.append(make_record(run=run))
    return tmp_path


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def verdicts(lineage: Lineage, *words: str) -> dict[str, str]:
    return {claim["claim"]: claim["verdict"] for claim in lineage("verify", "--format", "json", *words).json()}


def test_a_checkpoint_in_the_last_commit_is_what_counts(signed: Path, lineage: Lineage) -> None:
    assert verdicts(lineage)["checkpoint"] == "NOT CHECKED"
    assert lineage("checkpoint", "-o", "lineage.checkpoint").code == 0
    assert verdicts(lineage)["checkpoint"] == "NOT CHECKED", "a file beside the catalog shows nothing"
    git(signed, "add", "lineage.checkpoint")
    git(signed, "commit", "-qm", "Anchor")
    assert verdicts(lineage)["checkpoint"] == "PASS"


def _last_line(lineage: Lineage, *words: str) -> str:
    return " ".join(lineage("verify", "--quick", *words).out.rpartition("For an outsider:")[2].split())


def test_the_last_line_is_what_an_outsider_may_conclude(signed: Path, lineage: Lineage) -> None:
    assert "could have rewritten it" in _last_line(lineage)
    assert lineage("checkpoint", "-o", "lineage.checkpoint").code == 0
    expected = "nothing in the first 3 entries was changed since"
    kept = _last_line(lineage, "--from", "lineage.checkpoint")
    assert kept == f"{expected} lineage.checkpoint was written, if that file is genuine."
    git(signed, "add", "lineage.checkpoint")
    git(signed, "commit", "-qm", "Anchor")
    revision, day = subprocess.run(
        ["git", "log", "-1", "--format=%H %cs"], cwd=signed, check=True, capture_output=True, text=True
    ).stdout.split()
    assert _last_line(lineage) == f"{expected} {day}, if commit {revision[:8]} is genuine."
    with unguarded(signed / ".lineage/catalog.db") as raw:
        raw.execute("UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 3")
    assert _last_line(lineage).startswith("rely on nothing here")


def test_a_checkpoint_may_be_kept_anywhere(signed: Path, lineage: Lineage) -> None:
    note = lineage("checkpoint")
    assert note.code == 0
    (signed / "kept").write_text(note.out)
    assert verdicts(lineage, "--from", "kept")["checkpoint"] == "PASS"
    (signed / "kept").write_text(note.out.replace("\n3\n", "\n4\n"))
    said = lineage("verify", "--from", "kept")
    assert said.code == 1
    assert "entries 4 to 4 are gone" in said.out


def test_a_checkpoint_in_a_file_is_compared(signed: Path, lineage: Lineage) -> None:
    assert lineage("checkpoint", "-o", "kept").out == ""
    assert verdicts(lineage, "--from", "kept")["checkpoint"] == "PASS"
    with unguarded(signed / ".lineage/catalog.db") as raw:
        raw.execute("UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 3")
    said = lineage("verify", "--from", "kept", "--quick")
    assert said.code == 1
    assert "the first 3 entries are not what kept says they were" in " ".join(said.out.split())


def test_every_checkpoint_that_was_ever_committed_counts(signed: Path, lineage: Lineage) -> None:
    settings = resolve_settings(start=signed)
    for run in "34":
        lineage("checkpoint", "-o", "lineage.checkpoint")
        git(signed, "add", "lineage.checkpoint")
        git(signed, "commit", "-qm", "Anchor")
        with Catalog(settings.catalog, keys=settings.keys) as catalog:
            catalog.append(make_record(run=run))
    assert "and with 1 earlier checkpoints" in detail(lineage, "checkpoint")
    with unguarded(signed / ".lineage/catalog.db") as raw:
        raw.execute("UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 4")
    told = detail(lineage, "checkpoint")
    assert "the first change is in entries 4 to 4: between the checkpoint of commit" in told
    lineage("checkpoint", "-o", "lineage.checkpoint")
    git(signed, "commit", "-qam", "Hide it")
    assert verdicts(lineage)["checkpoint"] == "FAIL"


def anchored(signed: Path, lineage: Lineage) -> str:
    """Commit a checkpoint, and return the identity of the log that it offers."""
    offered = lineage("checkpoint", "-o", "lineage.checkpoint")
    git(signed, "add", "lineage.checkpoint")
    git(signed, "commit", "-qm", "Anchor")
    return offered.err.partition('log = ["')[2].partition('"]')[0]


def test_a_log_whose_first_entry_was_moved_is_not_taken_for_another(signed: Path, lineage: Lineage) -> None:
    """A new checkpoint over those of before is no way to have them forgotten: they are of another log now."""
    anchored(signed, lineage)
    with unguarded(signed / ".lineage/catalog.db") as raw:
        raw.execute("UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 1")
    anchored(signed, lineage)
    assert verdicts(lineage)["checkpoint"] == "FAIL"
    assert "is of another log, or the first entry was rewritten" in detail(lineage, "checkpoint")


def test_the_log_that_a_project_commits_is_the_only_one(signed: Path, lineage: Lineage) -> None:
    log = anchored(signed, lineage)
    (signed / "pyproject.toml").write_text(f'[tool.lineage]\nlog = ["{log}"]\n')
    assert lineage("checkpoint").err == "", "offered once"
    git(signed, "add", "pyproject.toml")
    git(signed, "commit", "-qm", "Name the log")
    assert verdicts(lineage)["checkpoint"] == "PASS"
    (signed / "pyproject.toml").write_text("[tool.lineage]\n")
    with unguarded(signed / ".lineage/catalog.db") as raw:
        raw.execute("UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 1")
    assert "the catalog is not the project's" in detail(lineage, "checkpoint"), "what is committed counts"


def test_a_checkpoint_that_was_deleted_still_counts(signed: Path, lineage: Lineage) -> None:
    anchored(signed, lineage)
    git(signed, "rm", "-q", "lineage.checkpoint")
    git(signed, "commit", "-qm", "Remove the anchor")
    assert verdicts(lineage)["checkpoint"] == "PASS"
    with unguarded(signed / ".lineage/catalog.db") as raw:
        raw.execute("UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 3")
    assert verdicts(lineage)["checkpoint"] == "FAIL"


def detail(lineage: Lineage, claim: str, *words: str) -> str:
    claims = lineage("verify", "--quick", "--format", "json", *words).json()
    found: str = next(one["detail"] for one in claims if one["claim"] == claim)
    return found


def test_a_version_alone(signed: Path, lineage: Lineage) -> None:
    lineage("checkpoint", "-o", "kept")
    found = verdicts(lineage, "flight_delay@1", "--from", "kept", "--quick")
    assert found == {
        "entries": "PASS",
        "signatures": "PASS",
        "order": "PASS",
        "decisions": "PASS",
        "approvals": "PASS",
        "index": "PASS",
        "inclusion": "PASS",
        "artifacts": "NOT CHECKED",
        "data": "NOT CHECKED",
    }
    assert lineage("verify", "flight_delay@1", "--from", "kept", "--quick").code == 0
    assert lineage("verify", "flight_delay@1", "--from", "kept", "--quick", "--strict").code == 1
    assert not (signed / ".lineage/seen").exists(), "a part is not remembered as the whole"


def test_what_was_seen_is_remembered(signed: Path, lineage: Lineage) -> None:
    assert lineage("verify", "--quick").code == 0
    (remembered,) = (signed / ".lineage/seen").iterdir()
    assert remembered.suffix == ".checkpoint"
    with unguarded(signed / ".lineage/catalog.db") as raw:
        for table in ("usage", "version", "log"):
            raw.execute(f"DELETE FROM {table} WHERE seq = 3")
    said = lineage("verify", "--quick")
    assert said.code == 1
    assert "entries 3 to 3 are gone: the state last verified here" in " ".join(said.out.split())


def test_a_disk_that_may_not_be_written_is_no_reason_to_fail(signed: Path, lineage: Lineage) -> None:
    (signed / ".lineage/seen").write_text("in the way")
    assert lineage("verify", "--quick").code == 0


def test_strict_does_not_take_silence_for_an_answer(signed: Path, lineage: Lineage) -> None:
    """The model files of these made-up records do not exist: that is a finding either way."""
    assert signed.exists()
    assert lineage("verify").code == 1
    assert lineage("verify", "--strict").code == 1
    assert "flight_delay@1" in lineage("verify").out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("verify", "--from", "nowhere"), 2, "nowhere"),
        (("verify", "--from", "pyproject.toml"), 3, "not a checkpoint"),
        (("verify", "flight_delay@9"), 2, "versions 1 to 2"),
        (("verify", "flight_dely"), 2, "there is: flight_delay"),
    ],
)
@pytest.mark.usefixtures("signed")
def test_a_bad_question_is_told_in_words(lineage: Lineage, words: tuple[str, ...], code: int, told: str) -> None:
    said = lineage(*words)
    assert said.code == code
    assert told in said.err
    assert "Traceback" not in said.err


def test_without_a_catalog_nothing_is_made(lineage: Lineage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert lineage("verify").code == 2
    assert lineage("checkpoint").code == 2
    assert list(tmp_path.iterdir()) == []


# Keys


@pytest.mark.usefixtures("signed")
def test_keys_are_listed_and_revoked(lineage: Lineage) -> None:
    (first,) = lineage("key", "list", "--format", "json").json()
    assert (first["since"], first["revoked"]) == (1, None)
    said = lineage("key", "revoke", first["key"][:8], "--reason", "stolen")
    assert said.code == 0
    assert "entry 4" in said.err
    assert "revoked by entry 4: stolen" in lineage("key", "list").out
    assert verdicts(lineage)["signatures"] == "PASS", "what it signed before stays valid"


def test_a_revoked_key_signs_nothing_and_a_new_one_takes_its_place(signed: Path, lineage: Lineage) -> None:
    key = lineage("key", "list", "--format", "json").json()[0]["key"]
    lineage("key", "revoke", key, "--reason", "stolen")
    settings = resolve_settings(start=signed)
    with Catalog(settings.catalog, keys=settings.keys) as catalog, pytest.raises(CatalogError, match="was revoked"):
        catalog.append(make_record(run="3"))
    (settings.keys / "log.pem").unlink()
    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        catalog.append(make_record(run="3"))
    assert verdicts(lineage)["signatures"] == "PASS"
    assert [row["revoked"] for row in lineage("key", "list", "--format", "json").json()] == [4, None]


@pytest.mark.parametrize("prefix", ["", "zz", "0" * 64])
@pytest.mark.usefixtures("signed")
def test_a_key_that_is_not_there_is_told(lineage: Lineage, prefix: str) -> None:
    said = lineage("key", "revoke", prefix, "--reason", "x")
    assert said.code == 2
    assert "the log knows" in said.err
