"""Alias index: the decisions, approvals and policies of each model, and what its aliases name.

The entry of the log is authoritative, the index only says where to look; `lineage verify` compares the two.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import decided, log, version
from lineage_pipelines.catalog.backends.schema_tables import model as models
from lineage_pipelines.catalog.log.entries import APPROVAL, DECISION, POLICY, LogEntry, of_kind
from lineage_pipelines.errors import CatalogError, RecordError
from lineage_pipelines.records.decisions.approval import decode_envelope
from lineage_pipelines.records.decisions.decision import decode_decision
from lineage_pipelines.records.decisions.policy_change import decode_policy_change
from lineage_pipelines.records.values.digest import Digest

INDEXED = (DECISION, APPROVAL, POLICY)
"""The kinds of entries in this index."""


class IndexedDecision(NamedTuple):
    """A decision, an approval or a policy, as the index has it."""

    kind: str
    model: str
    alias: str
    """As the decision has it: `production`, of a partition `production[west]`."""
    seq: int
    version: int | None
    moves: bool
    """Whether the alias names this version (or no version, if None) from this entry on."""


_PAGE = 500
_ADD = decided.insert()
_model, _alias = sa.bindparam("model", type_=sa.Text), sa.bindparam("alias", type_=sa.Text)
_models = sa.bindparam("models", expanding=True, type_=sa.Text)
_MOVES = sa.select(decided.c.seq, decided.c.version).where(
    decided.c.kind == DECISION, decided.c.model == _model, decided.c.alias == _alias, decided.c.moves == 1
)
_NEWEST = _MOVES.order_by(decided.c.seq.desc()).limit(1)
_newest = _NEWEST.subquery("newest")
_NAMED = sa.select(version.c.digest).join_from(
    _newest, version, sa.and_(version.c.model == _model, version.c.version == _newest.c.version)
)


def add(connection: sa.Connection, seq: int, kind: str, body: bytes) -> None:
    """Index an entry if it is a decision, an approval or a policy, in the transaction that commits it.

    An entry that cannot be read is not indexed; `lineage verify` reports it.
    """
    with contextlib.suppress(RecordError):
        decision = derive(seq, kind, body)
        if decision is not None:
            connection.execute(_ADD, {**decision._asdict(), "moves": int(decision.moves)})


def derive(seq: int, kind: str, body: bytes) -> IndexedDecision | None:
    """Return the line of the index for an entry; None if it is of another kind than `INDEXED`.

    Raises:
        RecordError: its bytes are not of its kind.
    """
    if kind == DECISION:
        made = decode_decision(body)
        return IndexedDecision(kind, made.model, made.alias, seq, made.version, made.moves_alias)
    if kind == APPROVAL:
        given = decode_envelope(body).approval
        return IndexedDecision(kind, given.model, given.alias, seq, given.version, moves=False)
    if kind == POLICY:
        changed = decode_policy_change(body)
        return IndexedDecision(kind, changed.model, changed.alias, seq, None, moves=False)
    return None


def copy(connection: sa.Connection, log_connection: sa.Connection) -> None:
    """Index the models, decisions, approvals and policies of a log in another database."""
    rows = [{"name": row.name, "folded": row.folded} for row in log_connection.execute(sa.select(models))]
    if rows:
        connection.execute(models.insert(), rows)
    for kind in INDEXED:
        for row in log_connection.execute(sa.select(log.c.seq, log.c.body).where(of_kind(kind)).order_by(log.c.seq)):
            add(connection, row.seq, kind, bytes(row.body))


def current_record(connection: sa.Connection, model: str, alias: str) -> Digest | None:
    """Return the record that an alias names now, None if it names no version."""
    found = connection.scalar(_NAMED, {"model": model, "alias": alias})
    return None if found is None else Digest("sha256", found)


def current(connection: sa.Connection, model: str, alias: str, *, before: int | None = None) -> tuple[int, int | None]:
    """Return the place of the decision that an alias rests on, and the version that it names.

    The place is 0 if there is no such decision; the version is None if the alias was retired.

    Args:
        connection: a connection to the index.
        model: the model's name.
        alias: the alias.
        before: as it was before this entry of the log; as it is now by default.
    """
    statement = (
        _NEWEST if before is None else _MOVES.where(decided.c.seq < before).order_by(decided.c.seq.desc()).limit(1)
    )
    row = connection.execute(statement, {"model": model, "alias": alias}).first()
    return (0, None) if row is None else (row.seq, row.version)


def check(entry: LogEntry, model: str, alias: str, version: int | None) -> None:
    """Compare what the index has of an alias with the decision itself.

    Raises:
        CatalogError: the entry was altered, or contradicts the index.
    """
    where = f"entry {entry.seq} of the log"
    if entry.kind == DECISION and Digest.of(entry.body).hex == entry.digest:
        made = decode_decision(entry.body)
        if (made.model, made.alias, made.version, made.moves_alias) == (model, alias, version, True):
            return
        fix = "find out who changed the index, then rebuild it with Catalog.rebuild()"
        raise CatalogError(f"the index disagrees with the log about {alias} of {model}", where=where, fix=fix)
    what = f"the entry that {alias} of {model} rests on was altered, or is not a decision"
    raise CatalogError(what, where=where, fix="find out who changed the file: lineage verify")


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


def _current_aliases() -> sa.Select[Any]:
    # Steps from alias to alias of each model by the index, without reading the decisions in between.
    first, further, newest = decided.alias("first"), decided.alias("further"), decided.alias("newest")
    least = sa.select(sa.func.min(first.c.alias)).where(first.c.kind == DECISION, first.c.model == models.c.name)
    each = sa.select(models.c.name.label("model"), least.scalar_subquery().label("alias"))
    each = each.where(models.c.name.in_(_models))
    pair = each.cte("pair", recursive=True)
    after = sa.select(sa.func.min(further.c.alias)).where(
        further.c.kind == DECISION, further.c.model == pair.c.model, further.c.alias > pair.c.alias
    )
    pair = pair.union_all(sa.select(pair.c.model, after.scalar_subquery()).where(pair.c.alias.is_not(None)))
    last = sa.select(newest.c.seq).where(
        newest.c.kind == DECISION,
        newest.c.model == pair.c.model,
        newest.c.alias == pair.c.alias,
        newest.c.moves == 1,
    )
    found = sa.and_(
        decided.c.kind == DECISION,
        decided.c.model == pair.c.model,
        decided.c.alias == pair.c.alias,
        decided.c.seq == last.order_by(newest.c.seq.desc()).limit(1).scalar_subquery(),
    )
    statement = sa.select(pair.c.model, pair.c.alias, decided.c.version).join_from(pair, decided, found)
    return statement.where(decided.c.version.is_not(None))


_CURRENT = _current_aliases()


def current_aliases(connection: sa.Connection, names: Sequence[str]) -> Sequence[tuple[str, str, int]]:
    """Return model, alias and version of every alias of these models that names a version now, sorted."""
    pages = [names[start : start + _PAGE] for start in range(0, len(names), _PAGE)]
    rows = [row for some in pages for row in connection.execute(_CURRENT, {"models": some})]
    return sorted((row.model, row.alias, row.version) for row in rows)


def alias_versions(connection: sa.Connection, alias: str) -> Sequence[tuple[str, int]]:
    """Return model and version of everything that an alias names or has named, of whichever partition, in order."""
    named = sa.or_(decided.c.alias == alias, decided.c.alias.startswith(f"{alias}[", autoescape=True))
    statement = sa.select(decided.c.model, decided.c.version, sa.func.min(decided.c.seq).label("seq")).where(
        decided.c.kind == DECISION, named, decided.c.moves == 1, decided.c.version.is_not(None)
    )
    rows = connection.execute(statement.group_by(decided.c.model, decided.c.version))
    return [(row.model, row.version) for row in sorted(rows, key=lambda row: row.seq)]


def nearest_approvals(connection: sa.Connection, model: str, version: int, others: int) -> Sequence[int]:
    """Return the places of the approvals of a version, and of the newest `others` of other versions of its model."""
    statement = sa.select(decided.c.seq, decided.c.version).where(decided.c.kind == APPROVAL, decided.c.model == model)
    rows = connection.execute(statement.order_by(decided.c.seq)).all()
    more = [row.seq for row in rows if row.version != version][-others:]
    return sorted([*(row.seq for row in rows if row.version == version), *more])


def places(
    connection: sa.Connection, kind: str, model: str, alias: str | None, version: int | None = None
) -> Sequence[int]:
    """Return the places of the decisions, approvals or policies of a model, or of one version, in order."""
    statement = sa.select(decided.c.seq).where(decided.c.kind == kind, decided.c.model == model)
    if alias is not None:
        statement = statement.where(decided.c.alias == alias)
    if version is not None:
        statement = statement.where(decided.c.version == version)
    return list(connection.scalars(statement.order_by(decided.c.seq)))


def read_all(connection: sa.Connection) -> Iterator[IndexedDecision]:
    """Yield the whole index, in no order."""
    for row in connection.execute(sa.select(*decided.c)):
        yield IndexedDecision(row.kind, row.model, row.alias, row.seq, row.version, bool(row.moves))
