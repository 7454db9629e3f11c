"""Refs: from what a person types to a version: `model@7`, `model` (its latest), or the beginning of a record digest."""

import difflib
import re
from dataclasses import dataclass

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import NotFoundError, RecordError
from lineage_pipelines.queries.registry.alias_history import find_holder
from lineage_pipelines.records.values.model_name import check_model_name

_DIGEST = re.compile(r"(sha256:)?([0-9a-f]{6,64})")
_VERSION = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Ref:
    """A version as it was asked for."""

    model: str | None = None
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
    model, at, version = text.partition("@")
    found = _DIGEST.fullmatch(text)
    if found and not at:
        return Ref(model=None if found[1] else text, digest=found[2])
    try:
        check_model_name(model)
    except RecordError as error:
        fix = "write model@7, model for its latest version, or the first characters of a record digest"
        raise NotFoundError(f"not a version of a model: {text[:140]!r}", fix=fix) from error
    if not at:
        return Ref(model=model)
    if _VERSION.fullmatch(version):
        return Ref(model=model, version=int(version))
    if re.fullmatch(r"[a-z][a-z0-9_-]*", version):
        return Ref(model=model, alias=version)
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
    if ref.alias is not None:
        return _named(catalog, ref.model, ref.alias)
    if ref.version is None or ref.version == latest.version:
        return latest
    if ref.version > latest.version:
        raise NotFoundError(f"{ref.model} has no version {ref.version}", fix=f"it has {_range(latest.version)}")
    return catalog.get(ref.model, ref.version)


def _named(catalog: Catalog, model: str, alias: str) -> Entry:
    holder = find_holder(catalog, model, alias)
    if holder is None:
        fix = f"write {model}@7, or {model} alone; lineage history {model} says what was decided"
        raise NotFoundError(f"no version of {model} is called {alias!r}", where=catalog.url, fix=fix)
    return holder


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
    return NotFoundError(f"no model {model!r}", where=catalog.url, fix=f"there is: {', '.join(near)}")


def _range(latest: int) -> str:
    return "version 1" if latest == 1 else f"versions 1 to {latest}"
