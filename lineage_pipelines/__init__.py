"""Model lineage for Dagster and DVC: every model explains itself.

The public names of the package, imported on first use (PEP 562). What is not listed here is internal.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lineage_pipelines.capture.trained_model import TrainedModel
    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
    from lineage_pipelines.errors import (
        ArtifactError,
        BridgeError,
        CaptureError,
        CatalogError,
        ConflictError,
        DatasetError,
        LineageError,
        NotFoundError,
        RecordError,
    )
    from lineage_pipelines.orchestration.components.dvc_project_component import DvcProjectComponent
    from lineage_pipelines.orchestration.components.model_component import ModelComponent
    from lineage_pipelines.orchestration.components.operation_components import (
        MlflowSensorComponent,
        PromotionComponent,
        ReproducibilityComponent,
        RetrainingComponent,
    )
    from lineage_pipelines.orchestration.dvc.asset_specs import build_dvc_asset_specs
    from lineage_pipelines.orchestration.dvc.dvc_assets import build_dvc_sources, dvc_assets
    from lineage_pipelines.orchestration.dvc.dvc_resource import DvcResource
    from lineage_pipelines.orchestration.dvc.translator import DvcNodeData, DvcTranslator, DvcTranslatorSettings
    from lineage_pipelines.orchestration.lineage_resource import LineageResource
    from lineage_pipelines.orchestration.operations.attribution_job import build_attribute_job
    from lineage_pipelines.orchestration.operations.delivery_sensor import build_delivery_sensor
    from lineage_pipelines.orchestration.operations.mlflow_sensor import build_mlflow_sensor
    from lineage_pipelines.orchestration.operations.promotion_job import build_promote_job, promotion_asset
    from lineage_pipelines.orchestration.operations.reconcile import build_reconcile_sensor
    from lineage_pipelines.orchestration.operations.refresh_job import build_observe_job, build_refresh_job
    from lineage_pipelines.orchestration.operations.reproducibility_check import (
        build_reproducibility_job,
        reproducibility_check,
    )
    from lineage_pipelines.orchestration.operations.reproduction_job import build_reproduce_job
    from lineage_pipelines.orchestration.operations.retraining_sensor import build_retraining_sensor
    from lineage_pipelines.orchestration.retraining.retraining_policy import RetrainingPolicy
    from lineage_pipelines.orchestration.training.gates import (
        Gate,
        GateFacts,
        disjoint,
        no_worse,
        slices_evaluated,
        threshold,
        unique_rows,
    )
    from lineage_pipelines.orchestration.training.model_asset import model_asset
    from lineage_pipelines.orchestration.training.model_definition import ModelInput
    from lineage_pipelines.queries.versions.model_loader import load_model
    from lineage_pipelines.records.statement.lineage_record import LineageRecord, record_digest
    from lineage_pipelines.records.statement.lineage_record import decode as decode_record
    from lineage_pipelines.records.statement.lineage_record import encode as encode_record
    from lineage_pipelines.records.statement.metric import MetricSpec
    from lineage_pipelines.records.statement.training_run import Candidate, SliceMetrics
    from lineage_pipelines.settings import Settings, resolve_settings

_MODULES = {
    "ArtifactError": "errors",
    "BridgeError": "errors",
    "Candidate": "records.statement.training_run",
    "CaptureError": "errors",
    "Catalog": "catalog.catalog",
    "CatalogError": "errors",
    "ConflictError": "errors",
    "DatasetError": "errors",
    "DvcNodeData": "orchestration.dvc.translator",
    "DvcProject": "datasets.pipeline.dvc_project",
    "DvcProjectComponent": "orchestration.components.dvc_project_component",
    "DvcResource": "orchestration.dvc.dvc_resource",
    "DvcTranslator": "orchestration.dvc.translator",
    "DvcTranslatorSettings": "orchestration.dvc.translator",
    "Gate": "orchestration.training.gates",
    "GateFacts": "orchestration.training.gates",
    "LineageError": "errors",
    "LineageRecord": "records.statement.lineage_record",
    "LineageResource": "orchestration.lineage_resource",
    "MetricSpec": "records.statement.metric",
    "MlflowSensorComponent": "orchestration.components.operation_components",
    "ModelComponent": "orchestration.components.model_component",
    "ModelInput": "orchestration.training.model_definition",
    "NotFoundError": "errors",
    "PromotionComponent": "orchestration.components.operation_components",
    "RecordError": "errors",
    "ReproducibilityComponent": "orchestration.components.operation_components",
    "RetrainingComponent": "orchestration.components.operation_components",
    "RetrainingPolicy": "orchestration.retraining.retraining_policy",
    "Settings": "settings",
    "SliceMetrics": "records.statement.training_run",
    "TrainedModel": "capture.trained_model",
    "build_attribute_job": "orchestration.operations.attribution_job",
    "build_delivery_sensor": "orchestration.operations.delivery_sensor",
    "build_dvc_asset_specs": "orchestration.dvc.asset_specs",
    "build_dvc_sources": "orchestration.dvc.dvc_assets",
    "build_mlflow_sensor": "orchestration.operations.mlflow_sensor",
    "build_observe_job": "orchestration.operations.refresh_job",
    "build_promote_job": "orchestration.operations.promotion_job",
    "build_reconcile_sensor": "orchestration.operations.reconcile",
    "build_refresh_job": "orchestration.operations.refresh_job",
    "build_reproduce_job": "orchestration.operations.reproduction_job",
    "build_reproducibility_job": "orchestration.operations.reproducibility_check",
    "build_retraining_sensor": "orchestration.operations.retraining_sensor",
    "decode_record": "records.statement.lineage_record:decode",
    "disjoint": "orchestration.training.gates",
    "dvc_assets": "orchestration.dvc.dvc_assets",
    "encode_record": "records.statement.lineage_record:encode",
    "load_model": "queries.versions.model_loader",
    "model_asset": "orchestration.training.model_asset",
    "no_worse": "orchestration.training.gates",
    "promotion_asset": "orchestration.operations.promotion_job",
    "record_digest": "records.statement.lineage_record",
    "reproducibility_check": "orchestration.operations.reproducibility_check",
    "resolve_settings": "settings",
    "slices_evaluated": "orchestration.training.gates",
    "threshold": "orchestration.training.gates",
    "unique_rows": "orchestration.training.gates",
}
"""Each public name, and the module below this package that defines it; behind a colon its name there."""

__all__ = [
    "ArtifactError",
    "BridgeError",
    "Candidate",
    "CaptureError",
    "Catalog",
    "CatalogError",
    "ConflictError",
    "DatasetError",
    "DvcNodeData",
    "DvcProject",
    "DvcProjectComponent",
    "DvcResource",
    "DvcTranslator",
    "DvcTranslatorSettings",
    "Gate",
    "GateFacts",
    "LineageError",
    "LineageRecord",
    "LineageResource",
    "MetricSpec",
    "MlflowSensorComponent",
    "ModelComponent",
    "ModelInput",
    "NotFoundError",
    "PromotionComponent",
    "RecordError",
    "ReproducibilityComponent",
    "RetrainingComponent",
    "RetrainingPolicy",
    "Settings",
    "SliceMetrics",
    "TrainedModel",
    "build_attribute_job",
    "build_delivery_sensor",
    "build_dvc_asset_specs",
    "build_dvc_sources",
    "build_mlflow_sensor",
    "build_observe_job",
    "build_promote_job",
    "build_reconcile_sensor",
    "build_refresh_job",
    "build_reproduce_job",
    "build_reproducibility_job",
    "build_retraining_sensor",
    "decode_record",
    "disjoint",
    "dvc_assets",
    "encode_record",
    "load_model",
    "model_asset",
    "no_worse",
    "promotion_asset",
    "record_digest",
    "reproducibility_check",
    "resolve_settings",
    "slices_evaluated",
    "threshold",
    "unique_rows",
]


def __getattr__(name: str) -> object:
    try:
        module, _, defined = _MODULES[name].partition(":")
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(import_module(f"{__name__}.{module}"), defined or name)


def attribute_of_room(room: str, name: str) -> object:
    """Return a public name from the room that defines it: `lineage_pipelines.records.SliceMetrics`.

    Rooms offered their public names before this package did; those addresses keep working.

    Raises:
        AttributeError: the room defines no such public name.
    """
    if not f"{__name__}.{_MODULES.get(name, '')}".startswith(f"{room}."):
        raise AttributeError(f"module {room!r} has no attribute {name!r}")
    return __getattr__(name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
