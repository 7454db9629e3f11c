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

from lineage_pipelines.catalog.tables import attempt, attempt_end, delivery, outbox
from lineage_pipelines.errors import ConflictError
from lineage_pipelines.records import format_time, parse_time


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
    epoch = _highest(connection, run_key) + 1
    announced = Attempt(
        run_key=run_key, epoch=epoch, model=model, begun=begun, host=host, process=process, run=run, folder=folder
    )
    connection.execute(attempt.insert().values({**dataclasses.asdict(announced), "begun": format_time(begun)}))
    return announced


def end(connection: sa.Connection, run_key: str, epoch: int, how: AttemptEnd) -> None:
    """Say how an attempt ended, unless that was said."""
    if _ended(connection, run_key, epoch) is None:
        connection.execute(
            attempt_end.insert().values(run_key=run_key, epoch=epoch, how=how, ended=format_time(datetime.now(UTC)))
        )


def check_fence(connection: sa.Connection, run_key: str, epoch: int) -> None:
    """Refuse an attempt that may not commit.

    Args:
        connection: in the transaction that commits.
        run_key: the run.
        epoch: the attempt's; 0 for a writer that announced none.

    Raises:
        ConflictError: a later attempt was announced, this one was given up, or it was announced in another catalog.
    """
    highest = _highest(connection, run_key)
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
    how = _ended(connection, run_key, epoch)
    if how is not None:
        raise ConflictError(
            f"attempt {epoch} of this run is over: it was found {how}",
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
    for destination in destinations:
        connection.execute(outbox.insert().values(destination=destination, seq=seq))


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


def _highest(connection: sa.Connection, run_key: str) -> int:
    newest = sa.select(sa.func.max(attempt.c.epoch)).where(attempt.c.run_key == run_key)
    return int(connection.scalar(newest) or 0)


def _ended(connection: sa.Connection, run_key: str, epoch: int) -> str | None:
    found = sa.select(attempt_end.c.how).where(attempt_end.c.run_key == run_key, attempt_end.c.epoch == epoch)
    how: str | None = connection.scalar(found)
    return how
