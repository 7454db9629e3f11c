"""`DvcResource`: runs a stage through DVC inside a Dagster step and reports each of its outputs."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import yaml
from pydantic import Field

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.pipeline_graph import Stage
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.orchestration.dvc.declared_columns import DeclaredColumn, column_lineage, read_columns
from lineage_pipelines.orchestration.fixed_resource import FixedResource
from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.orchestration.ui.metadata_keys import flat_numbers
from lineage_pipelines.records.values.content import Content

if TYPE_CHECKING:
    from lineage_pipelines.datasets.metafiles.metafile_reader import LockEntry
    from lineage_pipelines.datasets.running.stage_run import StageOutcome

_STATUS = {"executed": "executed", "restored": "restored from DVC's run cache", "unchanged": "cached"}


class DvcResource(FixedResource, extra="forbid"):
    """A DVC workspace in which stages run."""

    project_dir: str = Field(default=".", description="Any folder of the DVC project.")
    timeout: float | None = Field(default=None, gt=0, description="Seconds after which a stage is ended; none: never.")
    commit: bool = Field(
        default=False, description="Commit dvc.lock, and outputs that Git keeps, after a stage that changed them."
    )

    def run(self, context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        """Run the stage of this step and yield a result for every selected output.

        The stage's own output goes to Dagster's log line by line. A stage that DVC finds unchanged reports itself
        as cached, with the same data version.

        Raises:
            DatasetError: the stage failed, with the command's own last lines; its data differs from what is recorded;
                or what it made could not be committed.
        """
        from lineage_pipelines.datasets.running.stage_run import run_stage

        project = DvcProject(self.project_dir)
        specs = [context.assets_def.specs_by_key[key] for key in context.assets_def.keys]
        address = str(specs[0].metadata[metadata_keys.DVC_STAGE])
        context.log.info("DVC runs stage %s", address)
        outcome = run_stage(project, address, on_line=context.log.info, timeout=self.timeout)
        context.log.info("stage %s: %s in %.1f s", address, _STATUS[outcome.how], outcome.seconds)
        if self.commit:
            self._commit(context, outcome)
        for spec in specs:
            if spec.key in context.selected_asset_keys:
                yield _result(outcome, spec, context.log.warning)

    def _commit(self, context: dg.AssetExecutionContext, outcome: "StageOutcome") -> None:
        from lineage_pipelines.datasets.running.data_commit import commit_files, stage_files

        message = f"Record what stage {outcome.stage.address} made (Dagster run {context.run.run_id[:8]})"
        revision = commit_files(outcome.project.root, stage_files(outcome.stage), message)
        if revision is not None:
            context.log.info("committed as %s: dvc.lock and what Git keeps of the outputs", revision)


def _result(outcome: "StageOutcome", spec: dg.AssetSpec, warn: Callable[[str], None]) -> dg.MaterializeResult[Any]:
    project, stage = outcome.project, outcome.stage
    path = spec.metadata.get(metadata_keys.DVC_PATH)
    content = next((out.content for out in outcome.entry.outs if out.path == path), Content())
    version = content.md5 or outcome.entry.digest.hex[:32]
    entries: dict[str, Any] = {
        metadata_keys.DVC_STATUS: _STATUS[outcome.how],
        metadata_keys.DVC_MD5: content.md5,
        metadata_keys.DVC_SIZE: content.size,
        metadata_keys.DVC_FILES: content.files,
        metadata_keys.DVC_SECONDS: round(outcome.seconds, 1),
        **(_table_facts(project.root, stage, path, spec, warn) if isinstance(path, str) else {}),
        **_measured(project.root, stage),
    }
    return dg.MaterializeResult(
        asset_key=spec.key,
        data_version=dg.DataVersion(version),
        metadata=metadata_keys.without_none(entries),
        tags=_input_versions(project, outcome.entry, spec),
    )


def _table_facts(
    root: Path, stage: Stage, path: str, spec: dg.AssetSpec, warn: Callable[[str], None]
) -> dict[str, Any]:
    """Rows and columns of an output that is a table, with what is declared of the columns."""
    from lineage_pipelines.capture.tables.table_capture import describe_table

    facts = describe_table(root / path)
    if facts is None:
        return {}
    declared: Mapping[str, DeclaredColumn] = {}
    lineage = None
    try:
        declared = read_columns(root, stage, path)
        lineage = column_lineage(declared, {of: key for key, of in _inputs(spec)})
    except DatasetError as error:  # the stage has run, and its output is there
        warn(f"the columns of {path} are shown without what is declared of them: {error}")
    absent = sorted(declared.keys() - {column.name for column in facts.columns})
    if absent:
        warn(f"{path} has no column {', '.join(absent)}, which is declared")
    descriptions = {name: column.desc for name, column in declared.items()}
    return {
        metadata_keys.ROW_COUNT: facts.rows,
        metadata_keys.COLUMN_SCHEMA: metadata_keys.column_schema(facts.columns, descriptions),
        metadata_keys.COLUMN_LINEAGE: lineage and dg.MetadataValue.column_lineage(lineage),
    }


def _measured(root: Path, stage: Stage) -> dict[str, Any]:
    """Metrics as numbers, plots by their path."""
    found: dict[str, Any] = {}
    for output in stage.outs:
        if output.kind == "plot":
            found[f"plot/{output.path}"] = dg.MetadataValue.path(str(root / output.path))
        elif output.kind == "metric":
            found.update({f"metric/{name}": value for name, value in _read_numbers(root / output.path).items()})
    return found


def _read_numbers(path: Path) -> dict[str, float]:
    try:
        text = path.read_text()
        values = json.loads(text) if path.suffix == ".json" else yaml.load(text, yaml.CSafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return {}  # showing metrics is optional; the stage itself has succeeded
    return flat_numbers(values)


def _input_versions(project: DvcProject, entry: "LockEntry", spec: dg.AssetSpec) -> Mapping[str, str]:
    """The versions that DVC recorded as read, which need not be the latest that Dagster has seen."""
    read = {recorded.path: recorded.content.md5 for recorded in entry.deps}
    tags: dict[str, str] = {}
    for key, path in _inputs(spec):
        # A dependency on a part of an output has its own MD5; the asset's version is that of the whole output.
        md5 = read.get(path) or (project.recorded(path).content.md5 if path else None)
        if md5:
            tags[metadata_keys.input_version_tag(key)] = md5
    return tags


def _inputs(spec: dg.AssetSpec) -> Iterator[tuple[dg.AssetKey, str]]:
    """Yield the assets that a stage reads, each with its path, empty where it has none."""
    inputs = spec.metadata.get(metadata_keys.DVC_INPUTS)
    paths: Mapping[str, Any] = inputs.value if isinstance(inputs, dg.JsonMetadataValue) else {}  # type: ignore[assignment]
    for key, path in paths.items():
        yield dg.AssetKey.from_user_string(key), path or ""
