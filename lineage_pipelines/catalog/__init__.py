"""The only room that knows SQL: the append-only log of records and its indexes.

`Catalog` is loaded when it is first asked for, because SQLAlchemy takes longer to import than `lineage --help` may,
and so are the entries with the record's classes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lineage_pipelines.catalog.settings import Settings, resolve_settings

if TYPE_CHECKING:
    from lineage_pipelines.catalog.checkpoint import Checkpoint, log_name, read_note, read_note_file, signed_by
    from lineage_pipelines.catalog.entries import Entry, LogEntry, ModelSummary, VersionName
    from lineage_pipelines.catalog.log import Catalog
    from lineage_pipelines.catalog.merkle import TreeHead, inclusion_proof, verify_inclusion
    from lineage_pipelines.catalog.obligations import DAGSTER
    from lineage_pipelines.catalog.reached import Handed, Reached, Wanted
    from lineage_pipelines.catalog.signing import PublicKey
    from lineage_pipelines.catalog.tiles import Tiles, write_tiles
    from lineage_pipelines.catalog.unfinished import Attempt, AttemptEnd

__all__ = [
    "DAGSTER",
    "Attempt",
    "AttemptEnd",
    "Catalog",
    "Checkpoint",
    "Entry",
    "Handed",
    "LogEntry",
    "ModelSummary",
    "PublicKey",
    "Reached",
    "Settings",
    "Tiles",
    "TreeHead",
    "VersionName",
    "Wanted",
    "inclusion_proof",
    "log_name",
    "read_note",
    "read_note_file",
    "resolve_settings",
    "signed_by",
    "verify_inclusion",
    "write_tiles",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401, C901  # any public name; a case for each module
    match name:
        case "Catalog":
            module = import_module("lineage_pipelines.catalog.log")
        case "Checkpoint" | "log_name" | "read_note" | "read_note_file" | "signed_by":
            module = import_module("lineage_pipelines.catalog.checkpoint")
        case "DAGSTER":
            module = import_module("lineage_pipelines.catalog.obligations")
        case "Attempt" | "AttemptEnd":
            module = import_module("lineage_pipelines.catalog.unfinished")
        case "TreeHead" | "inclusion_proof" | "verify_inclusion":
            module = import_module("lineage_pipelines.catalog.merkle")
        case "Tiles" | "write_tiles":
            module = import_module("lineage_pipelines.catalog.tiles")
        case "Handed" | "Reached" | "Wanted":
            module = import_module("lineage_pipelines.catalog.reached")
        case "PublicKey":
            module = import_module("lineage_pipelines.catalog.signing")
        case "Entry" | "LogEntry" | "ModelSummary" | "VersionName":
            module = import_module("lineage_pipelines.catalog.entries")
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)
