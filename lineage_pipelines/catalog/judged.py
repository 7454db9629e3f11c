"""Which decisions and approvals there are of a model, and what an alias names: answered from the index of them.

A decision is truly what its entry says; the index only says where to look. `lineage verify` compares the two.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from lineage_pipelines.catalog.kinds import APPROVAL, DECISION
from lineage_pipelines.catalog.tables import decided, log, version
from lineage_pipelines.errors import RecordError
from lineage_pipelines.records import Digest, decode_decision, decode_envelope


class Judged(NamedTuple):
    """A decision or an approval, as the index has it."""

    kind: str
    model: str
    alias: str
    seq: int
    version: int | None
    moves: bool
    """Whether the alias names this version, or none, from here on."""


_PAGE = 500
_ADD = decided.insert()
_model, _alias = sa.bindparam("model", type_=sa.Text), sa.bindparam("alias", type_=sa.Text)
_MOVES = sa.select(decided.c.seq, decided.c.version).where(
    decided.c.kind == DECISION, decided.c.model == _model, decided.c.alias == _alias, decided.c.moves == 1
)
_NEWEST = _MOVES.order_by(decided.c.seq.desc()).limit(1)
_newest = _NEWEST.subquery("newest")
_NAMED = sa.select(version.c.digest).join_from(
    _newest, version, sa.and_(version.c.model == _model, version.c.version == _newest.c.version)
)


def add(connection: sa.Connection, seq: int, kind: str, body: bytes) -> None:
    """Index an entry if it is a decision or an approval, in the transaction that commits it.

    One that cannot be read decides nothing: `lineage verify` tells.
    """
    with contextlib.suppress(RecordError):
        if kind == DECISION:
            said = decode_decision(body)
            _add(connection, Judged(kind, said.model, said.alias, seq, said.version, said.moves_alias))
        elif kind == APPROVAL:
            given = decode_envelope(body).approval
            _add(connection, Judged(kind, given.model, given.alias, seq, given.version, moves=False))


def _add(connection: sa.Connection, judged: Judged) -> None:
    connection.execute(_ADD, {**judged._asdict(), "moves": int(judged.moves)})


def named_record(connection: sa.Connection, model: str, alias: str) -> Digest | None:
    """Return the record that an alias names now."""
    found = connection.scalar(_NAMED, {"model": model, "alias": alias})
    return None if found is None else Digest("sha256", found)


def named_version(connection: sa.Connection, model: str, alias: str, *, before: int | None = None) -> int | None:
    """Return the version that an alias names now, or named before an entry of the log; None where it names none."""
    statement = (
        _NEWEST if before is None else _MOVES.where(decided.c.seq < before).order_by(decided.c.seq.desc()).limit(1)
    )
    row = connection.execute(statement, {"model": model, "alias": alias}).first()
    return None if row is None else row.version


def first_after(connection: sa.Connection, seqs: Sequence[int], time: str) -> int | None:
    """Return the first of some entries, in the order of the log, that was committed after a time."""
    for start in range(0, len(seqs), _PAGE):
        late = sa.select(sa.func.min(log.c.seq)).where(
            log.c.seq.in_(seqs[start : start + _PAGE]), log.c.recorded > time
        )
        found: int | None = connection.scalar(late)
        if found is not None:
            return found
    return None


def standing(connection: sa.Connection, model: str | None = None) -> Sequence[tuple[str, str, int]]:
    """Return model, alias and version of everything that an alias names now."""
    moves = sa.select(decided.c.model, decided.c.alias, sa.func.max(decided.c.seq).label("seq"))
    moves = moves.where(decided.c.kind == DECISION, decided.c.moves == 1).group_by(decided.c.model, decided.c.alias)
    if model is not None:
        moves = moves.where(decided.c.model == model)
    newest = moves.subquery("newest")
    statement = sa.select(decided.c.model, decided.c.alias, decided.c.version).join_from(
        newest,
        decided,
        sa.and_(
            decided.c.kind == DECISION,
            decided.c.model == newest.c.model,
            decided.c.alias == newest.c.alias,
            decided.c.seq == newest.c.seq,
        ),
    )
    rows = connection.execute(statement.where(decided.c.version.is_not(None)))
    return sorted((row.model, row.alias, row.version) for row in rows)


def ever_named(connection: sa.Connection, alias: str) -> Sequence[tuple[str, int]]:
    """Return model and version of all that an alias names or has named, in the order of the decisions."""
    statement = sa.select(decided.c.model, decided.c.version, sa.func.min(decided.c.seq).label("seq")).where(
        decided.c.kind == DECISION, decided.c.alias == alias, decided.c.moves == 1, decided.c.version.is_not(None)
    )
    rows = connection.execute(statement.group_by(decided.c.model, decided.c.version))
    return [(row.model, row.version) for row in sorted(rows, key=lambda row: row.seq)]


def places(connection: sa.Connection, kind: str, model: str, alias: str | None) -> Sequence[int]:
    """Return where the decisions or approvals of a model are, in order."""
    statement = sa.select(decided.c.seq).where(decided.c.kind == kind, decided.c.model == model)
    if alias is not None:
        statement = statement.where(decided.c.alias == alias)
    return list(connection.scalars(statement.order_by(decided.c.seq)))


def every(connection: sa.Connection) -> Iterator[Judged]:
    """Yield the whole index."""
    for row in connection.execute(sa.select(*decided.c)):
        yield Judged(row.kind, row.model, row.alias, row.seq, row.version, bool(row.moves))
