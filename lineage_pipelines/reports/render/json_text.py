"""Answers as JSON text."""

import json

from lineage_pipelines.records.values.canonical import Json


def render_json(value: Json) -> str:
    """Write JSON for reading: indented, ASCII where a terminal could be misled."""
    # The one control character that JSON's own escaping leaves.
    return json.dumps(value, indent=2, sort_keys=False, ensure_ascii=True).replace("\x7f", "\\u007f") + "\n"


def json_number(value: float | None) -> Json:
    """Return a number; as text where JSON has no word for it (infinity, NaN)."""
    return value if value is None or abs(value) < float("inf") else str(value)
