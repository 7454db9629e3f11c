"""Partition index: the versions of one partition of a model, and of the windows of time before another one."""

from collections.abc import Sequence

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import entity, usage
from lineage_pipelines.catalog.index.record_index import PARTITION, WINDOW, window_name
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.values.model_name import scoped, split_scoped

_PAGE = 10
"""How many versions are looked up at a time: the answer is nearly always the first."""
_PAST_BRACKET = "\\"
"""The character after `[`: the names of a model's partitions are the range from the one to the other."""

_name, _begin = sa.bindparam("name", type_=sa.Text), sa.bindparam("begin", type_=sa.Text)
_before = sa.bindparam("before", type_=sa.Integer)
_OF_IDENTITY = (
    sa.select(usage.c.seq)
    .join_from(entity, usage, usage.c.entity == entity.c.id)
    .where(entity.c.name == _name, entity.c.kind == PARTITION, usage.c.seq < _before)
    .order_by(usage.c.seq.desc())
    .limit(_PAGE)
)
_WINDOWS = (
    sa.select(entity.c.id, entity.c.name)
    .where(entity.c.name > _begin, entity.c.name < _name, entity.c.kind == WINDOW)
    .order_by(entity.c.name.desc())
    .limit(_PAGE)
)
_IN_WINDOW = sa.select(usage.c.seq).where(usage.c.entity == sa.bindparam("entity")).order_by(usage.c.seq.desc())
_NAMES = sa.select(entity.c.name).where(entity.c.name > _begin, entity.c.name < _name, entity.c.kind == PARTITION)
_NO_END = 2**31 - 1


def of_identity(connection: sa.Connection, model: str, identity: str, before: int | None) -> Sequence[int]:
    """Return the places of the newest versions of an identity, the newest first; none when there are no more.

    Args:
        connection: a connection to the index.
        model: the model's name.
        identity: the identity.
        before: only versions before this place of the log.
    """
    asked = {"name": scoped(model, identity), "before": _NO_END if before is None else before}
    return list(connection.scalars(_OF_IDENTITY, asked))


def earlier_windows(
    connection: sa.Connection, model: str, partition: Partition, name: str | None
) -> tuple[Sequence[int], str | None]:
    """Return the places of the versions of the windows before one: the latest window first, in it the newest version.

    Args:
        connection: a connection to the index.
        model: the model's name.
        partition: the partition, with a window; earlier windows are those of the same identity.
        name: where to go on, as it was returned; None to begin with.

    Returns:
        The places, and where to go on: None when there are no more.
    """
    begin, end = f"{scoped(model, partition.identity)}\n", name or window_name(model, partition)
    windows = connection.execute(_WINDOWS, {"begin": begin, "name": end}).all()
    places = [seq for window in windows for seq in connection.scalars(_IN_WINDOW, {"entity": window.id})]
    return places, windows[-1].name if len(windows) == _PAGE else None


def identities(connection: sa.Connection, model: str) -> Sequence[str]:
    """Return the identities that a model has versions of, sorted."""
    names = connection.scalars(_NAMES, {"begin": f"{model}[", "name": f"{model}{_PAST_BRACKET}"})
    return sorted(identity for identity in (split_scoped(name)[1] for name in names) if identity is not None)
