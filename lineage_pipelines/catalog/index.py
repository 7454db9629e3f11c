"""What the catalog derives from a record: its version, and every content that it names.

Written in the transaction that appends the entry, and again by `rebuild`, in the order of the log.
"""

import re
from collections.abc import Iterator

import sqlalchemy as sa

from lineage_pipelines.catalog.tables import content, model, usage, version
from lineage_pipelines.errors import ConflictError
from lineage_pipelines.records import Digest, DigestSet, LineageRecord

_MANY = 400
"""How many values one statement names; every SQLite allows 999."""

# To put a statement together takes longer than to execute it.
_ADD_VERSION = version.insert()
_ADD_CONTENT = content.insert()
_ADD_USAGE = usage.insert()
_KNOWN = sa.select(content.c.hex, content.c.id).where(content.c.hex.in_(sa.bindparam("hexes", expanding=True)))


def add_version(connection: sa.Connection, seq: int, digest: Digest, record: LineageRecord, number: int) -> None:
    """Make the entry the version `number`, the next one of its model, and index what it names.

    Raises:
        ConflictError: the model is new and its name is too like that of another.
    """
    name = record.model.name
    if number == 1:
        _add_model(connection, name)
    values = {"model": name, "version": number, "seq": seq, "digest": digest.hex, "run_key": record.model.run_key}
    connection.execute(_ADD_VERSION, values)
    _add_usage(connection, seq, sorted(set(_hexes(record))))


def _add_model(connection: sa.Connection, name: str) -> None:
    folded = re.sub(r"[._-]+", "_", name.casefold())
    twin = connection.scalar(sa.select(model.c.name).where(model.c.folded == folded))
    if twin is not None:
        raise ConflictError(
            f"the model name {name!r} is too like {twin!r}",
            where="the catalog keeps apart names that people would confuse",
            fix=f"use {twin!r}, or a name that differs in more than its punctuation",
        )
    connection.execute(model.insert().values(name=name, folded=folded))


def _hexes(record: LineageRecord) -> Iterator[str]:
    for digests in _named(record):
        if digests.md5 is not None:
            yield digests.md5.removesuffix(".dir")
        if digests.sha256 is not None:
            yield digests.sha256


def _named(record: LineageRecord) -> Iterator[DigestSet]:
    for snapshot in record.data:
        yield snapshot.digest
    for stage in record.stages:
        for used in stage.deps:
            yield used.digest
        for generated in stage.outs:
            yield generated.digest


def _add_usage(connection: sa.Connection, seq: int, hexes: list[str]) -> None:
    known = _identify(connection, hexes)
    new = [{"hex": text} for text in hexes if text not in known]
    if new:
        connection.execute(_ADD_CONTENT, new)
        known |= _identify(connection, [row["hex"] for row in new])
    if known:
        connection.execute(_ADD_USAGE, [{"content": number, "seq": seq} for number in sorted(known.values())])


def _identify(connection: sa.Connection, hexes: list[str]) -> dict[str, int]:
    known: dict[str, int] = {}
    for start in range(0, len(hexes), _MANY):
        rows = connection.execute(_KNOWN, {"hexes": hexes[start : start + _MANY]})
        known |= {row.hex: row.id for row in rows}
    return known
