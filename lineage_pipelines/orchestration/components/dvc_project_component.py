"""DVC project component: the stages and tracked files of a DVC project in a `defs.yaml`.

type: lineage_pipelines.DvcProjectComponent
attributes:
  project: ../../..
  select: ["clean", "features"]
  translation:
    group_name: prepare
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import dagster as dg

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.orchestration.compat import TranslationFn, TranslationFnResolver
from lineage_pipelines.orchestration.components.project_scaffolder import ProjectScaffolder
from lineage_pipelines.orchestration.components.yaml_fields import ProjectPath
from lineage_pipelines.orchestration.dvc.dvc_assets import build_dvc_sources, dvc_assets
from lineage_pipelines.orchestration.dvc.dvc_resource import DvcResource
from lineage_pipelines.orchestration.dvc.translator import DvcNodeData, DvcTranslator, DvcTranslatorSettings
from lineage_pipelines.orchestration.lineage_resource import LineageResource


def _template_variables(data: DvcNodeData) -> dict[str, Any]:
    return {"node": data.node, "path": data.output.path if data.output else None}


@dataclass(frozen=True)
class TranslatingTranslator(DvcTranslator):
    """A translator that `translation` of a `defs.yaml` has the last word on."""

    translation: TranslationFn[DvcNodeData] | None = field(default=None, compare=False)

    def get_asset_spec(self, data: DvcNodeData) -> dg.AssetSpec:
        """Return the asset of one node, as translated."""
        spec = super().get_asset_spec(data)
        return self.translation(spec, data) if self.translation is not None else spec


@dg.scaffold_with(ProjectScaffolder)
@dataclass
class DvcProjectComponent(dg.Component, dg.Resolvable):
    """The stages and tracked files of a DVC project as assets, with the resources `dvc` and `lineage`."""

    project: ProjectPath
    select: Annotated[
        Sequence[str] | None,
        dg.Resolver.default(
            description="Addresses of stages, globs allowed; all by default.", examples=[["clean", "features@*"]]
        ),
    ] = None
    group_name: Annotated[
        str | None, dg.Resolver.default(description="Dagster group of every asset.", examples=["prepare"])
    ] = None
    key_prefix: Annotated[
        Sequence[str],
        dg.Resolver.default(description="Put before every asset key, for two DVC projects.", examples=[["shop"]]),
    ] = ()
    by_stage: Annotated[
        bool,
        dg.Resolver.default(description="Each stage is a group that its outputs are named after.", examples=[True]),
    ] = False
    commit: Annotated[
        bool, dg.Resolver.default(description="Commit dvc.lock after each stage that changed it.", examples=[True])
    ] = False
    lineage: Annotated[
        bool,
        dg.Resolver.default(
            description="Whether this component brings the resource `lineage`: once in a code location.",
            examples=[False],
        ),
    ] = True
    translation: Annotated[
        TranslationFn[DvcNodeData] | None,
        TranslationFnResolver[DvcNodeData](template_vars_for_translation_fn=_template_variables),
    ] = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Build sources, stages and resources."""
        project = DvcProject(self.project)
        translator = self.translator(context)
        dvc = DvcResource(project_dir=str(project.root), commit=self.commit)

        @dvc_assets(project=project, select=self.select, translator=translator)
        def stages(context: dg.AssetExecutionContext) -> Iterator[Any]:
            yield from self.execute(context, dvc)

        lineage = {"lineage": LineageResource(project_dir=str(project.root))} if self.lineage else {}
        return dg.Definitions(
            assets=[*build_dvc_sources(project, translator=translator), *stages], resources=dict(lineage)
        )

    def translator(self, context: dg.ComponentLoadContext) -> DvcTranslator:  # noqa: ARG002  # for overriding
        """Return how nodes become assets; override it in a subclass."""
        settings = DvcTranslatorSettings(
            group_name=self.group_name, key_prefix=tuple(self.key_prefix), by_stage=self.by_stage
        )
        return TranslatingTranslator(settings=settings, translation=self.translation)

    def execute(self, context: dg.AssetExecutionContext, dvc: DvcResource) -> Iterator[Any]:
        """Run one stage; override it in a subclass."""
        yield from dvc.run(context)
