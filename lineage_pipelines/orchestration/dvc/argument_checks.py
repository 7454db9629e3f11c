"""Argument checks of decorators: a value of another type is refused where it is written."""

from typing import Any

from lineage_pipelines.capture.scalars import describe_type
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.orchestration.dvc.translator import DvcTranslator


def check_project(project: object) -> None:
    """Refuse anything but a `DvcProject`, a path for example.

    Raises:
        CaptureError: it is not a `DvcProject`.
    """
    check_type(project, DvcProject, "project", "write project=DvcProject(Path(__file__).parent)")


def check_translator(translator: object) -> None:
    """Refuse anything but a translator, its class for example.

    Raises:
        CaptureError: it is not a translator.
    """
    check_type(translator, DvcTranslator | None, "translator", "give an instance: translator=MyTranslator()")


def check_type(value: object, kind: Any, name: str, fix: str) -> None:  # noqa: ANN401  # a type, or several
    """Refuse a value of another type.

    Raises:
        CaptureError: naming the argument and the type it was given.
    """
    if not isinstance(value, kind):
        raise CaptureError(f"{name} is {describe_type(value)}", where="model_asset", fix=fix)
