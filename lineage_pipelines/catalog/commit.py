"""Commit of a record: predecessor, idempotency by run, entry, version number and index, in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import version
from lineage_pipelines.catalog.index import record_index
from lineage_pipelines.catalog.log import reader
from lineage_pipelines.catalog.log.entries import RECORD, Entry
from lineage_pipelines.catalog.log.writer import add_entry
from lineage_pipelines.catalog.outbox import attempts, outbox
from lineage_pipelines.catalog.outbox.attempts import Attempt, AttemptEnd
from lineage_pipelines.catalog.transparency.signing import LogKey
from lineage_pipelines.errors import ConflictError
from lineage_pipelines.records.statement.lineage_record import LineageRecord, decode, encode, predicate
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.records.values.digest import Digest

_SHOWN = 6
_run: sa.BindParameter[str] = sa.bindparam("run")
_name: sa.BindParameter[str] = sa.bindparam("model")
_newest = sa.select(version.c.version).where(version.c.model == _name).order_by(version.c.version.desc()).limit(1)
_STATE: sa.Select[Any] = sa.select(
    sa.select(version.c.seq).where(version.c.run_key == _run).scalar_subquery().label("committed"),
    _newest.scalar_subquery().label("newest"),
    _newest.with_only_columns(version.c.digest).scalar_subquery().label("head"),
    *attempts.FENCE,
)
"""What an append depends on: whether the run has a version, the number and the digest of its model's newest version,
and the run's attempts."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record and its bytes, on the assumption that it follows `record.model.previous`."""

    record: LineageRecord
    """As it will be read again: the bytes do not distinguish the number 1.0 from 1 in the fields of a newer schema."""
    body: bytes


def draft(record: LineageRecord, previous: Digest | None) -> Draft:
    """Encode a record as the one that follows `previous`.

    Raises:
        RecordError: it has no exact form, or one that could not be read again: from a log, such bytes could never be
            removed.
    """
    body = encode(_following(record, previous))
    return Draft(decode(body), body)


def _following(record: LineageRecord, previous: Digest | None) -> LineageRecord:
    return replace(record, model=replace(record.model, previous=previous))


def append(
    connection: sa.Connection,
    given: LineageRecord,
    drafted: Draft,
    key: LogKey | None = None,
    *,
    attempt: Attempt | None = None,
    notify: Sequence[str] = (),
) -> Entry:
    """Commit `given` as the next version of its model, or return the version that its run already has.

    Args:
        connection: in a write transaction.
        given: the record as the caller passed it.
        drafted: the same, encoded before the transaction began.
        key: the key that signs the entry.
        attempt: the attempt that made it.
        notify: the destinations to be sent the version.

    Raises:
        ConflictError: see `Catalog.append`.
    """
    epoch = attempt.epoch if attempt is not None else 0
    asked = {"run": given.model.run_key, "model": given.model.name, "attempt": epoch}
    state = connection.execute(_STATE, asked).one()
    committed = reader.by_run_key(connection, given.model.run_key) if state.committed is not None else None
    if committed is not None:
        entry = _same_run(committed, drafted.record)
    else:
        attempts.check_fence(given.model.run_key, epoch, highest=state.highest, ended=state.ended)
        entry = _next(connection, given, drafted, key, state)
        outbox.post(connection, entry.seq, notify)
    if attempt is not None:
        attempts.end(connection, attempt.run_key, attempt.epoch, AttemptEnd.COMMITTED)
    return entry


def _next(
    connection: sa.Connection, given: LineageRecord, drafted: Draft, key: LogKey | None, state: sa.Row[Any]
) -> Entry:
    head = Digest("sha256", state.head) if state.head is not None else None
    _check_follows(given, head)
    if drafted.record.model.previous != head:  # another writer came first
        record = _following(drafted.record, head)  # decoded already; another digest does not change that
        drafted = Draft(record, encode(record))
    return _insert(connection, drafted, key, (state.newest or 0) + 1)


def _same_run(committed: Entry, given: LineageRecord) -> Entry:
    changed = differences(committed.record, given)
    if not changed:
        return committed
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    raise ConflictError(
        f"the run already has {committed.ref}, which differs in: {', '.join(changed[:_SHOWN])}{more}",
        where=f"run key {given.model.run_key[:12]}, record {committed.digest}",
        fix=f"nothing was stored; use {committed.ref}, or train in a new run for a new version",
    )


def _check_follows(given: LineageRecord, head: Digest | None) -> None:
    previous = given.model.previous
    if previous is not None and previous != head:
        raise ConflictError(
            f"the record follows {previous}, but the newest record of {given.model.name!r} is {head or 'none'}",
            fix="leave `previous` out, or build the record again on the newest one",
        )


def _insert(connection: sa.Connection, drafted: Draft, key: LogKey | None, number: int) -> Entry:
    added = add_entry(connection, RECORD, drafted.body, key)
    recorded = format_time(added.recorded)
    record_index.add_version(connection, added.seq, added.digest, drafted.record, number, recorded=recorded)
    return Entry(
        seq=added.seq,
        model=drafted.record.model.name,
        version=number,
        digest=added.digest,
        body=drafted.body,
        recorded=added.recorded,
    )


class _Absent:
    """Stands for a fact that a record does not state, which is not the same as null."""


_ABSENT = _Absent()
_OF_THE_ATTEMPT = frozenset(
    {
        "model.previous",
        "run.started",
        "run.finished",
        "run.host",
        "run.user",
        "run.mlflow",
        "run.dagster.run_id",
        "run.dagster.retry",
        "run.dagster.launched_by",
        "run.dagster.known_by",
        "environment.platform",
        "environment.cpu",
        "environment.threads",
        "artifact.digest",
        "artifact.size",
    }
)
"""Facts in which two attempts of one run may differ."""


def differences(first: LineageRecord, second: LineageRecord) -> tuple[str, ...]:
    """Return the paths of the facts in which two records of one run, both as read, contradict each other, sorted."""
    schema = min(first.schema_version, second.schema_version)  # a library upgrade between attempts contradicts nothing
    one, other = predicate(first, schema=schema), predicate(second, schema=schema)
    return tuple(sorted(set(_differences(one, other, ""))))


def _differences(first: Json | _Absent, second: Json | _Absent, path: str) -> Iterator[str]:
    if path in _OF_THE_ATTEMPT:
        return
    if isinstance(first, dict) and isinstance(second, dict):
        for name in first.keys() | second.keys():
            yield from _differences(
                first.get(name, _ABSENT), second.get(name, _ABSENT), f"{path}.{name}" if path else name
            )
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for place, (one, other) in enumerate(zip(first, second, strict=True)):
            yield from _differences(one, other, f"{path}[{place}]")
    elif type(first) is not type(second) or first != second:  # to Python, True is 1
        yield path
