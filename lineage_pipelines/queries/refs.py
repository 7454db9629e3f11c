"""Refs: from what a person types to a version: `model@7`, `model` (its latest), or the beginning of a record digest.

`model[west]` is one partition of it: `model[west]@production`.
"""

import difflib
import re
from dataclasses import dataclass
from typing import NamedTuple

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import NotFoundError, RecordError
from lineage_pipelines.queries.registry.alias_history import find_holder, live_identities
from lineage_pipelines.records.values.model_name import check_model_name, scoped, split_scoped

_REF = re.compile(r"([^\[@]*)(?:\[(.*)\])?(@.*)?", re.DOTALL)
"""Model, identity and the rest: neither a model, nor a version, nor an alias holds a bracket, so that a key may."""
_DIGEST = re.compile(r"(sha256:)?([0-9a-f]{6,64})")
_SHORT_DIGEST = re.compile(r"[0-9a-f]{1,5}")
_VERSION = re.compile(r"[1-9][0-9]{0,17}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_LIMIT = 5
"""How many partitions an error names."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A version as it was asked for."""

    model: str | None = None
    identity: str | None = None
    """`west` in `flight_delay[west]`: only versions of the partition with this identity."""
    version: int | None = None
    """None for the latest."""
    alias: str | None = None
    """`production` in `flight_delay@production`."""
    digest: str | None = None
    """The beginning of a record digest."""


def parse_ref(text: str) -> Ref:
    """Read a REF without looking into a catalog; a bare word may be a model and a digest at once.

    Raises:
        NotFoundError: it is not a valid REF.
    """
    digest = _DIGEST.fullmatch(text)
    if digest:
        return Ref(model=None if digest[1] else text, digest=digest[2])
    found = _REF.fullmatch(text)
    model, identity, rest = found.groups() if found else (text, None, None)
    try:
        check_model_name(model)
    except RecordError as error:
        fix = "write model@7, model for its latest version, or the first characters of a record digest"
        raise NotFoundError(f"not a version of a model: {text[:140]!r}", fix=fix) from error
    if rest is None:
        return Ref(model=model, identity=identity)
    version = rest[1:]
    if _VERSION.fullmatch(version):
        return Ref(model=model, identity=identity, version=int(version))
    if re.fullmatch(r"[a-z][a-z0-9_-]*", version):
        return Ref(model=model, identity=identity, alias=version)
    raise NotFoundError(f"not a version number: {version[:40]!r}", fix=f"write {model}@1, a whole number from 1")


def resolve(catalog: Catalog, text: str) -> Entry:
    """Return the version that a REF means.

    Raises:
        NotFoundError: there is none; the message says what there is.
        CatalogError: the catalog cannot be read.
    """
    ref = parse_ref(text)
    latest = catalog.latest(ref.model) if ref.model else None
    if ref.digest is not None and latest is None:
        return catalog.by_digest(ref.digest)
    if latest is None or ref.model is None:
        raise unknown_model(catalog, ref.model or text)
    if ref.identity is not None:
        latest = _latest_of(catalog, ref.model, ref.identity)
    if ref.alias is not None:
        return _named(catalog, ref.model, ref.alias, ref.identity)
    if ref.version is None or ref.version == latest.version:
        return latest
    entry = _numbered(catalog, ref.model, ref.version)
    if ref.identity is not None and entry.identity != ref.identity:
        of = "of no partition" if entry.identity is None else f"of [{entry.identity}]"
        fix = f"write {entry.ref}; the latest of [{ref.identity}] is {latest.ref}"
        raise NotFoundError(f"version {ref.version} of {ref.model} is {of}, not of [{ref.identity}]", fix=fix)
    return entry


def _numbered(catalog: Catalog, model: str, version: int) -> Entry:
    latest = catalog.latest(model)
    if latest is not None and version > latest.version:
        raise NotFoundError(f"{model} has no version {version}", fix=f"it has {_range(latest.version)}")
    return catalog.get(model, version)


def _latest_of(catalog: Catalog, model: str, identity: str) -> Entry:
    if identity.isprintable() and (place := next(catalog.index.places_of(model, identity), None)):
        (entry,) = catalog.log.versions_at([place])
        return entry
    known = catalog.index.identities(model)
    near = difflib.get_close_matches(identity, known, n=_LIMIT) or known[:_LIMIT]
    has = ", ".join(scoped(model, each) for each in near)
    fix = f"there is: {has}" if has else f"its versions state no partition, or windows of time alone: write {model}@7"
    raise NotFoundError(f"no version of {model} is of the partition {identity[:140]!r}", where=catalog.url, fix=fix)


def _named(catalog: Catalog, model: str, alias: str, identity: str | None) -> Entry:
    holder = find_holder(catalog, model, alias, identity=identity)
    if holder is not None:
        return holder
    name = scoped(model, identity)
    others = [scoped(model, each) for each in live_identities(catalog, model, alias) if each is not None]
    fix = f"write {name}@7, or {name} alone; lineage history {name} says what was decided"
    if identity is None and others:
        fix = f"each partition has its own: {', '.join(f'{other}@{alias}' for other in others[:_LIMIT])}"
    raise NotFoundError(f"no version of {name} is called {alias!r}", where=catalog.url, fix=fix)


def is_version(catalog: Catalog, text: str) -> bool:
    """Return whether a text can only mean a version: `model@7`, `model[west]`, or the name of a model that there is."""
    found = _REF.fullmatch(text)
    if found is None or not _NAME.fullmatch(found[1]):
        return False
    if found[3] is not None:
        return re.fullmatch(r"@\S+", found[3]) is not None
    return catalog.latest(found[1]) is not None


class ModelPartition(NamedTuple):
    """A model, or one of its partitions, as a person names it: `flight_delay`, `flight_delay[west]`."""

    model: str
    identity: str | None
    """None for the whole model."""

    def includes(self, identity: str | None) -> bool:
        """Return whether what is of a partition is asked for: everything is, where the whole model is."""
        return self.identity in (None, identity)


def known_partition(catalog: Catalog, text: str) -> ModelPartition:
    """Return the model, and the partition if one is named, of `model` or `model[west]`.

    Raises:
        NotFoundError: there is no version of it; the message says what there is.
        CatalogError: the catalog cannot be read.
    """
    model, identity = split_scoped(text)
    known_model(catalog, model)
    if identity is not None:
        _latest_of(catalog, model, identity)
    return ModelPartition(model, identity)


def known_model(catalog: Catalog, text: str) -> str:
    """Return the name of a model that has a version.

    Raises:
        NotFoundError: there is none; `model@7` names a version, not a model.
        CatalogError: the catalog cannot be read.
    """
    try:
        if catalog.latest(check_model_name(text)) is not None:
            return text
    except RecordError:
        pass
    raise unknown_model(catalog, text)


def unknown_model(catalog: Catalog, model: str) -> NotFoundError:
    """Return the error that names what there is instead."""
    names = [summary.name for summary in catalog.models()]
    near = difflib.get_close_matches(model, names, n=3) or names[:10]
    if not names:
        return NotFoundError(
            f"no model {model!r}: the catalog is empty",
            where=catalog.url,
            fix="materialize a model asset first; in the worked example: make demo",
        )
    there_is = f"there is: {', '.join(near)}"
    if _SHORT_DIGEST.fullmatch(model):
        fix = f"if it is the beginning of a record digest, write 6 characters of it or more; {there_is}"
        return NotFoundError(f"no model {model!r}, and too short for a digest", where=catalog.url, fix=fix)
    return NotFoundError(f"no model {model!r}", where=catalog.url, fix=there_is)


def _range(latest: int) -> str:
    return "version 1" if latest == 1 else f"versions 1 to {latest}"
