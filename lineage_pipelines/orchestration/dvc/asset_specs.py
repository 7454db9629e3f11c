"""Asset specs of a DVC project: one for each output, with the dependencies that DVC sees."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import dagster as dg

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.pipeline_graph import Output, Stage, StageDependency, TrackedFile
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.orchestration.dvc.asset_keys import check_distinct, op_name
from lineage_pipelines.orchestration.dvc.translator import DvcNodeData, DvcTranslator
from lineage_pipelines.orchestration.ui import metadata_keys


@dataclass(frozen=True, slots=True)
class NodeAssets:
    """The assets of one DVC node."""

    node: Stage | TrackedFile
    specs: tuple[dg.AssetSpec, ...]

    @property
    def address(self) -> str:
        """The node as `dvc dag` prints it."""
        return self.node.address


def build_node_assets(project: DvcProject, translator: DvcTranslator | None = None) -> tuple[NodeAssets, ...]:
    """Return the assets of every node of a project, tracked files first.

    Raises:
        DatasetError: the project has problems (all of them are named), or two assets would have one name.
    """
    translator = translator or DvcTranslator()
    graph = project.graph()
    nodes = [_node_assets(project, node, translator) for node in graph.nodes()]
    check_distinct(
        (spec.key.to_python_identifier(), f"{spec.key.to_user_string()!r} of {assets.address}")
        for assets in nodes
        for spec in assets.specs
    )
    check_distinct((op_name(stage.address), f"stage {stage.address!r}") for stage in graph.stages)
    by_address = {assets.address: assets for assets in nodes}
    return tuple(_with_dependencies(assets, by_address) for assets in nodes)


def build_dvc_asset_specs(
    project: DvcProject, *, translator: DvcTranslator | None = None, select: Iterable[str] | None = None
) -> Sequence[dg.AssetSpec]:
    """Return the specs of a project without any way to execute them, as for a project that runs elsewhere.

    Args:
        project: the DVC project.
        translator: how nodes become assets.
        select: addresses of stages and `.dvc` files, globs allowed; None for all.

    Raises:
        DatasetError: the project has problems, or nothing matches `select`.
    """
    chosen = select_nodes(build_node_assets(project, translator), select)
    return [spec for assets in chosen for spec in assets.specs]


def select_nodes(nodes: Sequence[NodeAssets], select: Iterable[str] | None) -> Sequence[NodeAssets]:
    """Return the nodes whose address matches one of the globs.

    Raises:
        DatasetError: a glob matches nothing.
    """
    if select is None:
        return nodes
    globs = [select] if isinstance(select, str) else list(select)
    for glob in globs:
        if not any(_matches(assets, glob) for assets in nodes):
            known = ", ".join(assets.address for assets in nodes) or "nothing"
            raise DatasetError(f"no stage matches {glob!r}", fix=f"select among: {known}")
    return [assets for assets in nodes if any(_matches(assets, glob) for glob in globs)]


def _matches(assets: NodeAssets, glob: str) -> bool:
    return PurePosixPath(assets.address).match(glob) or assets.address == glob


def asset_outputs(project: DvcProject) -> Iterator[DvcNodeData]:
    """Yield every output of a project that is an asset, before it is translated.

    Raises:
        DatasetError: the project has problems.
    """
    for node in project.graph().nodes():
        yield from _node_data(project, node)


def _node_data(project: DvcProject, node: Stage | TrackedFile) -> list[DvcNodeData]:
    data = [o for o in node.outs if o.kind == "out"]
    outputs: Sequence[Output | None] = data or ([None] if isinstance(node, Stage) else list(node.outs))
    return [DvcNodeData(project=project, node=node, output=output) for output in outputs]


def _node_assets(project: DvcProject, node: Stage | TrackedFile, translator: DvcTranslator) -> NodeAssets:
    return NodeAssets(node, tuple(translator.get_asset_spec(data) for data in _node_data(project, node)))


def _with_dependencies(assets: NodeAssets, by_address: Mapping[str, NodeAssets]) -> NodeAssets:
    producers = {
        spec.key: spec
        for dependency in assets.node.deps
        for producer in dependency.producers
        for spec in _specs_behind(dependency, by_address[producer])
    }
    shown = {key.to_user_string(): spec.metadata.get(metadata_keys.DVC_PATH) for key, spec in producers.items()}
    extra = {metadata_keys.DVC_INPUTS: dg.MetadataValue.json(shown)} if shown else {}
    specs = [spec.merge_attributes(deps=sorted(producers), metadata=extra) for spec in assets.specs]
    return NodeAssets(assets.node, tuple(specs))


def _specs_behind(dependency: StageDependency, producer: NodeAssets) -> list[dg.AssetSpec]:
    """The outputs that a dependency overlaps; all of them where it is a metric or a plot, which is not an asset."""
    overlapping = [
        spec for spec in producer.specs if _overlap(dependency.path, spec.metadata.get(metadata_keys.DVC_PATH))
    ]
    return overlapping or list(producer.specs)


def _overlap(path: str, output: object) -> bool:
    if not isinstance(output, str):
        return False
    a, b = PurePosixPath(path), PurePosixPath(output)
    return a.is_relative_to(b) or b.is_relative_to(a)
