"""Run payload: a record as the params, metrics, datasets and tags of a run in MLflow."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from lineage_pipelines.bridges.mlflow import tags
from lineage_pipelines.bridges.mlflow.mlflow_limits import LONGEST_DIGEST, as_text, cut, valid_keys, valid_tags
from lineage_pipelines.records.statement.dataset import Column, DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.metric import by_interest, metric_text
from lineage_pipelines.records.statement.training_run import Evaluation, SliceMetrics

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

    from lineage_pipelines.catalog.log.entries import Entry

_CONTEXT = "mlflow.data.context"
_TYPES = {
    "bool": "boolean",
    "int8": "integer",
    "int16": "integer",
    "int32": "integer",
    "uint8": "integer",
    "uint16": "integer",
    "int64": "long",
    "uint32": "long",
    "float": "float",
    "double": "double",
    "string": "string",
    "large_string": "string",
    "binary": "binary",
}
"""Arrow's names of types, and those of MLflow's schemas."""
_DETAILS = 3
_SLICES, _ROWS, _DEPTH = "slices", "rows", 3


def params_of(record: LineageRecord) -> dict[str, str]:
    """Return the effective parameters as MLflow keeps them, as text."""
    return valid_keys({name: as_text(value) for name, value in record.parameters.items()})


def metrics_of(evaluation: Evaluation | None) -> dict[str, float]:
    """Return the metrics, those of slices below `slices/<column>/<value>/`, with how many `rows` each slice has."""
    if evaluation is None:
        return {}
    slices = {
        "/".join((_SLICES, part.name.replace("/", "_"), part.value.replace("/", "_"), name)): value
        for part in evaluation.slices
        for name, value in {_ROWS: float(part.rows), **part.metrics}.items()
    }
    return valid_keys({**evaluation.metrics, **slices})


def slices_in(metrics: Mapping[str, float]) -> tuple[dict[str, float], tuple[SliceMetrics, ...]]:
    """Separate overall metrics from those of slices, by the names that `metrics_of` gives them."""
    overall: dict[str, float] = {}
    parts: dict[tuple[str, str], dict[str, float]] = {}
    for name, number in metrics.items():
        place = name.split("/", _DEPTH)
        if place[0] == _SLICES and len(place) > _DEPTH:
            parts.setdefault((place[1], place[2]), {})[place[3]] = number
        else:
            overall[name] = number
    slices = []
    for (column, value), found in parts.items():
        rows = found.get(_ROWS, -1.0)
        if rows < 0 or not rows.is_integer():  # names that others gave, which only look like ours
            overall |= {f"{_SLICES}/{column}/{value}/{name}": each for name, each in found.items()}
            continue
        measured = {name: each for name, each in found.items() if name != _ROWS}
        slices.append(SliceMetrics(name=column, value=value, rows=int(rows), metrics=measured))
    return overall, tuple(slices)


# Datasets


def dataset_digest(snapshot: DatasetSnapshot) -> str:
    """Return the digest that fits MLflow's column: DVC's MD5, else the beginning of the SHA-256."""
    return (snapshot.digest.md5 or snapshot.digest.sha256 or "unknown")[:LONGEST_DIGEST]


def datasets_of(record: LineageRecord) -> "list[DatasetInput]":
    """Return the snapshots that were read; both digests are whole in the tags of each."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    return [
        DatasetInput(
            Dataset(
                name=cut(snapshot.path, 500),
                digest=dataset_digest(snapshot),
                source_type="local",
                source=json.dumps({"uri": snapshot.path, "asset_key": snapshot.asset_key}),
                schema=_schema(snapshot.schema),
                profile=json.dumps({"num_rows": snapshot.rows, "size": snapshot.size, "files": snapshot.files}),
            ),
            [InputTag(name, cut(value, 500)) for name, value in _input_tags(snapshot).items()],
        )
        for snapshot in record.data
    ]


def _input_tags(snapshot: DatasetSnapshot) -> dict[str, str]:
    return valid_tags(
        {
            _CONTEXT: snapshot.role,
            tags.INPUT: snapshot.name,
            tags.SHA256: snapshot.digest.sha256,
            tags.MD5: snapshot.digest.md5,
        }
    )


def _schema(columns: Sequence[Column]) -> str | None:
    if not columns:
        return None
    return json.dumps(
        {
            "mlflow_colspec": [
                {"type": _type(column.type), "name": column.name, "required": not column.nullable} for column in columns
            ]
        }
    )


def _type(arrow: str) -> str:
    if arrow.startswith(("timestamp", "date")):
        return "datetime"
    return _TYPES.get(arrow, "string")


# Tags


def run_tags(entry: "Entry", dagster_url: str | None) -> dict[str, str]:
    """Return the tags of the run: who, from which commit, in which Dagster run, and where the record is."""
    record, dagster = entry.record, entry.record.run.dagster
    return {
        **source_tags(record),
        **version_tags(entry, dagster_url),
        **valid_tags(
            {
                "mlflow.runName": entry.ref,
                "mlflow.note.content": description(entry, dagster_url),
                tags.MODEL: entry.model,
                tags.RUN_KEY: record.model.run_key,
                tags.DAGSTER_ASSET: record.model.asset_key,
                tags.DAGSTER_RUN_OF_OTHERS: dagster.run_id if dagster else None,
                tags.EVALUATED_ON: record.evaluation.snapshot if record.evaluation else None,
                tags.DIRTY: "true" if record.code.dirty else "false",
            }
        ),
    }


def source_tags(record: LineageRecord) -> dict[str, str]:
    """Return the tags that MLflow itself would set, had the training called it."""
    code = record.code
    return valid_tags(
        {
            "mlflow.user": record.run.user,
            "mlflow.source.type": "JOB",
            "mlflow.source.name": code.source.entry if code.source else None,
            "mlflow.source.git.commit": code.revision,
            "mlflow.source.git.branch": code.branch,
            "mlflow.source.git.repoURL": code.repository,
        }
    )


def version_tags(entry: "Entry", dagster_url: str | None) -> dict[str, str]:
    """Return the tags that the run, the logged model and the registered version share."""
    record, dagster = entry.record, entry.record.run.dagster
    return valid_tags(
        {
            tags.RECORD: str(entry.digest),
            tags.VERSION: str(entry.version),
            tags.CHECKS: _checks(record.evaluation),
            tags.MISSING: "; ".join(record.completeness.missing),
            tags.ASSET_URL: asset_url(record, dagster_url),
            tags.DAGSTER_RUN: dagster.run_id if dagster else None,
        }
    )


def _checks(evaluation: Evaluation | None) -> str | None:
    checks = evaluation.checks if evaluation else ()
    failed = [check.name for check in checks if not check.passed]
    return f"failed: {', '.join(failed)}" if failed else f"{len(checks)} passed" if checks else None


def asset_url(record: LineageRecord, dagster_url: str | None) -> str | None:
    """Return the address of the model asset's page, where the address of Dagster is known."""
    if dagster_url is None:
        return None
    key = "/".join(quote(part, safe="") for part in record.model.asset_key.split("/"))
    return f"{dagster_url.rstrip('/')}/assets/{key}"


def description(entry: "Entry", dagster_url: str | None) -> str:
    """Return what MLflow's pages show of a version, in Markdown, into which no text of a user goes as it is."""
    record = entry.record
    code = (record.code.revision or "no commit")[:10] + (" with uncommitted changes" if record.code.dirty else "")
    metrics = _best(record.evaluation.metrics if record.evaluation else {})
    link = asset_url(record, dagster_url)
    lines = [
        f"{metrics}." if metrics else "",  # first: lists show the beginning
        f"Version {entry.version} of `{entry.model}` in the lineage catalog; code {code}.",
        # Not `entry.ref`: the key of a partition may hold anything.
        f"Record `{entry.digest.hex[:12]}`: `lineage show {entry.model}@{entry.version}`.",
        f"[Asset in Dagster]({link})" if link else "",
    ]
    return "\n\n".join(line for line in lines if line)


def _best(metrics: Mapping[str, float]) -> str:
    first = by_interest(metrics)[:_DETAILS]
    return ", ".join(
        f"{name} {metric_text(value)}" for name, value in valid_keys({n: metrics[n] for n in first}).items()
    )
