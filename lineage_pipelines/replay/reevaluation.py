"""Reevaluation: both models on both test data, without training: did the model move the metric, or the data?"""

import math
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lineage_pipelines.artifacts.trusted_types import refuse_untrusted
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.datasets.content.cache_layout import object_place
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.data_state import StoredState
from lineage_pipelines.datasets.workspace.object_search import provision
from lineage_pipelines.errors import LineageError
from lineage_pipelines.records.decisions.attribution import Reevaluation
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord, same_data
from lineage_pipelines.replay.reproduction_run import Options
from lineage_pipelines.replay.runner import run_evaluation
from lineage_pipelines.replay.sandbox import build_sandbox, named_data, private_folder

_ROUNDING = 1e-9
"""Metrics of one model on one table are equal to so many digits, whichever process measured them."""
_TABLES = (".parquet", ".csv", ".tsv")
_NO_EVALUATE = "the model asset has no `evaluate=`, by which a model is measured without training"


class _CannotBeMeasuredError(LineageError):
    """Something that measuring needs is not there."""


def reevaluate(old: Entry, new: Entry, metric: str, options: Options) -> Reevaluation:
    """Measure the old and the new model on the old and the new test data, with the new version's code.

    What the records say of each model on its own data is taken from them. Never raises for what cannot be measured: the
    answer says why.
    """
    own = Reevaluation(
        old_on_old=_recorded(old.record, metric),
        new_on_new=_recorded(new.record, metric),
        same_data=same_data(old.record.measured_on, new.record.measured_on),
    )
    try:
        with private_folder() as folder:
            found = _measure(old, new, options, folder)
    except LineageError as error:
        return replace(own, missing=error.what)
    if not any(found.values()):
        return replace(own, missing=_NO_EVALUATE)
    measured = {name: (metrics or {}).get(metric) for name, metrics in found.items()}
    again, recorded = measured.get("new on new"), own.new_on_new
    known = again is not None and recorded is not None and math.isclose(again, recorded, rel_tol=_ROUNDING)
    crossed = measured.get("old on new"), measured.get("new on old")
    return replace(
        own,
        old_on_new=crossed[0],
        new_on_old=crossed[1],
        old_by_new_code=measured.get("old on old") if known else None,
        missing=f"`evaluate` gives no {metric}" if None in crossed else "",
    )


def _recorded(record: LineageRecord, metric: str) -> float | None:
    return record.evaluation.metrics.get(metric) if record.evaluation else None


def _measure(old: Entry, new: Entry, options: Options, folder: Path) -> Mapping[str, Mapping[str, float] | None]:
    record = new.record
    sandbox = build_sandbox(record, project_dir=options.project_dir, artifacts=options.artifacts, folder=folder)
    if not sandbox.can_run:
        raise _CannotBeMeasuredError("; ".join(sandbox.differs) or "the code of the new version is gone")
    versions = {"old": old, "new": new}
    asked: dict[str, Any] = {
        "tables": {name: str(_table(each, options, folder / "tables" / name)) for name, each in versions.items()},
        "models": {name: _model(each, options, folder / f"{name}.model") for name, each in versions.items()},
    }
    python = options.interpreter(record, sandbox.project)
    return run_evaluation(
        record, sandbox.place(python.python, options.pass_on, options.trusted_types), asked, timeout=options.timeout
    )


def _model(entry: Entry, options: Options, path: Path) -> Mapping[str, Any]:
    artifact = entry.record.artifact
    refuse_untrusted(artifact.trusted_types, options.trusted_types, asked_by=f"{entry.ref}, record {entry.digest}")
    options.artifacts.fetch(artifact.digest, path)
    return {
        "path": str(path),
        "trusted_types": list(artifact.trusted_types),  # all of them trusted here
        "parameters": dict(entry.record.parameters),
    }


def _table(entry: Entry, options: Options, folder: Path) -> Path:
    return _fetch_table(_evaluated(entry), options.project_dir, folder)


def _evaluated(entry: Entry) -> DatasetSnapshot:
    found = entry.record.measured_on
    if found is None:
        raise _CannotBeMeasuredError(f"which data {entry.ref} was measured on is not recorded")
    return found


def _fetch_table(data: DatasetSnapshot, project_dir: Path, folder: Path) -> Path:
    """Put a dataset that is one file into a folder, under its own name.

    Raises:
        _CannotBeMeasuredError: it is a folder, of another format, or gone.
    """
    named = named_data(data)
    if named.md5.endswith(".dir") or Path(data.path).suffix not in _TABLES:
        raise _CannotBeMeasuredError(f"{data.path} is not one file of a table", fix=f"use one of: {', '.join(_TABLES)}")
    (found,) = provision(DvcProject(project_dir), [named], folder / "cache", copies=True)
    if found.state is not StoredState.EQUAL:
        raise _CannotBeMeasuredError(f"{data.path} is {found.state}: {found.detail}")
    path = folder / Path(data.path).name
    shutil.copyfile(object_place(folder / "cache", named.md5, named.hash_name), path)
    return path
