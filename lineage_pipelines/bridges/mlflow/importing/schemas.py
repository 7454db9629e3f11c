"""A dataset's columns, as MLflow wrote them."""

import json
from typing import Any

from lineage_pipelines.bridges.mlflow.importing.texts import plain
from lineage_pipelines.records import Column

_ARROW = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float",
    "double": "double",
    "string": "string",
    "binary": "binary",
    "datetime": "timestamp[ns]",
}
"""MLflow's names of types, and Arrow's."""
_MOST = 5_000
_LONGEST = 200


def read_schema(text: str | None) -> tuple[Column, ...]:
    """Return the columns of a dataset; none where MLflow has no table's schema."""
    try:
        said = json.loads(text or "{}")
        columns = said["mlflow_colspec"] if isinstance(said, dict) else []
        found = [_column(each) for each in columns[:_MOST]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ()
    return tuple(found) if len({column.name for column in found}) == len(found) else ()


def _column(said: Any) -> Column:  # noqa: ANN401  # JSON of any shape
    kind = str(said["type"])
    name = plain(str(said["name"]))[:_LONGEST]
    return Column(name=name, type=_ARROW.get(kind, plain(kind)[:_LONGEST]), nullable=said.get("required") is not True)
