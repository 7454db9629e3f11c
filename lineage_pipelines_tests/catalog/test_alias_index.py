"""What an alias names is found by an index that says what the log says; no question to it reads the whole log."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.index import catalog_index
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.queries.registry.alias_history import find_holder, list_decisions
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.decisions.decision import Action, Decision
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.catalog.people import introduce, plain_policy
from lineage_pipelines_tests.samples import digests, make_record

RAW = digests("through 2013-03", folder=True).md5 or ""


def _decide(catalog: Catalog, action: Action, version: int | None, *, alias: str = "production") -> int:
    previous = find_holder(catalog, "flight_delay", alias)
    record: Digest | None = catalog.get("flight_delay", version).digest if version is not None else None
    return catalog.registry.decide(
        Decision(
            action=action,
            model="flight_delay",
            alias=alias,
            version=version,
            record=record,
            previous=previous.digest if previous else None,
            by="ann",
            reason="because",
            policy={},
        )
    )


def _filled(folder: Path) -> Catalog:
    catalog = Catalog(f"sqlite:///{folder}/catalog.db", keys=folder / "keys")
    for number in range(4):
        catalog.append(make_record(run=str(number)))
    _decide(catalog, Action.PROMOTE, 1)
    _decide(catalog, Action.REJECT, 2)
    _decide(catalog, Action.PROMOTE, 3)
    _decide(catalog, Action.PROMOTE, 2, alias="shadow")
    return catalog


def _holder(catalog: Catalog, at: datetime | None = None) -> int | None:
    found = find_holder(catalog, "flight_delay", "production", at=at)
    return found.version if found else None


def test_what_an_alias_names_now_and_at_any_instant(tmp_path: Path) -> None:
    with _filled(tmp_path) as catalog:
        first, _, third, _ = list_decisions(catalog, "flight_delay")
        assert _holder(catalog) == 3
        assert _holder(catalog, first.at) == 1
        assert _holder(catalog, first.at - timedelta(seconds=1)) is None
        assert _holder(catalog, third.at - timedelta(microseconds=1)) == 1
        assert catalog.index.current_aliases(["flight_delay", "nobody"]) == [
            ("flight_delay", "production", 3),
            ("flight_delay", "shadow", 2),
        ]
        assert catalog.index.alias_versions("production") == [("flight_delay", 1), ("flight_delay", 3)]
        _decide(catalog, Action.RETIRE, None)
        assert _holder(catalog) is None
        assert catalog.index.current_aliases(["flight_delay"]) == [("flight_delay", "shadow", 2)]
        assert _holder(catalog, datetime.now(UTC)) is None


def test_the_index_is_derived_again_as_it_was(tmp_path: Path) -> None:
    with _filled(tmp_path) as catalog:
        before = catalog.index.decisions()
        assert before
        catalog.rebuild()
        assert catalog.index.decisions() == before


def test_an_index_that_says_otherwise_is_found(tmp_path: Path) -> None:
    with _filled(tmp_path) as catalog:
        seq = list_decisions(catalog, "flight_delay")[0].seq
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as file, file:
        (guard,) = file.execute("SELECT sql FROM sqlite_master WHERE name = 'decided_update'").fetchone()
        file.execute("DROP TRIGGER decided_update")
        file.execute("UPDATE decided SET version = 2 WHERE seq = ?", (seq,))
        file.execute(guard)
    with Catalog(f"sqlite:///{tmp_path}/catalog.db", read_only=True) as catalog:
        wrong = next(claim.causes for claim in verify_catalog(catalog) if claim.kind == "decisions")
    told = [cause.detail for cause in wrong if "the index differs" in cause.detail]
    assert told == [f"entry {seq} (decision): the index differs; rebuild it with Catalog.rebuild()"]


def test_a_row_that_no_decision_stands_behind_names_nothing(tmp_path: Path) -> None:
    with _filled(tmp_path) as catalog:
        record = catalog.get("flight_delay", 4)
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as file, file:
        row = ("decision", "flight_delay", "production", record.seq + 6, 4, 1)
        file.execute("INSERT INTO decided (kind, model, alias, seq, version, moves) VALUES (?, ?, ?, ?, ?, ?)", row)
    with Catalog(f"sqlite:///{tmp_path}/catalog.db", read_only=True) as catalog:
        with pytest.raises(CatalogError, match="disagrees with the log about production of flight_delay"):
            _holder(catalog)
        wrong = next(claim.causes for claim in verify_catalog(catalog) if claim.kind == "decisions")
    assert any("the index differs" in cause.detail for cause in wrong)


@contextmanager
def _statements(catalog: Catalog) -> Iterator[list[tuple[str, Any]]]:
    ran: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        ran.append((statement, parameters[0] if many else parameters))

    sa.event.listen(catalog.connection.engine, "before_cursor_execute", note)
    try:
        yield ran
    finally:
        sa.event.remove(catalog.connection.engine, "before_cursor_execute", note)


def test_no_append_and_no_decision_reads_the_whole_log(tmp_path: Path) -> None:
    with _filled(tmp_path) as catalog:
        with _statements(catalog) as ran:
            catalog.append(make_record(run="another"))
            _decide(catalog, Action.PROMOTE, 4)
            catalog.index.current_aliases(["flight_delay"])
            list_decisions(catalog, "flight_delay")
            _holder(catalog, datetime.now(UTC))
        assert len(ran) > 10
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as file:
        for statement, parameters in ran:
            if statement.split()[0] in ("SELECT", "INSERT"):
                plan = [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
                assert not [step for step in plan if step.startswith("SCAN log")], (statement, plan)


@pytest.mark.parametrize("page", [1, 2, 3])
def test_every_page_of_the_log_is_indexed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(catalog_index, "_PAGE", page)
    with _filled(tmp_path) as catalog:
        before = catalog.index.decisions(), catalog.entries("flight_delay"), catalog.index.users_of(RAW)
        assert all(before)
        assert catalog.rebuild() == 4
        assert (catalog.index.decisions(), catalog.entries("flight_delay"), catalog.index.users_of(RAW)) == before


def test_versions_under_an_alias_are_those_of_no_other_alias(tmp_path: Path) -> None:
    with _filled(tmp_path) as catalog:
        for number in range(2):
            catalog.append(make_record(run=f"west {number}", partition=Partition(identity="west")))
        _decide(catalog, Action.PROMOTE, 4, alias="a_b")
        _decide(catalog, Action.PROMOTE, 5, alias="axb[west]")
        _decide(catalog, Action.PROMOTE, 6, alias="a_b[west]")
        _decide(catalog, Action.PROMOTE, 1, alias="a_bc")
        assert catalog.index.alias_versions("a_b") == [("flight_delay", 4), ("flight_delay", 6)]


def test_an_approval_moves_no_alias(tmp_path: Path) -> None:
    with _filled(tmp_path) as catalog:
        entry = catalog.get("flight_delay", 4)
        introduce(catalog, tmp_path, "ann@example.org").approve(catalog, entry, plain_policy(approvals=1))
        assert _holder(catalog) == 3
        assert catalog.index.alias_versions("production") == [("flight_delay", 1), ("flight_delay", 3)]
        assert catalog.index.current_aliases(["flight_delay"]) == [
            ("flight_delay", "production", 3),
            ("flight_delay", "shadow", 2),
        ]
