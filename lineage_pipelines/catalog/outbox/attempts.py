"""Attempts at a run, with fencing tokens.

An attempt is announced before it trains, with an epoch one higher than the last attempt of the same run. Only the
highest may commit, so that a step that was given up and lives on, or comes back, cannot make a second version: the
epoch is a fencing token (Kleppmann, How to do distributed locking, 2016).
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import attempt, attempt_end
from lineage_pipelines.errors import ConflictError
from lineage_pipelines.records.values.codec import format_time, parse_time

_run: sa.BindParameter[str] = sa.bindparam("run")
_HIGHEST = sa.select(sa.func.coalesce(sa.func.max(attempt.c.epoch), 0)).where(attempt.c.run_key == _run)
_ENDED = sa.select(attempt_end.c.how).where(
    attempt_end.c.run_key == _run, attempt_end.c.epoch == sa.bindparam("attempt")
)
FENCE = (_HIGHEST.scalar_subquery().label("highest"), _ENDED.scalar_subquery().label("ended"))
"""The columns that `check_fence` needs, for a statement with the parameters `run` and `attempt`."""
_END = attempt_end.insert()


class AttemptEnd(StrEnum):
    """How an attempt ended."""

    COMMITTED = "committed"
    FAILED = "failed"
    """It reported its own failure."""
    ABANDONED = "abandoned"
    """Its process was found dead."""
    SKIPPED = "skipped"
    """It would have made the last version again, and nobody had asked for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at a run."""

    run_key: str
    epoch: int
    """From 1; the fencing token."""
    model: str
    begun: datetime
    host: str
    process: str
    """Identifies the process for as long as the machine runs, so that one can check whether it is alive."""
    run: str | None = None
    """The Dagster run."""
    folder: str | None = None
    """Its private folder on `host`, which it removes when it ends."""


def begin(
    connection: sa.Connection,
    *,
    run_key: str,
    model: str,
    host: str,
    process: str,
    run: str | None,
    folder: str | None,
) -> Attempt:
    """Announce an attempt; every earlier one of the run may not commit any more."""
    begun = datetime.now(UTC)
    epoch = int(connection.scalars(_HIGHEST, {"run": run_key}).one()) + 1
    announced = Attempt(
        run_key=run_key, epoch=epoch, model=model, begun=begun, host=host, process=process, run=run, folder=folder
    )
    connection.execute(attempt.insert().values({**dataclasses.asdict(announced), "begun": format_time(begun)}))
    return announced


def end(connection: sa.Connection, run_key: str, epoch: int, how: AttemptEnd) -> None:
    """Record how an attempt ended, unless its end is recorded."""
    if connection.scalar(_ENDED, {"run": run_key, "attempt": epoch}) is None:
        ended = format_time(datetime.now(UTC))
        connection.execute(_END, {"run_key": run_key, "epoch": epoch, "how": how, "ended": ended})


def check_fence(run_key: str, epoch: int, *, highest: int, ended: str | None) -> None:
    """Refuse an attempt that may not commit.

    Args:
        run_key: the run.
        epoch: the attempt's; 0 for a writer that announced none.
        highest: the last attempt that was announced, read in the committing transaction (`FENCE`).
        ended: how this attempt ended, read in the same way.

    Raises:
        ConflictError: a later attempt was announced, this one was given up, or it was announced in another catalog.
    """
    if highest < epoch:
        raise ConflictError(
            f"this catalog knows nothing of attempt {epoch} of this run: it was replaced since the run began",
            where=f"run key {run_key[:12]}",
            fix="nothing was stored; find out who replaced the catalog, and launch a new run",
        )
    if highest > epoch:
        raise ConflictError(
            f"attempt {epoch} of this run was superseded by attempt {highest}",
            where=f"run key {run_key[:12]}",
            fix="nothing was stored; let the later attempt finish, or launch a new run",
        )
    if ended is not None:
        raise ConflictError(
            f"attempt {epoch} of this run is over: it was found {ended}",
            where=f"run key {run_key[:12]}",
            fix="nothing was stored; launch the run again",
        )


def running(connection: sa.Connection) -> Sequence[Attempt]:
    """Return every attempt without a recorded end, oldest first."""
    over = sa.and_(attempt_end.c.run_key == attempt.c.run_key, attempt_end.c.epoch == attempt.c.epoch)
    statement = (
        sa.select(attempt)
        .outerjoin(attempt_end, over)
        .where(attempt_end.c.epoch.is_(None))
        .order_by(attempt.c.begun, attempt.c.run_key, attempt.c.epoch)
    )
    return [
        Attempt(**{**row._mapping, "begun": parse_time(row.begun)})  # noqa: SLF001  # SQLAlchemy's public name for it
        for row in connection.execute(statement)
    ]
