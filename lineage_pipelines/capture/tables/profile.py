"""The profile of a table: enough to compare two snapshots later without their data, and no row of them.

A blob of canonical JSON, at most 64,000 bytes, the same bytes for the same rows in any order unless it is sampled:

    {"version": 2, "rows": 336776, "detail": 0, "duplicates": 3, "rows_digest": "32 hex", "columns": [
        {"name": "temp", "type": "double", "kind": "number", "nulls": 2, "distinct": 173,
         "min": 10.9, "max": 98.1, "mean": 55.2, "std": 17.8,
         "quantiles": [41 numbers], "histogram": [20 counts], "content": "32 hex"},
        {"name": "late", "type": "bool", "kind": "boolean", "nulls": 0, "distinct": 2,
         "values": [[false, 250000], [true, 86776]], "other": 0},
        {"name": "origin", "type": "string", "kind": "text", "nulls": 0, "distinct": 3, "empty": 0,
         "min_bytes": 3, "max_bytes": 3, "mean_bytes": 3, "values": [["EWR", 120835], …], "other": 0}]}

| field | meaning |
|---|---|
| `rows` | of the table |
| `sampled` | rows looked at, where not all (evenly spaced, from 25 million values on); counts are then of those |
| `duplicates` | rows equal to an earlier one; absent when sampled, or when a column is nested |
| `rows_digest` | of all rows in any order, by column names and values; absent where `duplicates` is |
| `content` | of a column's values in any order, equal in every type that holds them; absent when sampled or nested |
| `kind` | `number`, `boolean`, `time`, `text`, or `other`, which has only `nulls` |
| `nulls` | missing values; NaN is one |
| `distinct` | different values, missing ones aside |
| `infinite` | numbers that are not finite, which no other number here counts; absent when there are none |
| `min` … `std` | of numbers; of times in seconds since 1970 (since midnight, or of length); `std` of the population |
| `quantiles` | the values at 0 %, 2.5 %, 5 %, … 100 % of the sorted values: for Kolmogorov–Smirnov and PSI |
| `histogram` | counts in bins of equal width from `min` to `max` |
| `values` | counts by value, most frequent first: for chi-square, shares and label rates |
| `other` | how many rows have values that are not listed |

Values are listed only where they name groups and not individuals: columns of at most 50 distinct values that occur
twice on average, and text of at most 1,000 distinct values that occur 20 times on average, of which the 50 most
frequent. Longer text than 64 characters is cut, with 8 digits of its SHA-256; what has the shape of a token is
withheld.

A table too wide for 64,000 bytes gives up, step by step, for all columns alike (`detail`): 1, every second quantile,
values beyond 20 and half of `content`; 2, histograms, all but 11 quantiles, values beyond 10; 3, all quantiles and
values; 4, all but name, nulls, distinct and the first 8 digits of `content`; 5, names: `{"nulls": [...],
"distinct": [...]}` in the order of the schema, null where there is no number, and `content` as one text, 6 digits a
column; 6, columns. Where `content` does not fit even so, it is left out at 4 or 5.

Version 1 had neither `rows_digest` nor `content`; it is read for ever.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables.column_profile import profile_column
from lineage_pipelines.capture.tables.row_digests import RowWords, column_factors, digest_words
from lineage_pipelines.capture.tables.table_files import TableFiles, TableShape, read_batches
from lineage_pipelines.records import canonical_bytes

if TYPE_CHECKING:
    import pyarrow as pa

PROFILE_VERSION = 2
MAX_PROFILE_BYTES = 64_000
_MAX_CELLS = 25_000_000
# Of each level of detail: every n-th quantile (0 for none), histograms, values.
_LEVELS = ((1, True, 50), (2, True, 20), (4, False, 10), (0, False, 0))
_LEAST_BYTES = 40
"""Of a column at these levels, so that a table of thousands is not written down in vain."""
_BARE = ("name", "nulls", "distinct")


def profile_table_files(table: TableFiles, shape: TableShape) -> bytes:
    """Return the profile of a table.

    Raises:
        pyarrow.ArrowException, OSError, ValueError: a file cannot be read.
    """
    stride = max(1, -(-shape.rows * len(shape.schema) // _MAX_CELLS))
    data = _read_every(table, shape.schema, stride)
    profile: dict[str, Any] = {"version": PROFILE_VERSION, "rows": shape.rows}
    if stride > 1:
        columns = [profile_column(field, data.column(i)).facts for i, field in enumerate(shape.schema)]
        return _fit({**profile, "sampled": data.num_rows}, columns)
    columns, rows = _profile_whole(data)
    known = {"duplicates": rows.duplicates(), "rows_digest": rows.digest()}
    return _fit({**profile, **{name: value for name, value in known.items() if value is not None}}, columns)


def _profile_whole(data: "pa.Table") -> tuple[list[dict[str, Any]], RowWords]:
    columns, rows = [], RowWords(data.num_rows)
    for i, factor in enumerate(column_factors(data.schema.names)):
        column = profile_column(data.schema.field(i), data.column(i))
        rows.add(column.words, factor)
        content = {"content": digest_words(column.words)} if column.words is not None else {}
        columns.append({**column.facts, **content})
    return columns, rows


def _read_every(table: TableFiles, schema: "pa.Schema", stride: int) -> "pa.Table":
    import pyarrow as pa

    batches = []
    seen = 0
    for batch in read_batches(table, schema):
        first = -seen % stride
        seen += batch.num_rows
        batches.append(batch if stride == 1 else batch.take(pa.array(range(first, batch.num_rows, stride), pa.int64())))
    return pa.Table.from_batches(batches, schema)


def _fit(profile: dict[str, Any], columns: list[dict[str, Any]]) -> bytes:
    for detail, level in enumerate(_LEVELS if len(columns) * _LEAST_BYTES <= MAX_PROFILE_BYTES else ()):
        reduced = [_reduce(column, *level) for column in columns]
        data = canonical_bytes({**profile, "detail": detail, "columns": reduced})
        if len(data) <= MAX_PROFILE_BYTES:
            return data
    for data in _bare(profile, columns):
        if len(data) <= MAX_PROFILE_BYTES:
            return data
    return canonical_bytes({**profile, "detail": 6})


def _bare(profile: dict[str, Any], columns: list[dict[str, Any]]) -> Iterator[bytes]:
    """Yield what little can be said of thousands of columns, less and less."""
    content = [str(column.get("content", "")) for column in columns]
    bare = [{name: column[name] for name in _BARE if name in column} for column in columns]
    short = [{**facts, "content": each[:8]} if each else facts for facts, each in zip(bare, content, strict=True)]
    yield canonical_bytes({**profile, "detail": 4, "columns": short})
    counts: dict[str, Any] = {name: [column.get(name) for column in columns] for name in _BARE[1:]}
    if all(content):
        yield canonical_bytes(
            {**profile, "detail": 5, "columns": {**counts, "content": "".join(c[:6] for c in content)}}
        )
    yield canonical_bytes({**profile, "detail": 4, "columns": bare})  # names are in the record, too; content is not
    yield canonical_bytes({**profile, "detail": 5, "columns": counts})


def _reduce(column: dict[str, Any], nth: int, histogram: bool, values: int) -> dict[str, Any]:  # noqa: FBT001  # a row of _LEVELS
    reduced = dict(column)
    if nth != 1 and "content" in reduced:
        reduced["content"] = reduced["content"][:16]
    if nth and "quantiles" in reduced:
        reduced["quantiles"] = reduced["quantiles"][::nth]
    elif not nth:
        reduced.pop("quantiles", None)
    if not histogram:
        reduced.pop("histogram", None)
    if not values:
        reduced.pop("values", None)
        reduced.pop("other", None)
    elif "values" in reduced:
        reduced["other"] += sum(count for _, count in reduced["values"][values:])
        reduced["values"] = reduced["values"][:values]
    return reduced
