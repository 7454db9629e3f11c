"""`DvcProjectComponent`: a DVC project in a `defs.yaml`, for `dg`.

type: lineage_pipelines.DvcProjectComponent
attributes:
  project: ../..
  select: ["clean", "features"]
  group_name: prepare
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import dagster as dg

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.orchestration.dvc.dvc_assets import build_dvc_sources, dvc_assets
from lineage_pipelines.orchestration.dvc.dvc_resource import DvcResource
from lineage_pipelines.orchestration.dvc.translator import DvcTranslator, DvcTranslatorSettings


def _resolve_project(context: dg.ResolutionContext, value: str) -> str:
    return str(context.resolve_source_relative_path(context.resolve_value(value, as_type=str)))


@dataclass
class DvcProjectComponent(dg.Component, dg.Resolvable):
    """The stages and tracked files of a DVC project as assets."""

    project: Annotated[
        str,
        dg.Resolver(_resolve_project, model_field_type=str, description="The project's folder, from this file."),
    ]
    select: Sequence[str] | None = None
    group_name: str | None = None
    key_prefix: Sequence[str] = ()

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Build sources, stages and the resource that runs them."""
        project = DvcProject(self.project)
        translator = self.translator(context)

        @dvc_assets(project=project, select=self.select, translator=translator)
        def stages(context: dg.AssetExecutionContext) -> Iterator[Any]:
            yield from self.execute(context, DvcResource(project_dir=str(project.root)))

        return dg.Definitions(assets=[*build_dvc_sources(project, translator=translator), *stages])

    def translator(self, context: dg.ComponentLoadContext) -> DvcTranslator:  # noqa: ARG002  # for overriding
        """Return how nodes become assets; override it in a subclass."""
        settings = DvcTranslatorSettings(group_name=self.group_name, key_prefix=tuple(self.key_prefix))
        return DvcTranslator(settings=settings)

    def execute(self, context: dg.AssetExecutionContext, dvc: DvcResource) -> Iterator[Any]:
        """Run one stage; override it in a subclass."""
        yield from dvc.run(context)
