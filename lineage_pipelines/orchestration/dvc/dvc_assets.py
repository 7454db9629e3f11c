"""DVC assets: stages as materializable assets, tracked files as observed ones."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.pipeline_graph import Stage, TrackedFile
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.orchestration.compat import without_beta_warnings
from lineage_pipelines.orchestration.dvc.argument_checks import check_project, check_translator
from lineage_pipelines.orchestration.dvc.asset_keys import op_name
from lineage_pipelines.orchestration.dvc.asset_specs import NodeAssets, build_node_assets, select_nodes
from lineage_pipelines.orchestration.dvc.source_check import TRACKED, SourceCheck, source_check_spec
from lineage_pipelines.orchestration.dvc.translator import DvcTranslator
from lineage_pipelines.orchestration.ui import metadata_keys

StageFunction = Callable[..., Iterator[Any]]


def dvc_assets(
    *,
    project: DvcProject,
    select: Iterable[str] | None = None,
    translator: DvcTranslator | None = None,
    pool: str | None = "dvc_workspace",
    retry_policy: dg.RetryPolicy | None = None,
    op_tags: Mapping[str, Any] | None = None,
) -> Callable[[StageFunction], list[dg.AssetsDefinition]]:
    """Make assets of the stages of a DVC project, one op a stage.

    The decorated function runs one stage; it is given the context and the `DvcResource`:

        @dvc_assets(project=project)
        def stages(context: dg.AssetExecutionContext, dvc: DvcResource):
            yield from dvc.run(context)

        defs = dg.Definitions(assets=[*stages], resources={"dvc": DvcResource(project_dir=…)})

    Args:
        project: the DVC project.
        select: addresses of stages (`clean`, `sub/dvc.yaml:train@*`), globs allowed; None for all.
        translator: how nodes become assets.
        pool: Dagster's concurrency pool; DVC runs one stage at a time in a workspace.
        retry_policy: for stages whose commands may fail by chance.
        op_tags: tags of every op.

    Returns:
        One definition a stage. Frozen stages are external assets.

    Raises:
        DatasetError: the project has problems, or nothing matches `select`.
    """
    check_project(project)
    check_translator(translator)
    stages = [node for node in build_node_assets(project, translator) if isinstance(node.node, Stage)]
    chosen = select_nodes(stages, select)

    def decorate(function: StageFunction) -> list[dg.AssetsDefinition]:
        options = {"pool": pool, "retry_policy": retry_policy, "op_tags": op_tags}
        return [_stage_definition(assets, function, options) for assets in chosen]

    return decorate


def _stage_definition(assets: NodeAssets, function: StageFunction, options: Mapping[str, Any]) -> dg.AssetsDefinition:
    if assets.node.frozen:
        return _frozen_definition(assets)
    define = dg.multi_asset(
        name=op_name(assets.address),
        specs=assets.specs,
        can_subset=len(assets.specs) > 1,
        description=assets.node.desc,
        **options,
    )
    return define(function)


def _frozen_definition(assets: NodeAssets) -> dg.AssetsDefinition:
    # A frozen stage never runs: its outputs are given, like a tracked file's.
    return dg.AssetsDefinition(specs=list(assets.specs))


def build_dvc_sources(
    project: DvcProject,
    *,
    translator: DvcTranslator | None = None,
    select: Iterable[str] | None = None,
    name: str = "observe_tracked_files",
    check: bool = True,
) -> list[dg.AssetsDefinition]:
    """Make external, observed assets of the files that `dvc add` and `dvc import` track.

    Observing one reports the MD5 of its `.dvc` file as its data version, and checks that the workspace holds what is
    tracked: the asset check `tracked` fails where files were delivered and not added. It is never materialized: doing
    both leaves everything downstream out of date permanently.

    Args:
        project: the DVC project.
        translator: how nodes become assets.
        select: `.dvc` files, globs allowed; None for all.
        name: of the op that observes them.
        check: whether each has the asset check `tracked`.

    Returns:
        One definition, and one more for each import of what a stage makes; none when the project tracks no file.

    Raises:
        DatasetError: the project has problems, nothing matches `select`, or a stage is called `name`.
    """
    check_project(project)
    check_translator(translator)
    every = build_node_assets(project, translator)
    tracked = [node for node in every if isinstance(node.node, TrackedFile)]
    groups: dict[str, list[dg.AssetSpec]] = {}
    for node in select_nodes(tracked, select):
        # An import of what a stage makes needs its own op: one op before and after a stage would be a cycle.
        imported = any(spec.deps for spec in node.specs)
        groups.setdefault(f"{name}_{op_name(node.address)}" if imported else name, []).extend(node.specs)
    for op in groups:
        _check_free(op, every)
    return [_observed(project, op, specs, check=check) for op, specs in groups.items() if specs]


def _observed(project: DvcProject, name: str, specs: Sequence[dg.AssetSpec], *, check: bool) -> dg.AssetsDefinition:
    checks = [source_check_spec(spec) for spec in specs] if check else []

    def tracked_files(context: dg.AssetExecutionContext) -> Iterator[dg.ObserveResult | dg.AssetCheckResult]:
        loaded = project.with_loaded_graph()
        source_check = SourceCheck(loaded)
        chosen = context.selected_asset_check_keys
        for spec in specs:
            if spec.key in context.selected_asset_keys:
                yield observe_path(loaded, spec)
            if dg.AssetCheckKey(spec.key, TRACKED) in chosen:
                yield source_check.evaluate(spec)

    with without_beta_warnings():
        define = dg.multi_observable_source_asset(specs=specs, check_specs=checks, can_subset=True, name=name)
        made: dg.AssetsDefinition = define(tracked_files)
        return made


def _check_free(name: str, nodes: Iterable[NodeAssets]) -> None:
    for assets in nodes:
        if isinstance(assets.node, Stage) and op_name(assets.address) == name:
            what = f"the stage {assets.address!r} has the name of the op that observes tracked files"
            raise DatasetError(what, where=name, fix="give the op another name: build_dvc_sources(…, name=…)")


def observe_path(project: DvcProject, spec: dg.AssetSpec) -> dg.ObserveResult:
    """Report what a tracked file is now.

    Raises:
        DatasetError: its `.dvc` file cannot be read.
    """
    from lineage_pipelines.datasets.workspace.workspace_status import observe

    seen = observe(project, str(spec.metadata[metadata_keys.DVC_PATH]))
    content = seen.content
    return dg.ObserveResult(
        asset_key=spec.key,
        data_version=dg.DataVersion(content.md5) if content.md5 else None,
        metadata=metadata_keys.without_none(
            {
                metadata_keys.DVC_MD5: content.md5,
                metadata_keys.DVC_SIZE: content.size,
                metadata_keys.DVC_FILES: 1 if content.files is None else content.files,
                metadata_keys.DVC_WORKSPACE: str(seen.state),
            }
        ),
    )
