"""Record index: the version that a record makes, all that it names as used, its partition, model file and summary.

Written in the transaction that appends the entry, and again by `Catalog.rebuild`, in the order of the log.
"""

import hashlib
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import (
    FILE,
    artifact,
    entity,
    model,
    part,
    usage,
    version,
)
from lineage_pipelines.catalog.index import summary_index
from lineage_pipelines.errors import ConflictError
from lineage_pipelines.records.statement.code import SourceClosure
from lineage_pipelines.records.statement.lineage_record import LineageRecord, ModelIdentity
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.records.values.digest import Digest, DigestSet
from lineage_pipelines.records.values.model_name import scoped

REVISION = "revision"
PACKAGES = "packages"
ORIGIN = "origin"
"""The address that data was imported from."""
SOURCE = "source"
PARTITION = "partition"
WINDOW = "window"

_MANY = 400
"""How many values a statement has at most; every SQLite allows 999."""
LONGEST = 400
"""Characters of a name in the index: a row of a PostgreSQL index holds 2,700 bytes."""


class Entity(NamedTuple):
    """Something that a record names as used, as the index has it."""

    kind: str
    name: str
    md5: str = ""
    sha256: str = ""

    @property
    def key(self) -> str:
        """The key by which it is looked up: BLAKE2b of all its fields, 16 bytes in hex."""
        return hashlib.blake2b("\0".join(self).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


# Built once: to build a statement takes longer than to execute it.
_ADD_VERSION = version.insert()
_ADD_ENTITY = entity.insert()
_ADD_USAGE = usage.insert()
_ADD_PART = part.insert()
_hex: sa.BindParameter[str] = sa.bindparam("hex")
_seq: sa.BindParameter[int] = sa.bindparam("seq", type_=sa.Integer)
_ADD_ARTIFACT = artifact.insert().from_select(
    ["hex", "seq"],
    sa.select(sa.cast(_hex, sa.Text), sa.cast(_seq, sa.Integer)).where(
        ~sa.exists().where(artifact.c.hex == _hex).correlate(None)
    ),
)
_KNOWN = sa.select(entity.c.key, entity.c.id).where(entity.c.key.in_(sa.bindparam("keys", expanding=True)))

_HAS_USAGE = (
    sa.select(sa.func.count())
    .select_from(entity)
    .join(usage, usage.c.entity == entity.c.id)
    .where(entity.c.key.in_(sa.bindparam("keys", expanding=True)), usage.c.seq == _seq)
)


def truncate(name: str) -> str:
    """Return a name as the index has it: one over `LONGEST` characters is truncated, and ends with its SHA-256."""
    if len(name) <= LONGEST:
        return name
    return f"{name[:LONGEST]}~{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def add_version(
    connection: sa.Connection,
    seq: int,
    digest: Digest,
    record: LineageRecord,
    number: int,
    *,
    recorded: str,
    known: dict[Entity, int] | None = None,
) -> None:
    """Make the entry the version `number`, the next one of its model, and index what it names.

    Args:
        connection: in a write transaction.
        seq: the entry's place.
        digest: the record's identity.
        record: the record.
        number: the version's number.
        recorded: when the entry was committed, as the log has it.
        known: numbers of entities looked up in the same transaction; those of this record are added.

    Raises:
        ConflictError: the model is new and its name is too similar to that of another.
    """
    name = record.model.name
    if number == 1:
        _add_model(connection, name)
    values = {"model": name, "version": number, "seq": seq, "digest": digest.hex, "run_key": record.model.run_key}
    connection.execute(_ADD_VERSION, values)
    connection.execute(_ADD_ARTIFACT, {"hex": record.artifact.digest.hex, "seq": seq})
    _add_usage(connection, seq, record, known if known is not None else {})
    summary_index.add(connection, seq, recorded, record)


def fold(name: str) -> str:
    """Return a model's name without what people overlook: case and punctuation."""
    return re.sub(r"[._-]+", "_", name.casefold())


def _add_model(connection: sa.Connection, name: str) -> None:
    folded = fold(name)
    twin = connection.scalar(sa.select(model.c.name).where(model.c.folded == folded))
    if twin is not None:
        raise ConflictError(
            f"the model name {name!r} is too similar to {twin!r}",
            where="the catalog accepts no two names that people would confuse",
            fix=f"use {twin!r}, or a name that differs in more than case and punctuation",
        )
    connection.execute(model.insert().values(name=name, folded=folded))


def _add_usage(connection: sa.Connection, seq: int, record: LineageRecord, known: dict[Entity, int]) -> None:
    used = named_by(record)
    new = _identify(connection, used, known)
    rows = [{"entity": known[each], "seq": seq, "beside": beside} for each, beside in used.items()]
    connection.execute(_ADD_USAGE, sorted(rows, key=lambda row: row["entity"]))
    source = source_of(record)
    if source in new:
        files = source_files(record)
        _identify(connection, files, known)
        if files:
            connection.execute(_ADD_PART, [{"entity": known[each], "source": known[source]} for each in sorted(files)])


def named_by(record: LineageRecord) -> dict[Entity, int]:
    """Return what a record names as used, each with 1 where a step of its preparation only made it, else 0."""
    source = source_of(record)
    read = {*_read(record), *([source] if source else [])}
    made = {_file(out.path, out.digest) for stage in record.stages for out in stage.outs} - read
    return {**dict.fromkeys(read, 0), **dict.fromkeys(made, 1)}


def source_of(record: LineageRecord) -> Entity | None:
    """Return the set of source files that a record names, None if it names none."""
    return _source(record.code.source) if record.code.source else None


def source_files(record: LineageRecord) -> set[Entity]:
    """Return the files of that set."""
    files = record.code.source.files if record.code.source else ()
    return {Entity(FILE, truncate(file.path), sha256=file.sha256) for file in files}


def _read(record: LineageRecord) -> Iterator[Entity]:
    for snapshot in record.data:
        yield _file(snapshot.path, snapshot.digest)
    for stage in record.stages:
        for used in stage.deps:
            yield _file(used.path, used.digest)
    for origin in (source.imported_from for source in record.sources):
        if origin is not None and origin.url:
            yield Entity(ORIGIN, truncate(origin.url))
        if origin is not None and origin.revision:
            yield Entity(REVISION, truncate(origin.revision))
    yield Entity(PACKAGES, "", sha256=record.environment.packages.hex)
    if record.code.revision:
        yield Entity(REVISION, truncate(record.code.revision))
    yield from _partition(record.model)


def _partition(model: ModelIdentity) -> Iterator[Entity]:
    partition = model.partition
    if partition is not None and partition.identity is not None:
        yield Entity(PARTITION, scoped(model.name, partition.identity))
    if partition is not None and partition.window is not None:
        yield Entity(WINDOW, window_name(model.name, partition))


def window_name(model: str, partition: Partition) -> str:
    """Return the name of a window in the index: model and identity, then where it begins, so that names sort by time.

    The two are separated by a line feed, which no identity holds: no window is in the range of another identity.
    """
    begin = format_time(partition.window) if partition.window is not None else ""
    return f"{scoped(model, partition.identity)}\n{begin}"


def _file(path: str, digest: DigestSet) -> Entity:
    return Entity(FILE, truncate(path), digest.md5 or "", digest.sha256 or "")


def _source(closure: SourceClosure) -> Entity:
    # By its files: the digest that the record states for them is not checked here.
    lines = "".join(f"{file.sha256}  {file.path}\n" for file in closure.files)
    return Entity(SOURCE, "", sha256=hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest())


def has_usage(connection: sa.Connection, seq: int, record: LineageRecord) -> bool:
    """Return whether the index has all that a record names as used."""
    keys, found = [each.key for each in named_by(record)], 0
    for start in range(0, len(keys), _MANY):
        asked = {"keys": keys[start : start + _MANY], "seq": seq}
        found += connection.scalars(_HAS_USAGE, asked).one()
    return found == len(keys)


def origin_number(connection: sa.Connection, url: str) -> int | None:
    """Return the number of the address that data was imported from; None where no record names it."""
    named = Entity(ORIGIN, truncate(url))
    return _look_up(connection, [named]).get(named)


def _identify(connection: sa.Connection, named: Collection[Entity], known: dict[Entity, int]) -> set[Entity]:
    """Look up or create the number of each entity in `known`; return those that are new in the index."""
    # Not by `-` with the keys of a dictionary: that looks at each of them.
    missing = {each for each in named if each not in known}
    known |= _look_up(connection, list(missing))
    new = {each for each in missing if each not in known}
    if new:
        connection.execute(_ADD_ENTITY, [{"key": each.key, **each._asdict()} for each in sorted(new)])
        known |= _look_up(connection, list(new))
    return new


def _look_up(connection: sa.Connection, named: list[Entity]) -> dict[Entity, int]:
    by_key = {each.key: each for each in named}
    keys, found = list(by_key), dict[Entity, int]()
    for start in range(0, len(keys), _MANY):
        rows = connection.execute(_KNOWN, {"keys": keys[start : start + _MANY]})
        found |= {by_key[row.key]: row.id for row in rows}
    return found
