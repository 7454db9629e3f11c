"""Translator from DVC nodes to assets: `DvcTranslator.get_asset_spec` is the one place to change it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import dagster as dg

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.pipeline_graph import Output, Stage, TrackedFile
from lineage_pipelines.orchestration.dvc.asset_keys import key_of_path, op_name
from lineage_pipelines.orchestration.dvc.stage_code_version import stage_code_version
from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.records.values.canonical import Json

_KINDS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".ipynb": "jupyter",
    ".onnx": "onnx",
}
_OWNER = re.compile(r"team:[A-Za-z0-9_.-]+|[^@\s]+@[^@\s]+\.[^@\s]+")
_TAG_KEY = re.compile(r"[A-Za-z0-9_.-]{1,63}(/[A-Za-z0-9_.-]{1,63})?")
_TAG_VALUE = re.compile(r"[A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DvcNodeData:
    """What a translator sees: one output of a stage or of a tracked file."""

    project: DvcProject
    node: Stage | TrackedFile
    output: Output | None
    """None for a stage that leaves nothing but metrics and plots: the stage itself is the asset then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DvcTranslatorSettings:
    """What the translator adds to every asset."""

    group_name: str | None = None
    """The group of every asset; None for Dagster's own default."""
    key_prefix: tuple[str, ...] = ()
    """Put before every key, for two DVC projects in one code location."""
    by_stage: bool = False
    """Whether each stage is a group and its outputs are named after it, without their endings: `clean/arrivals` for
    `data/clean/arrivals.parquet`. Dagster's catalog cuts long names."""
    code_references: bool = True
    """Whether assets link to their line of `dvc.yaml`."""
    automation_condition: dg.AutomationCondition[Any] | None = None
    """Dagster's condition of every stage output; retraining of a model runs the stages that it needs without one."""


@dataclass(frozen=True)
class DvcTranslator:
    """Maps a DVC node to an `AssetSpec`.

    Override `get_asset_spec` and change what the base returns:

        class MyTranslator(DvcTranslator):
            def get_asset_spec(self, data):
                return super().get_asset_spec(data).replace_attributes(group_name="prepare")

    Dependencies are added afterwards and follow the keys that this returns.
    """

    settings: DvcTranslatorSettings = field(default_factory=DvcTranslatorSettings)

    def get_asset_spec(self, data: DvcNodeData) -> dg.AssetSpec:
        """Return the asset of one node, without its dependencies."""
        node, described = data.node, data.output or data.node
        meta = _meta(data)
        return dg.AssetSpec(
            key=self._key(data),
            description=described.desc or node.desc,
            group_name=self._group(node),
            owners=_owners(data) or None,
            tags=_tags(meta) or None,
            kinds=_kinds(data),
            code_version=stage_code_version(data.project.root, node) if isinstance(node, Stage) else None,
            automation_condition=self.settings.automation_condition if isinstance(node, Stage) else None,
            metadata=self._metadata(data, meta),
        )

    def _group(self, node: Stage | TrackedFile) -> str | None:
        by_stage = self.settings.by_stage and isinstance(node, Stage)
        return op_name(node.address) if by_stage else self.settings.group_name

    def _key(self, data: DvcNodeData) -> dg.AssetKey:
        if self.settings.by_stage and isinstance(data.node, Stage):
            output = f"/{PurePosixPath(data.output.path).stem}" if data.output else ""
            return key_of_path(f"{op_name(data.node.address)}{output}", self.settings.key_prefix)
        if data.output is not None:
            path = data.output.path
        else:
            name = data.node.name if isinstance(data.node, Stage) else data.node.file
            path = str(PurePosixPath(data.node.file).parent / name)
        return key_of_path(path, self.settings.key_prefix)

    def _metadata(self, data: DvcNodeData, meta: Mapping[str, Json]) -> dict[str, Any]:
        node = data.node
        entries: dict[str, Any] = {
            metadata_keys.DVC_PATH: data.output.path if data.output else None,
            metadata_keys.DVC_FILE: f"{node.file}:{node.line}",
            metadata_keys.DVC_META: dg.MetadataValue.json(dict(meta)) if meta else None,
            metadata_keys.DVC_FROZEN: True if node.frozen else None,
        }
        if isinstance(node, Stage):
            entries[metadata_keys.DVC_STAGE] = node.address
            entries[metadata_keys.DVC_COMMAND] = node.command
        if self.settings.code_references:
            entries[metadata_keys.CODE_REFERENCES] = _code_reference(data)
        return metadata_keys.without_none(entries)


def _code_reference(data: DvcNodeData) -> dg.CodeReferencesMetadataValue:
    path = data.project.root / data.node.file
    return metadata_keys.code_reference(str(path), data.node.line, data.node.file)


def _meta(data: DvcNodeData) -> dict[str, Json]:
    own = data.output.meta if data.output else {}
    return {**data.node.meta, **own}


def _owners(data: DvcNodeData) -> list[str]:
    """An output's own owners, else its stage's."""
    for meta in (data.output.meta if data.output else {}, data.node.meta):
        named = meta.get("owners", meta.get("owner"))
        if named is not None:
            names = [named] if isinstance(named, str) else named if isinstance(named, list) else []
            return [name for name in names if isinstance(name, str) and _OWNER.fullmatch(name)]
    return []


def _tags(meta: Mapping[str, Json]) -> dict[str, str]:
    tags = meta.get("tags", {})
    if isinstance(tags, list):
        tags = {str(tag): "" for tag in tags}
    if not isinstance(tags, Mapping):
        return {}
    pairs = {key: "" if value is None else str(value) for key, value in tags.items()}
    return {k: v for k, v in pairs.items() if _TAG_KEY.fullmatch(k) and _TAG_VALUE.fullmatch(v)}


def _kinds(data: DvcNodeData) -> set[str]:
    suffix = PurePosixPath(data.output.path).suffix.lower() if data.output else ""
    return {"dvc", _KINDS[suffix]} if suffix in _KINDS else {"dvc"}
