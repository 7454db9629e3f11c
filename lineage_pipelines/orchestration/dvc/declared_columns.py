"""Declared columns: what the columns of a stage's output mean and come from, as written down in DVC's `meta`.

An output or its stage has `meta: {columns: …}`: the columns themselves, or the path of a YAML file that has them for
several outputs. Each column has a description, or `desc` and `from`; an output whose columns are those of another one
names it:

    data/features.parquet:
      age: {desc: years at the time of the order, from: data/customers.parquet:born}
      total: {desc: value of the order, from: [data/orders.parquet:price, data/orders.parquet:pieces]}
    data/train.parquet: data/features.parquet

Dagster shows descriptions and sources as its column schema and column lineage.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import yaml

from lineage_pipelines.datasets.pipeline.pipeline_graph import Stage
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.values.canonical import Json

_COLUMNS = "columns"
_EXAMPLE = "write a description, or {desc: …, from: data/orders.parquet:price}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredColumn:
    """A column of an output."""

    desc: str | None
    sources: tuple[tuple[str, str], ...] = ()
    """The columns that it is made of: path of the dependency, and column."""


def read_columns(root: Path, stage: Stage, path: str) -> Mapping[str, DeclaredColumn]:
    """Return the declared columns of an output of a stage, empty where nothing is declared.

    Args:
        root: the project's folder.
        stage: the stage.
        path: the output.

    Raises:
        DatasetError: a declaration cannot be read or is malformed.
    """
    output = next((out for out in stage.outs if out.path == path), None)
    declared = (output.meta if output else {}).get(_COLUMNS, stage.meta.get(_COLUMNS))
    where = stage.file
    if isinstance(declared, str):
        where = declared
        outputs = _read_file(root / declared)
        declared = outputs.get(path)
        if isinstance(declared, str):  # the columns of another output, each from the one of the same name there
            return {
                name: DeclaredColumn(desc=column.desc, sources=((declared, name),))
                for name, column in _columns(outputs.get(declared), f"{where}: {declared}").items()
            }
    return _columns(declared, f"{where}: {path}")


def column_lineage(
    columns: Mapping[str, DeclaredColumn], inputs: Mapping[str, dg.AssetKey]
) -> dg.TableColumnLineage | None:
    """Return the columns' sources as Dagster's column lineage, None where none is declared.

    Args:
        columns: of an output.
        inputs: path of each dependency that is an asset, and its key.

    Raises:
        DatasetError: a source is no dependency of the stage.
    """
    found = {
        name: [dg.TableColumnDep(asset_key=_key(source, inputs), column_name=of) for source, of in column.sources]
        for name, column in columns.items()
        if column.sources
    }
    return dg.TableColumnLineage(found) if found else None


def _key(path: str, inputs: Mapping[str, dg.AssetKey]) -> dg.AssetKey:
    if path not in inputs:
        known = ", ".join(sorted(inputs)) or "nothing"
        raise DatasetError(f"a column comes from {path!r}, which the stage does not read", fix=f"use one of: {known}")
    return inputs[path]


def _read_file(file: Path) -> Mapping[str, Json]:
    try:
        found = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DatasetError(f"the declared columns cannot be read: {error}", where=str(file)) from error
    if not isinstance(found, Mapping):
        raise DatasetError("this is no mapping of outputs to columns", where=str(file), fix=_EXAMPLE)
    return found


def _columns(declared: Json, where: str) -> dict[str, DeclaredColumn]:
    if declared is None:
        return {}
    if not isinstance(declared, Mapping):
        raise DatasetError("the declared columns are no mapping of names", where=where, fix=_EXAMPLE)
    return {str(name): _column(column, f"{where}: {name}") for name, column in declared.items()}


def _column(declared: Json, where: str) -> DeclaredColumn:
    match declared:
        case str():
            return DeclaredColumn(desc=declared)
        case {**entries} if entries.keys() <= {"desc", "from"} and isinstance(entries.get("desc", ""), str):
            desc = str(entries["desc"]) if entries.get("desc") else None
            return DeclaredColumn(desc=desc, sources=tuple(_sources(declared.get("from"), where)))
        case _:
            raise DatasetError("this does not declare a column", where=where, fix=_EXAMPLE)


def _sources(declared: Json, where: str) -> Iterator[tuple[str, str]]:
    if declared is None:
        return
    for each in declared if isinstance(declared, list) else [declared]:
        path, _, column = str(each).rpartition(":")
        if not path or not column:
            raise DatasetError(f"{each!r} names no column", where=where, fix="write PATH:COLUMN")
        yield path, column
