"""Which version does a new one have to beat?"""

from collections.abc import Iterator

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry

_AT_ONCE = 10
"""How many versions are read at a time: the answer is nearly always the newest."""


def accepted_version(catalog: Catalog, model: str) -> Entry | None:
    """Return the newest version whose blocking checks all passed, or None.

    It stands for the version in production as long as nothing is promoted: a version that failed its own gates is
    nothing to compare with.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    for entry in _newest_first(catalog, model):
        evaluation = entry.record.evaluation
        checks = evaluation.checks if evaluation else ()
        if all(check.passed for check in checks if check.severity == "error"):
            return entry
    return None


def _newest_first(catalog: Catalog, model: str) -> Iterator[Entry]:
    before: int | None = None
    while entries := catalog.entries(model, limit=_AT_ONCE, before=before):
        yield from entries
        before = entries[-1].version
