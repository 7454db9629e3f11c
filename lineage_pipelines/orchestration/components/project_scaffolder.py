"""Project scaffolders: the `defs.yaml` that `dg scaffold defs` writes, complete from the first try."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import BaseModel, Field

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.orchestration.compat import write_component


class ProjectParams(BaseModel):
    """What `dg scaffold defs` asks for."""

    project_path: str = Field(default=".", description="Any folder of the DVC project, from the current folder.")


class ModelParams(ProjectParams):
    """What `dg scaffold defs` asks for of a model."""

    function: str = Field(description="The training function: shop.training:churn.")
    inputs: str = Field(description="Its inputs, as train=data/train.parquet,test=data/test.parquet.")


class ReferenceParams(BaseModel):
    """What `dg scaffold defs` asks for of a component that is about a model."""

    model_key: str = Field(description="The asset key of the model, parts joined by `/`.")


class ProjectScaffolder(dg.Scaffolder[ProjectParams]):
    """Writes the path of the project."""

    @classmethod
    def get_scaffold_params(cls) -> type[ProjectParams]:
        """Return the options."""
        return ProjectParams

    def scaffold(self, request: dg.ScaffoldRequest[ProjectParams]) -> None:
        """Write the file.

        Raises:
            DatasetError: the folder is in no DVC project.
        """
        write_component(request, _project(request.params, request.target_path))


class ModelScaffolder(dg.Scaffolder[ModelParams]):
    """Writes project, function and inputs of a model."""

    @classmethod
    def get_scaffold_params(cls) -> type[ModelParams]:
        """Return the options."""
        return ModelParams

    def scaffold(self, request: dg.ScaffoldRequest[ModelParams]) -> None:
        """Write the file.

        Raises:
            DatasetError: the folder is in no DVC project.
        """
        pairs = [pair.partition("=") for pair in request.params.inputs.split(",") if pair]
        inputs = {name.strip(): path.strip() for name, _, path in pairs}
        attributes = {"function": request.params.function, "inputs": inputs, "retraining": {"on_new_data": True}}
        write_component(request, {**_project(request.params, request.target_path), **attributes})


class ReferenceScaffolder(dg.Scaffolder[ReferenceParams]):
    """Writes the key of the model."""

    @classmethod
    def get_scaffold_params(cls) -> type[ReferenceParams]:
        """Return the options."""
        return ReferenceParams

    def scaffold(self, request: dg.ScaffoldRequest[ReferenceParams]) -> None:
        """Write the file."""
        write_component(request, {"model_key": request.params.model_key})


class SensorScaffolder(dg.Scaffolder[Any]):
    """Writes a sensor as it is by default."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write the file."""
        write_component(request, {"seconds": 60})


def _project(params: ProjectParams, target: Path) -> Mapping[str, Any]:
    root = DvcProject(params.project_path).root
    return {"project": Path(os.path.relpath(root, target.resolve())).as_posix()}
