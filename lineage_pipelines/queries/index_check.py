"""Index check: whether the index may be relied on before something is deleted, or left unprotected, because of it."""

from collections.abc import Collection, Sequence

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.index.alias_index import IndexedDecision
from lineage_pipelines.errors import CatalogError, RecordError
from lineage_pipelines.records.decisions.decision import decode_decision

MAX_ENTRIES = 2_000
"""Up to here, the whole index is derived again: half a millisecond for each entry."""
_FIX = "find out who changed the index (lineage verify), then rebuild it with Catalog.rebuild()"


def check_usage(catalog: Catalog, places: Collection[int]) -> bool:
    """Compare the index with the log before anyone deletes what it says was used, or not used.

    Args:
        catalog: the catalog.
        places: the versions that an answer names. In a log of more than `MAX_ENTRIES` entries only their rows, and
            those of versions that an alias names, are compared.

    Returns:
        Whether the whole index was compared.

    Raises:
        CatalogError: the index contradicts the log, or an entry of it cannot be read.
    """
    decisions = check_decisions(catalog)
    if catalog.log.size() > MAX_ENTRIES:
        live = [catalog.get(model, version).seq for model, version in _live(decisions)]
        lacking = catalog.index.lacking(catalog.log.versions_at(sorted({*places, *live})))
        _refuse([f"entry {seq}" for seq in lacking])
        return False
    comparison = catalog.index.comparison()
    if comparison is not None:
        try:
            for entry in catalog.log.walk():
                comparison.add(entry)
        except RecordError as error:
            what = f"an entry of the log cannot be read ({error.what}), so the index cannot be compared with it"
            raise CatalogError(what, where=catalog.url, fix="find out who changed the log: lineage verify") from error
        found = catalog.index.differences(comparison)
        _refuse([f"entry {each.seq}" if each.seq else each.detail for each in found])
    return True


def check_decisions(catalog: Catalog) -> Sequence[IndexedDecision]:
    """Compare the index of decisions with the log before an answer rests on what aliases name or have named.

    Returns:
        The decisions as the index has them; empty where the catalog's schema has no such index.

    Raises:
        CatalogError: the index contradicts the log, or a decision cannot be read.
    """
    size = catalog.log.size()
    indexed = catalog.index.decisions()
    if indexed is None:
        return ()
    try:
        decisions = [(entry.seq, decode_decision(entry.body)) for entry in catalog.log.walk("decision")]
    except RecordError as error:
        fix = "find out who changed the log: lineage verify"
        raise CatalogError(f"a decision cannot be read: {error.what}", where=catalog.url, fix=fix) from error
    made = {(seq, each.model, each.alias, each.version, each.moves_alias) for seq, each in decisions}
    rows = {(each.seq, each.model, each.alias, each.version, each.moves) for each in indexed if each.kind == "decision"}
    # The index was read first: what it has the log must have, and it lacks what was decided since.
    since = {row for row in made if row[0] > size}
    _refuse([f"entry {row[0]}" for row in sorted((rows ^ made) - since, key=lambda row: row[0])])
    return indexed


def _live(decisions: Sequence[IndexedDecision]) -> Collection[tuple[str, int]]:
    last = {
        (each.model, each.alias): each.version for each in sorted(decisions, key=lambda each: each.seq) if each.moves
    }
    return {(model, version) for (model, _), version in last.items() if version is not None}


def _refuse(differing: Collection[str]) -> None:
    if differing:
        first = next(iter(differing))
        more = f" and {len(differing) - 1:,} more" if len(differing) > 1 else ""
        raise CatalogError("the index contradicts the log", where=f"the rows about {first}{more}", fix=_FIX)
