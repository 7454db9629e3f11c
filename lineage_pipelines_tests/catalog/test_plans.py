"""What a commit costs does not grow with what was committed before: no statement of one reads a table whole."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.queries.registry.alias_history import find_holder, list_decisions
from lineage_pipelines.queries.registry.approval_status import list_approvals
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion, draft_rejection
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines_tests.catalog.people import introduce, plain_policy
from lineage_pipelines_tests.samples import make_record

POLICY = "[tool.lineage.promotion.production]\napprovals = 1\n"
Said = list[tuple[str, tuple[object, ...]]]


def _read_whole(file: Path, said: Said) -> list[str]:
    """Return the statements that read the log, or an index of it, from end to end."""
    found = []
    with closing(sqlite3.connect(file)) as connection:
        for statement, parameters in said:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            if any(re.match(r"SCAN (log|version|decided|usage|entity|part|artifact)\b", step) for step in plan):
                found.append(f"{statement}: {plan}")
    return found


def test_no_statement_of_a_commit_a_decision_or_an_approval_reads_a_table_whole(file: Path, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(POLICY)
    said: Said = []

    def hear(_: object, __: object, statement: str, parameters: Any, ___: object, several: bool) -> None:
        if statement.startswith(("SELECT", "WITH", "INSERT")):
            said.append((statement, parameters[0] if several else parameters))

    def told(do: Callable[[], object]) -> tuple[list[str], int]:
        said.clear()
        do()
        return _read_whole(file, said), len(said)

    with Catalog(f"sqlite:///{file}", keys=tmp_path / "keys") as catalog:
        ann = introduce(catalog, tmp_path, "ann@example.org")
        entry: Entry = [catalog.append(make_record(run)) for run in "123"][-1]
        sa.event.listen(catalog.connection.engine, "before_cursor_execute", hear)

        def promote() -> None:
            catalog.registry.decide(
                draft_promotion(catalog, entry, "production", by="carol", reason="x", project_dir=tmp_path)
            )

        def reject() -> None:
            catalog.registry.decide(draft_rejection(catalog, entry, "production", by="carol", reason="x"))

        for do in (
            lambda: catalog.append(make_record("4")),
            lambda: ann.approve(catalog, entry, plain_policy(approvals=1)),
            promote,
            reject,
            lambda: list_decisions(catalog, "flight_delay", "production"),
            lambda: list_approvals(catalog, "flight_delay", project_dir=tmp_path),
            lambda: find_holder(catalog, "flight_delay", "production"),
            lambda: find_holder(catalog, "flight_delay", "production", at=entry.recorded),
            lambda: catalog.append(make_record("5", partition=Partition(identity="west", window=entry.recorded))),
            lambda: list(catalog.index.places_of("flight_delay", "west")),
            lambda: list(catalog.index.places_before("flight_delay", Partition(window=entry.recorded))),
            lambda: catalog.index.identities("flight_delay"),
            lambda: catalog.index.summaries("flight_delay", limit=5),
            lambda: catalog.index.summaries_at([1, 2]),
        ):
            whole, count = told(do)
            assert whole == []
            assert count > 0
        holder = find_holder(catalog, "flight_delay", "production")
        assert holder is not None
        assert holder.version == 3
