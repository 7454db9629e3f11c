"""Only what concerns some versions, and a proof that they are in the tree."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.verify.verify import find_places, verify_catalog
from lineage_pipelines.records.decisions.decision import Action, Decision
from lineage_pipelines.records.values.finding import Finding, FindingStatus
from lineage_pipelines_tests.faults.owner import unguarded
from lineage_pipelines_tests.samples import make_record


def opened(folder: Path) -> Catalog:
    return Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys")


def note(folder: Path) -> str:
    with opened(folder) as catalog:
        return catalog.log.checkpoint()


def verify(folder: Path, refs: Sequence[str], anchor: str | None = None) -> dict[str, Finding]:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        only = find_places(catalog, refs)
        claims = verify_catalog(catalog, anchor=anchor, anchor_name="the auditor's", only=only)
    return {str(claim.kind): claim for claim in claims}


def failed(claims: dict[str, Finding]) -> set[str]:
    return {name for name, claim in claims.items() if claim.failed}


def tamper(folder: Path, *statements: str) -> None:
    with unguarded(folder / "catalog.db") as raw:
        for statement in statements:
            raw.execute(statement)


def test_a_version_in_order_passes_with_a_proof(folder: Path) -> None:
    claims = verify(folder, ["flight_delay@3"], note(folder))
    assert failed(claims) == set()
    assert claims["entries"].detail == "1 entries are the bytes that were recorded"
    assert claims["signatures"].status is FindingStatus.OK
    proved = "1 entries are among the 7 that the auditor's knows, proved by 3 hashes at most"
    assert (claims["inclusion"].status, claims["inclusion"].detail) == (FindingStatus.OK, proved)
    assert "checkpoint" not in claims


def test_every_version_of_every_size_is_proved(folder: Path) -> None:
    for number in range(6, 20):
        with opened(folder) as catalog:
            catalog.append(make_record(run=str(number)))
        refs = [f"flight_delay@{version}" for version in range(1, number + 2)]
        assert failed(verify(folder, refs, note(folder))) == set()


def test_without_a_checkpoint_nothing_is_proved(folder: Path) -> None:
    assert verify(folder, ["flight_delay"])["inclusion"].status is FindingStatus.NOT_CHECKED


def test_a_version_after_the_checkpoint_is_not_proved(folder: Path) -> None:
    anchor = note(folder)
    with opened(folder) as catalog:
        catalog.append(make_record(run="later"))
    claim = verify(folder, ["flight_delay@7", "flight_delay@1"], anchor)["inclusion"]
    assert (claim.status, claim.detail[:7]) == (FindingStatus.NOT_CHECKED, "entry 8")


@pytest.mark.parametrize(
    ("statement", "claim"),
    [
        ("UPDATE log SET body = CAST(body || ' ' AS BLOB) WHERE seq = 4", "entries"),
        ("UPDATE log SET signature = zeroblob(64) WHERE seq = 4", "signatures"),
        ("UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 4", "inclusion"),
        ("UPDATE version SET version = 9 WHERE seq = 3", "order"),
    ],
)
def test_what_was_done_to_it_is_found(folder: Path, statement: str, claim: str) -> None:
    anchor = note(folder)
    tamper(folder, statement)
    claims = verify(folder, ["flight_delay@3"], anchor)
    assert claim in failed(claims)
    assert claims[claim].places == (4,)


def test_what_was_done_to_others_shows_in_the_proof(folder: Path) -> None:
    anchor = note(folder)
    tamper(folder, "UPDATE log SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 6")
    assert failed(verify(folder, ["flight_delay@3"], anchor)) == {"inclusion"}


def test_a_version_of_a_shorter_log_is_told(folder: Path, tmp_path: Path) -> None:
    early = tmp_path / "early"
    shutil.copytree(folder, early, ignore=shutil.ignore_patterns("early"))
    with opened(folder) as catalog:
        catalog.append(make_record(run="later"))
    claim = verify(early, ["flight_delay@3"], note(folder))["inclusion"]
    assert claim.status is FindingStatus.FAIL
    assert "entries 8 to 8 are gone" in claim.detail


def test_a_version_that_only_the_index_has_is_told(folder: Path) -> None:
    anchor = note(folder)
    tamper(folder, "DELETE FROM log WHERE seq = 7")
    claims = verify(folder, ["flight_delay@6"], anchor)
    assert failed(claims) == {"order", "inclusion"}
    assert claims["order"].places == claims["inclusion"].places == (7,)


def test_only_decisions_about_it_count(folder: Path) -> None:
    with opened(folder) as catalog:
        for version in (1, 2):
            catalog.registry.decide(reject(catalog, version))
    claims = verify(folder, ["flight_delay@1"])
    assert claims["decisions"].detail == "1 decision consistent with policies, records and approvals"


def reject(catalog: Catalog, version: int) -> Decision:
    entry = catalog.get("flight_delay", version)
    return Decision(
        action=Action.REJECT,
        model="flight_delay",
        alias="production",
        version=version,
        record=entry.digest,
        by="ada",
        reason="late",
        policy={},
    )


def test_a_version_that_is_not_there_is_told(folder: Path) -> None:
    with opened(folder) as catalog:
        assert find_places(catalog, []) == ()
        assert find_places(catalog, ["flight_delay", "flight_delay@2"]) == (7, 3)
        digest = catalog.get("flight_delay", 2).digest.hex
        assert find_places(catalog, [digest[:12]]) == (3,)
        with pytest.raises(NotFoundError, match="no version 9"):
            find_places(catalog, ["flight_delay@9"])
        with pytest.raises(NotFoundError, match="is called"):
            find_places(catalog, ["flight_delay@production"])
