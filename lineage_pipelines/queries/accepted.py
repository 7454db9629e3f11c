"""Which version does a new one have to beat?"""

from lineage_pipelines.catalog import Catalog, Entry


def accepted_version(catalog: Catalog, model: str) -> Entry | None:
    """Return the newest version whose blocking checks all passed, or None.

    It stands for the version in production as long as nothing is promoted: a version that failed its own gates is
    nothing to compare with.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    for entry in catalog.entries(model):
        evaluation = entry.record.evaluation
        checks = evaluation.checks if evaluation else ()
        if all(check.passed for check in checks if check.severity == "error"):
            return entry
    return None
