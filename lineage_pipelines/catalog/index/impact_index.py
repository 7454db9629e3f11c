"""Impact index: from a digest, a path or a commit to the versions that it went into, by the index alone.

A version used what its record names: files that it or its preparation read, or that a stage also produced; its source
files; its commit; its list of packages. It also depends on everything that went into a model file that it read: the
file of the version that first had exactly these bytes. One recursive statement follows that chain to its end.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import FILE, artifact, entity, part, usage, version
from lineage_pipelines.catalog.index.record_index import PACKAGES, REVISION, truncate
from lineage_pipelines.catalog.log.entries import VersionName

CONTENT, RECORD, MODEL = "content", "record", "model"
_PAST_HEX = "g"
"""Sorts after every hex character, `.dir` included: a prefix is the range from itself to itself and this."""
_MANY = 10_000
"""How many values of one kind a statement names; SQLite allows 32,766 in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactQuery:
    """What to look for: a version that used any of it is found."""

    hexes: Collection[str] = ()
    """Whole MD5s (with `.dir` where it is a directory's) and SHA-256s."""
    path: str | None = None
    """A file or folder, with everything beneath it."""
    entities: Collection[int] = ()
    """Entity numbers, from `PrefixMatch` and `IndexedFile`."""


class DependentVersion(NamedTuple):
    """A version that something went into."""

    version: VersionName
    through: int | None
    """Place of the version whose model file it came through; None if it used the thing itself."""


class PrefixMatch(NamedTuple):
    """Something whose digest or revision begins with a prefix."""

    kind: str
    """`content`, `revision`, `packages`, `record` or `model`, the file of a version."""
    name: str
    id: int
    """The entity number of a revision or a list of packages; the place of a record, or of the version of a model file;
    0 for content, which may be several entities."""


class IndexedFile(NamedTuple):
    """A file as records name it."""

    id: int
    path: str
    """Truncated if it is very long, see `record_index.truncate`."""
    md5: str
    """With `.dir` for a directory; empty if not known, like `sha256`."""
    sha256: str


class ModelFile(NamedTuple):
    """A file that is the model file of a version."""

    hexes: frozenset[str]
    """Its digests, as a record that read it names them."""
    maker: VersionName
    """The version that first had this file."""


# Built once: to build a statement takes longer than to execute it.
_path: sa.BindParameter[str | None] = sa.bindparam("path", type_=sa.Text)
_beneath: sa.BindParameter[str | None] = sa.bindparam("beneath", type_=sa.Text)
_past: sa.BindParameter[str | None] = sa.bindparam("past", type_=sa.Text)
_hexes = sa.bindparam("hexes", expanding=True, type_=sa.Text)
_ids = sa.bindparam("ids", expanding=True, type_=sa.Integer)
_prefix: sa.BindParameter[str] = sa.bindparam("prefix", type_=sa.Text)
_end: sa.BindParameter[str] = sa.bindparam("end", type_=sa.Text)
_limit: sa.BindParameter[int] = sa.bindparam("limit", type_=sa.Integer)

_model, _same = entity.alias("model_file"), entity.alias("same_file")
_IS_SAME = sa.or_(_same.c.id == _model.c.id, _same.c.md5 == sa.func.nullif(_model.c.md5, ""))
"""Whether two files are one: dvc.lock may know by its MD5 alone what another record names with both digests."""
_VERSION = (version.c.seq, version.c.model, version.c.version, version.c.digest)


def _impact() -> sa.Select[Any]:
    found = sa.union(
        sa.select(entity.c.id).where(entity.c.sha256.in_(_hexes)),
        sa.select(entity.c.id).where(entity.c.md5.in_(_hexes)),
        sa.select(entity.c.id).where(entity.c.name == _path, entity.c.kind == FILE),
        sa.select(entity.c.id).where(entity.c.name > _beneath, entity.c.name < _past, entity.c.kind == FILE),
        sa.select(entity.c.id).where(entity.c.id.in_(_ids)),
    ).cte("found")
    used = sa.union(
        sa.select(usage.c.seq).join_from(found, usage, usage.c.entity == found.c.id),
        sa.select(usage.c.seq)
        .join_from(found, part, part.c.entity == found.c.id)
        .join(usage, usage.c.entity == part.c.source),
    ).cte("used")
    reached = sa.select(used.c.seq, sa.cast(0, sa.BigInteger).label("through")).cte("reached", recursive=True)
    reader = usage.alias("reader")
    further = (
        sa.select(reader.c.seq, reached.c.seq)
        .join_from(reached, artifact, artifact.c.seq == reached.c.seq)
        .join(_model, _model.c.sha256 == artifact.c.hex)
        .join(_same, _IS_SAME)
        .join(reader, reader.c.entity == _same.c.id)
        .where(reader.c.seq > reached.c.seq, reader.c.beside == 0)
    )
    reached = reached.union(further)
    return sa.select(*_VERSION, reached.c.through).join_from(reached, version, version.c.seq == reached.c.seq)


def _some(kind: str, name: sa.ColumnElement[Any], number: sa.ColumnElement[Any], *more: Any) -> sa.Select[Any]:  # noqa: ANN401  # conditions
    chosen = sa.select(name.label("name"), number.label("id")).where(name.between(_prefix, _end), *more)
    some = chosen.distinct().order_by(name).limit(_limit).subquery()
    return sa.select(sa.literal_column(f"'{kind}'", sa.Text).label("kind"), some.c.name, some.c.id)


def _is(kind: str) -> sa.ColumnElement[bool]:
    return entity.c.kind == sa.literal_column(f"'{kind}'")


_none = sa.literal_column("0", sa.Integer)
_IMPACT = _impact()
_BY_PREFIX = sa.union_all(
    _some(CONTENT, entity.c.sha256, _none, _is(FILE)),
    _some(CONTENT, entity.c.md5, _none, _is(FILE)),
    _some(REVISION, entity.c.name, entity.c.id, _is(REVISION)),
    _some(PACKAGES, entity.c.sha256, entity.c.id, _is(PACKAGES)),
    _some(RECORD, version.c.digest, version.c.seq),
    _some(MODEL, artifact.c.hex, artifact.c.seq),
)
_FILES = sa.select(entity.c.id, entity.c.name, entity.c.md5, entity.c.sha256).where(_is(FILE))
_FILES_OF = sa.union(_FILES.where(entity.c.sha256.in_(_hexes)), _FILES.where(entity.c.md5.in_(_hexes)))
_FILES_AT = _FILES.where(entity.c.name.in_(_hexes))
_HAS_PATH = sa.select(
    sa.or_(
        sa.exists().where(entity.c.name == _path, _is(FILE)),
        sa.exists().where(entity.c.name > _beneath, entity.c.name < _past, _is(FILE)),
    )
)
_newest = sa.select(sa.func.max(usage.c.seq)).where(usage.c.entity == entity.c.id).scalar_subquery()
_PACKAGES = sa.select(entity.c.sha256, entity.c.id, _newest.label("seq")).where(_is(PACKAGES), entity.c.name == "")
_MODEL_FILES = (
    sa.select(_same.c.md5, _same.c.sha256, *_VERSION)
    .join_from(_same, _model, sa.or_(_model.c.id == _same.c.id, _model.c.md5 == sa.func.nullif(_same.c.md5, "")))
    .join(artifact, artifact.c.hex == _model.c.sha256)
    .join(version, version.c.seq == artifact.c.seq)
    .where(sa.or_(_same.c.sha256.in_(_hexes), _same.c.md5.in_(_hexes)))
)


def by_prefix(connection: sa.Connection, prefix: str, limit: int) -> Sequence[PrefixMatch]:
    """Return what begins with a prefix in hex, at most `limit` of each kind; MD5s without `.dir`."""
    rows = connection.execute(_BY_PREFIX, {"prefix": prefix, "end": prefix + _PAST_HEX, "limit": limit})
    return [PrefixMatch(row.kind, row.name.removesuffix(".dir"), row.id) for row in rows]


def files_of(connection: sa.Connection, hexes: Collection[str]) -> Sequence[IndexedFile]:
    """Return the files with one of these digests, at any path."""
    return [IndexedFile._make(row) for row in connection.execute(_FILES_OF, {"hexes": _with_folders(hexes)})]


def files_at(connection: sa.Connection, paths: Sequence[str]) -> Sequence[IndexedFile]:
    """Return the files that records name at exactly these paths, one for each content."""
    return [
        IndexedFile._make(row) for row in connection.execute(_FILES_AT, {"hexes": [truncate(path) for path in paths]})
    ]


def has_path(connection: sa.Connection, path: str) -> bool:
    """Return whether any record names a file or folder, or anything beneath it."""
    return bool(connection.scalar(_HAS_PATH, _range(path)))


def package_lists(connection: sa.Connection) -> Mapping[str, tuple[int, int]]:
    """Return each list of packages by its SHA-256: its entity number, and the newest entry that names it."""
    return {row.sha256: (row.id, row.seq) for row in connection.execute(_PACKAGES)}


def impact(connection: sa.Connection, query: ImpactQuery) -> Sequence[DependentVersion]:
    """Return the versions that something went into, once for each way in which it did."""
    asked = _range(query.path)
    found: dict[DependentVersion, None] = {}
    for hexes, ids in _parts(_with_folders(query.hexes), sorted(query.entities)):
        for row in connection.execute(_IMPACT, {**asked, "hexes": hexes, "ids": ids}):
            found[DependentVersion(VersionName._make(row[:4]), row.through or None)] = None
        asked = _range(None)
    return list(found)


def _range(path: str | None) -> dict[str, str | None]:
    name = truncate(path) if path else None
    if not name or name != path:  # a truncated path is not a prefix of what is beneath it
        return {"path": name, "beneath": None, "past": None}
    return {"path": name, "beneath": f"{name}/", "past": f"{name}0"}  # the character after the slash


def model_files_of(connection: sa.Connection, hexes: Collection[str]) -> Sequence[ModelFile]:
    """Return which files with these digests are model files, and of which versions."""
    found: dict[ModelFile, None] = {}
    for some, _ in _parts(sorted(hexes), ()):
        for row in connection.execute(_MODEL_FILES, {"hexes": some}):
            names = frozenset({row.md5, row.sha256} - {""})
            found[ModelFile(names, VersionName._make(row[2:]))] = None
    return list(found)


def _with_folders(hexes: Collection[str]) -> list[str]:
    return sorted({*hexes, *(f"{hex_}.dir" for hex_ in hexes if len(hex_) == 32)})  # noqa: PLR2004  # an MD5


def _parts(hexes: Sequence[str], ids: Sequence[int]) -> Iterator[tuple[Sequence[str], Sequence[int]]]:
    for start in range(0, max(len(hexes), len(ids), 1), _MANY):
        yield hexes[start : start + _MANY], ids[start : start + _MANY]
