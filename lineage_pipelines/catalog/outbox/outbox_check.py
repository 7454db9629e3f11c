"""Outbox check: whether the tables of unfinished work contradict the log or each other.

They are not derived from it. What follows from both is checked: what was committed has ended, and what is to be sent
is in the log.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import attempt, attempt_end, delivery, log, outbox, version
from lineage_pipelines.catalog.log.entries import APPROVAL, DECISION, RECORD

_SENT = (RECORD, DECISION, APPROVAL)
_SHOWN = 12
_OUTBOX: sa.Select[Any] = (
    sa.select(outbox.c.seq, outbox.c.destination)
    .outerjoin(log, sa.and_(log.c.seq == outbox.c.seq, log.c.kind.in_(_SENT)))
    .where(log.c.seq.is_(None))
    .order_by(outbox.c.seq)
)
_DELIVERY: sa.Select[Any] = (
    sa.select(delivery.c.seq, delivery.c.destination)
    .outerjoin(outbox, sa.and_(outbox.c.destination == delivery.c.destination, outbox.c.seq == delivery.c.seq))
    .where(outbox.c.seq.is_(None))
    .order_by(delivery.c.seq)
)
_COMMITTED = sa.select(attempt_end.c.run_key).where(attempt_end.c.how == "committed")
_WITHOUT_VERSION: sa.Select[Any] = (
    sa.select(attempt_end.c.run_key)
    .outerjoin(version, version.c.run_key == attempt_end.c.run_key)
    .where(attempt_end.c.how == "committed", version.c.seq.is_(None))
    .order_by(attempt_end.c.run_key)
)
_WITHOUT_END: sa.Select[Any] = (
    sa.select(version.c.seq)
    .join(attempt, attempt.c.run_key == version.c.run_key)
    .where(version.c.run_key.not_in(_COMMITTED))
    .distinct()
    .order_by(version.c.seq)
)
_OTHER_MODEL: sa.Select[Any] = (
    sa.select(version.c.seq)
    .join(attempt, attempt.c.run_key == version.c.run_key)
    .where(version.c.model != attempt.c.model)
    .distinct()
    .order_by(version.c.seq)
)
_EPOCHS: sa.Select[Any] = (
    sa.select(attempt.c.run_key)
    .group_by(attempt.c.run_key)
    .having(sa.or_(sa.func.count() != sa.func.max(attempt.c.epoch), sa.func.min(attempt.c.epoch) != 1))
    .order_by(attempt.c.run_key)
)
_WITHOUT_ATTEMPT: sa.Select[Any] = (
    sa.select(attempt_end.c.run_key)
    .outerjoin(attempt, sa.and_(attempt.c.run_key == attempt_end.c.run_key, attempt.c.epoch == attempt_end.c.epoch))
    .where(attempt.c.epoch.is_(None))
    .order_by(attempt_end.c.run_key)
)


def contradictions(connection: sa.Connection) -> Iterator[tuple[int | None, str]]:
    """Yield what is contradictory, in words, with the entry that it is about, if it is about one."""
    for row in connection.execute(_OUTBOX):
        yield row.seq, f"is to be sent to {row.destination}, and is nothing that is sent"
    for row in connection.execute(_DELIVERY):
        yield row.seq, f"is said to be delivered to {row.destination}, and was never to be sent there"
    for row in connection.execute(_WITHOUT_END):
        yield row.seq, "was committed by an attempt that is not said to have committed"
    for row in connection.execute(_OTHER_MODEL):
        yield row.seq, "is of another model than the attempt that made it"
    for statement, words in (
        (_WITHOUT_VERSION, "is said to have committed a version, and the log has none"),
        (_EPOCHS, "lacks some of its attempts"),
        (_WITHOUT_ATTEMPT, "has the end of an attempt that never began"),
    ):
        for row in connection.execute(statement):
            yield None, f"the run {row.run_key[:_SHOWN]} {words}"
