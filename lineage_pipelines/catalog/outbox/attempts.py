"""What is not over yet: attempts that were announced and have not ended, and what other systems were not yet told.

An attempt is announced before it trains, with an epoch one higher than the last attempt of the same run. Only the
highest may commit, so that a step that was given up and lives on, or comes back, cannot make a second version: the
epoch is a fencing token (Kleppmann, How to do distributed locking, 2016). What Dagster and others are to be told
stands in an outbox, written with the entry in one transaction (the transactional outbox pattern), and stays there
until somebody has seen it arrive.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import attempt, attempt_end, delivery, outbox
from lineage_pipelines.errors import ConflictError
from lineage_pipelines.records.values.codec import format_time, parse_time

_run: sa.BindParameter[str] = sa.bindparam("run")
_HIGHEST = sa.select(sa.func.coalesce(sa.func.max(attempt.c.epoch), 0)).where(attempt.c.run_key == _run)
_ENDED = sa.select(attempt_end.c.how).where(
    attempt_end.c.run_key == _run, attempt_end.c.epoch == sa.bindparam("attempt")
)
FENCE = (_HIGHEST.scalar_subquery().label("highest"), _ENDED.scalar_subquery().label("ended"))
"""The columns that `check_fence` judges, of a statement with the parameters `run` and `attempt`."""
_END = attempt_end.insert()
_POST = outbox.insert()


class AttemptEnd(StrEnum):
    """How an attempt ended."""

    COMMITTED = "committed"
    FAILED = "failed"
    """It said so itself."""
    ABANDONED = "abandoned"
    """Its process was found dead."""


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
    """Names the process for as long as the machine runs: whoever set it can say whether it is alive."""
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
    """Say how an attempt ended, unless that was said."""
    if connection.scalar(_ENDED, {"run": run_key, "attempt": epoch}) is None:
        ended = format_time(datetime.now(UTC))
        connection.execute(_END, {"run_key": run_key, "epoch": epoch, "how": how, "ended": ended})


def check_fence(run_key: str, epoch: int, *, highest: int, ended: str | None) -> None:
    """Refuse an attempt that may not commit.

    Args:
        run_key: the run.
        epoch: the attempt's; 0 for a writer that announced none.
        highest: the last attempt that was announced, as the transaction that commits has read it (`FENCE`).
        ended: how this attempt ended, read likewise.

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
    """Return every attempt without an end, oldest first."""
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


def post(connection: sa.Connection, seq: int, destinations: Sequence[str]) -> None:
    """Put an entry into the outbox, in the transaction that commits it."""
    if destinations:
        connection.execute(_POST, [{"destination": destination, "seq": seq} for destination in destinations])


def undelivered(connection: sa.Connection, destination: str) -> Sequence[int]:
    """Return the entries that a destination was not yet told, in order."""
    told = sa.and_(delivery.c.destination == outbox.c.destination, delivery.c.seq == outbox.c.seq)
    statement = (
        sa.select(outbox.c.seq)
        .outerjoin(delivery, told)
        .where(outbox.c.destination == destination, delivery.c.seq.is_(None))
        .order_by(outbox.c.seq)
    )
    return list(connection.scalars(statement))


def deliver(connection: sa.Connection, destination: str, seqs: Sequence[int]) -> None:
    """Say that a destination has been told of entries; those that it had been told of already are left."""
    waiting = set(undelivered(connection, destination))
    now = format_time(datetime.now(UTC))
    rows = [{"destination": destination, "seq": seq, "delivered": now} for seq in sorted(waiting & set(seqs))]
    if rows:
        connection.execute(delivery.insert(), rows)
