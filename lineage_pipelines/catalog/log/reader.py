"""Reader of versions and log entries: one statement for each question, every body checked against its digest."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import FILE, entity, log, model, usage, version
from lineage_pipelines.catalog.log.entries import Entry, LogEntry, ModelSummary, of_kind
from lineage_pipelines.errors import CatalogError, NotFoundError
from lineage_pipelines.records.values.codec import parse_time
from lineage_pipelines.records.values.digest import Digest

_PREFIX = re.compile(r"[0-9a-f]{6,64}")
_BATCH = 500
_PAST_HEX = "g"
"""Sorts after every hex character: a prefix is the range from itself to itself and this."""


def check_prefix(text: str) -> str:
    """Return the hex of a digest's beginning.

    Raises:
        NotFoundError: it is not 6 to 64 hex characters.
    """
    prefix = text.lower().removeprefix("sha256:").removeprefix("md5:").removesuffix(".dir")
    if not _PREFIX.fullmatch(prefix):
        raise NotFoundError(f"not the beginning of a digest: {text[:80]!r}", fix="give 6 hex characters or more")
    return prefix


def check_body(row: sa.Row[Any], name: str) -> Digest:
    """Return the digest of an entry's bytes.

    Raises:
        CatalogError: it is not the recorded one: the bytes were altered.
    """
    digest = Digest.of(row.body)
    if digest.hex != row.digest:
        raise CatalogError(
            f"{name} was altered: its bytes have the digest {digest}, recorded was sha256:{row.digest}",
            where=f"entry {row.seq} of the log",
            fix="find out who changed the file, then restore it from a copy",
        )
    return digest


def _entry(row: sa.Row[Any]) -> Entry:
    ref = f"{row.model}@{row.version}"
    digest = check_body(row, ref)
    if row.indexed != row.digest:
        raise CatalogError(
            f"the index disagrees with the log about {ref}",
            where=f"entry {row.seq} of the log",
            fix="rebuild the index with Catalog.rebuild()",
        )
    return Entry(
        seq=row.seq,
        model=row.model,
        version=row.version,
        digest=digest,
        body=bytes(row.body),
        recorded=parse_time(row.recorded),
    )


def _entries() -> sa.Select[Any]:
    return sa.select(
        log.c.seq,
        log.c.digest,
        log.c.body,
        log.c.recorded,
        version.c.model,
        version.c.version,
        version.c.digest.label("indexed"),
    ).join_from(version, log, version.c.seq == log.c.seq)


def _one(connection: sa.Connection, statement: sa.Select[Any]) -> Entry | None:
    row = connection.execute(statement).first()
    return None if row is None else _entry(row)


def walk(
    connection: sa.Connection,
    *,
    signed: bool,
    kind: str | None = None,
    after: int = 0,
    until: int | None = None,
    seqs: Sequence[int] | None = None,
) -> Iterator[LogEntry]:
    """Yield the entries of the log in order, unchecked.

    Args:
        connection: a connection.
        signed: whether the schema has signatures.
        kind: only entries of this kind.
        after: only entries behind this place.
        until: only entries up to this place.
        seqs: only entries at these places, few enough for one statement.
    """
    columns: list[sa.ColumnElement[Any]] = [log.c[name] for name in ("seq", "kind", "digest", "body", "recorded")]
    columns += [log.c[name] if signed else sa.null().label(name) for name in ("keyid", "signature")]
    statement = sa.select(*columns).order_by(log.c.seq)
    if after:
        statement = statement.where(log.c.seq > after)
    if until is not None:
        statement = statement.where(log.c.seq <= until)
    if seqs is not None:
        statement = statement.where(log.c.seq.in_(seqs))
    if kind is not None:
        statement = statement.where(of_kind(kind))
    # Of the statement, not of the connection: PostgreSQL would declare a cursor for what is inserted afterwards.
    with connection.execute(statement, execution_options={"yield_per": _BATCH}) as rows:
        for row in rows:
            yield LogEntry(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it


def size(connection: sa.Connection) -> int:
    """Return the place of the last entry, 0 if there is none."""
    return int(connection.scalar(sa.select(sa.func.max(log.c.seq))) or 0)


def versions(connection: sa.Connection) -> dict[int, tuple[str, int]]:
    """Return the model and version of each entry that is one, by its place in the log."""
    rows = connection.execute(sa.select(version.c.seq, version.c.model, version.c.version))
    return {seq: (name, number) for seq, name, number in rows}


def digests(connection: sa.Connection, name: str) -> dict[str, int]:
    """Return the number of each of a model's versions by its record's digest, in hex."""
    rows = connection.execute(sa.select(version.c.digest, version.c.version).where(version.c.model == name))
    return {row.digest: row.version for row in rows}


def at(connection: sa.Connection, seqs: Sequence[int] | None) -> Sequence[Entry]:
    """Return the versions at these places in the log, in its order; None for all."""
    statement = _entries().order_by(version.c.seq)
    if seqs is None:
        return [_entry(row) for row in connection.execute(statement)]
    found: list[Entry] = []
    for start in range(0, len(seqs), _BATCH):
        some = statement.where(version.c.seq.in_(seqs[start : start + _BATCH]))
        found.extend(_entry(row) for row in connection.execute(some))
    return found


def get(connection: sa.Connection, name: str, number: int) -> Entry | None:
    """Return one version, if there is one."""
    return _one(connection, _entries().where(version.c.model == name, version.c.version == number))


def by_run_key(connection: sa.Connection, run_key: str) -> Entry | None:
    """Return the version of a run, if it has one."""
    return _one(connection, _entries().where(version.c.run_key == run_key))


def head(connection: sa.Connection, name: str) -> Digest | None:
    """Return the digest of the model's newest record, if it has any."""
    newest = sa.select(version.c.digest).where(version.c.model == name).order_by(version.c.version.desc()).limit(1)
    text = connection.scalar(newest)
    return None if text is None else Digest("sha256", text)


def by_digest(connection: sa.Connection, prefix: str) -> Sequence[Entry]:
    """Return the records that begin with `prefix`, five at most."""
    found = version.c.digest.between(prefix, prefix + _PAST_HEX)
    return [_entry(row) for row in connection.execute(_entries().where(found).order_by(version.c.seq).limit(5))]


def entries(connection: sa.Connection, name: str, *, limit: int | None, before: int | None) -> Sequence[Entry]:
    """Return the model's versions, newest first."""
    statement = _entries().where(version.c.model == name).order_by(version.c.version.desc())
    if before is not None:
        statement = statement.where(version.c.version < before)
    if limit is not None:
        statement = statement.limit(limit)
    return [_entry(row) for row in connection.execute(statement)]


def models(connection: sa.Connection) -> Sequence[ModelSummary]:
    """Return a line about every model, by name."""
    highest = (
        sa.select(sa.func.max(version.c.version))
        .where(version.c.model == model.c.name)
        .correlate(model)
        .scalar_subquery()
    )
    statement = (
        sa.select(version.c.model, version.c.version, log.c.recorded)
        .join_from(model, version, sa.and_(version.c.model == model.c.name, version.c.version == highest))
        .join(log, log.c.seq == version.c.seq)
        .order_by(version.c.model)
    )
    return [
        ModelSummary(name=name, versions=number, latest_version=number, latest_time=parse_time(recorded))
        for name, number, recorded in connection.execute(statement)
    ]


def users_of(connection: sa.Connection, prefix: str) -> Sequence[int]:
    """Return the places of every version that names content that begins with `prefix`, in the order of the log."""
    past = prefix + _PAST_HEX
    some = sa.union(
        sa.select(entity.c.id).where(entity.c.sha256.between(prefix, past), entity.c.kind == FILE),
        sa.select(entity.c.id).where(entity.c.md5.between(prefix, past)),
    ).subquery()
    users = sa.select(usage.c.seq).join_from(some, usage, usage.c.entity == some.c.id).distinct()
    return list(connection.scalars(users.order_by(usage.c.seq)))
