"""Whether a decision still fits what the log says, within the transaction that commits it."""

import sqlalchemy as sa

from lineage_pipelines.catalog import reading
from lineage_pipelines.catalog.tables import log
from lineage_pipelines.catalog.writing import DECISION
from lineage_pipelines.errors import ConflictError, NotFoundError
from lineage_pipelines.records import Decision, Digest, decode_decision


def check(connection: sa.Connection, decision: Decision) -> None:
    """Refuse a decision about a version that is not there, or made on what is not so any more.

    Raises:
        ConflictError: the alias names another record than `decision.previous`.
        NotFoundError: there is no such version, or its record is another one.
    """
    if decision.version is not None:
        entry = reading.get(connection, decision.model, decision.version)
        if entry is None or entry.digest != decision.record:
            raise NotFoundError(f"no version {decision.version} of {decision.model} with the record {decision.record}")
    now = _named(connection, decision.model, decision.alias)
    if now != decision.previous:
        raise ConflictError(
            f"{decision.alias} of {decision.model} was changed meanwhile: it names the record {now or 'of no version'}",
            fix="look at it again (lineage history), and decide again",
        )


def _named(connection: sa.Connection, model: str, alias: str) -> Digest | None:
    bodies = connection.scalars(sa.select(log.c.body).where(log.c.kind == DECISION).order_by(log.c.seq))
    named = None
    for decision in map(decode_decision, bodies):
        if (decision.model, decision.alias) == (model, alias) and decision.moves_alias:
            named = decision.record
    return named
