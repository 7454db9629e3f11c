"""Questions to the catalog, answered as values. Nothing here prints."""

from typing import TYPE_CHECKING

from lineage_pipelines.queries.accepted import accepted_version
from lineage_pipelines.queries.doctor import Finding, examine
from lineage_pipelines.queries.history import LoggedVersion, log_versions
from lineage_pipelines.queries.refs import Ref, parse_ref, resolve

if TYPE_CHECKING:
    from lineage_pipelines.queries.loading import load_model

__all__ = [
    "Finding",
    "LoggedVersion",
    "Ref",
    "accepted_version",
    "examine",
    "load_model",
    "log_versions",
    "parse_ref",
    "resolve",
]


def __getattr__(name: str) -> object:
    if name == "load_model":
        from lineage_pipelines.queries.loading import load_model

        return load_model
    raise AttributeError(name)
