"""Metadata keys and tags that this package writes into Dagster, in one place."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import dagster as dg

from lineage_pipelines.orchestration.compat import without_beta_warnings

if TYPE_CHECKING:
    from lineage_pipelines.records.statement.dataset import Column

_LIMIT = 100
_LONGEST_TAG = 63


def flat_numbers(values: object) -> dict[str, float]:
    """Return the finite numbers of nested mappings by their dotted names, at most 100 of them.

    Dagster plots plain numbers over time, and only those.
    """
    return dict(sorted(_walk(values, ""))[:_LIMIT])


def _walk(values: object, name: str) -> Iterator[tuple[str, float]]:
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from _walk(value, f"{name}.{key}" if name else str(key))
    elif isinstance(values, int | float) and not isinstance(values, bool) and math.isfinite(values) and name:
        yield name, values


DVC_PATH = "dvc/path"
DVC_FILE = "dvc/file"
DVC_STAGE = "dvc/stage"
DVC_COMMAND = "dvc/command"
DVC_INPUTS = "dvc/inputs"
DVC_META = "dvc/meta"
DVC_FROZEN = "dvc/frozen"
DVC_STATUS = "dvc/status"
DVC_MD5 = "dvc/md5"
DVC_SIZE = "dvc/size_bytes"
DVC_FILES = "dvc/files"
DVC_WORKSPACE = "dvc/workspace"
DVC_SECONDS = "dvc/seconds"
DVC_PENDING = "dvc/pending_files"

LINEAGE_RECORD = "lineage/record"
LINEAGE_INPUTS = "lineage/inputs"
LINEAGE_SUMMARY = "lineage/summary"
LINEAGE_VERSIONS = "lineage/versions"
LINEAGE_NOTES = "lineage/notes"
LINEAGE_GRAPH = "lineage/graph"
LINEAGE_RUN = "lineage/run"
LINEAGE_MLFLOW = "lineage/mlflow_run"
LINEAGE_COMPARISON = "lineage/comparison"
LINEAGE_DIFFERS = "lineage/differs"
LINEAGE_GAPS = "lineage/gaps"
LINEAGE_PLOT = "lineage/plot"
LINEAGE_CANDIDATES = "lineage/candidates"
LINEAGE_SLICES = "lineage/slices"
MODEL_VERSION = "model/version"
MODEL_SIZE = "model/size_bytes"
MODEL_ARTIFACT = "model/artifact"
MODEL_FORMAT = "model/format"
MODEL_ASSET = "model/asset"
MODEL_RUN = "model/run"
ALIAS_MODEL = "alias/model"
ALIAS_NAME = "alias/name"
DECISION_ACTION = "decision/action"
DECISION_APPROVALS = "decision/approvals"
DECISION_BY = "decision/by"
DECISION_ENTRY = "decision/entry"
DECISION_OVERRIDE = "decision/override"
DECISION_POLICY = "decision/policy"
DECISION_REASON = "decision/reason"
DECISION_RULES = "decision/rules"
DECISION_SINCE = "decision/since"
CODE_REVISION = "code/revision"
CODE_DIRTY = "code/dirty"

ROW_COUNT = "dagster/row_count"
COLUMN_SCHEMA = "dagster/column_schema"
COLUMN_LINEAGE = "dagster/column_lineage"
CODE_REFERENCES = "dagster/code_references"

EVENT_BYTES = 20_000
"""Maximum size of an event in bytes: events are stored two or three times and read in every listing."""


def input_version_tag(key: dg.AssetKey) -> str:
    """Name the tag by which an event states which version of an input was truly read.

    NOTE: undocumented by Dagster, which by default assumes the latest version at the start of the step
    (dagster-io/dagster#21436).
    """
    return f"dagster/input_data_version/{key.to_user_string()}"


def version_tag(model: str) -> str:
    """Name the tag of a run that states which version of a model it made; a long name is cut to what a tag holds."""
    return f"lineage/{model[:_LONGEST_TAG]}"


NOT_TRAINED = "lineage/not_trained/"
"""Prefix of the tags of a run that says itself why it trained no model."""

DELIVERY = "lineage/delivery"
"""The tag of a run that says which state of the workspace it takes in."""


def retraining_tag(model: str) -> str:
    """Name the tag of a run that says why it trains a model again."""
    return f"lineage.retraining/{model[:_LONGEST_TAG]}"


def retraining_key_tag(model: str) -> str:
    """Name the tag of a run that states for which state of the project it trains a model again."""
    return f"lineage.retraining_key/{model[:_LONGEST_TAG]}"


def code_reference(path: str, line: int, label: str) -> dg.CodeReferencesMetadataValue:
    """Link to a line of a file; Dagster opens it in an editor, or on a Git host."""
    with without_beta_warnings():
        reference = dg.LocalFileCodeReference(file_path=path, line_number=line, label=label)
        return dg.CodeReferencesMetadataValue(code_references=[reference])


def column_schema(
    columns: Sequence["Column"], descriptions: Mapping[str, str | None] = MappingProxyType({})
) -> dg.TableSchemaMetadataValue:
    """Show the columns of a table as Dagster shows them, with what they mean where that is declared."""
    return dg.MetadataValue.table_schema(
        dg.TableSchema(columns=[_table_column(column, descriptions.get(column.name)) for column in columns])
    )


def _table_column(column: "Column", description: str | None) -> dg.TableColumn:
    constraints = dg.TableColumnConstraints(nullable=column.nullable)
    return dg.TableColumn(name=column.name, type=column.type, description=description, constraints=constraints)


def table(rows: Iterable[Mapping[str, str | int | float | bool | None]]) -> dg.TableMetadataValue | None:
    """Show rows inline; None where there are none, since Dagster refuses an empty table."""
    records = [dg.TableRecord(dict(row)) for row in rows]
    return dg.MetadataValue.table(records) if records else None


def without_none(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the entries whose value is None."""
    return {key: value for key, value in entries.items() if value is not None}
