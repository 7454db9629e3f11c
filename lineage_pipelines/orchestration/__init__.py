"""The only room that knows Dagster: DVC nodes and training functions as assets."""

from lineage_pipelines.capture.trained import TrainedModel
from lineage_pipelines.orchestration.attribution import build_attribute_job
from lineage_pipelines.orchestration.automation import (
    build_automation_sensor,
    build_observe_job,
    build_refresh_job,
    retrain_on_new_data,
)
from lineage_pipelines.orchestration.components import DvcProjectComponent
from lineage_pipelines.orchestration.definition import ModelInput
from lineage_pipelines.orchestration.dvc_assets import build_dvc_sources, dvc_assets
from lineage_pipelines.orchestration.dvc_resource import DvcResource
from lineage_pipelines.orchestration.dvc_specs import build_dvc_asset_specs
from lineage_pipelines.orchestration.gates import (
    Gate,
    disjoint,
    no_worse,
    slices_evaluated,
    threshold,
    unique_rows,
)
from lineage_pipelines.orchestration.lineage_resource import LineageResource
from lineage_pipelines.orchestration.mirroring import build_mlflow_sensor
from lineage_pipelines.orchestration.model_asset import model_asset
from lineage_pipelines.orchestration.promotion import build_promote_job, promotion_asset
from lineage_pipelines.orchestration.reconcile import build_reconcile_sensor, reconcile, reconcile_here
from lineage_pipelines.orchestration.reproducible import build_reproducibility_job, reproducibility_check
from lineage_pipelines.orchestration.translator import DvcNodeData, DvcTranslator, DvcTranslatorSettings

__all__ = [
    "DvcNodeData",
    "DvcProjectComponent",
    "DvcResource",
    "DvcTranslator",
    "DvcTranslatorSettings",
    "Gate",
    "LineageResource",
    "ModelInput",
    "TrainedModel",
    "build_attribute_job",
    "build_automation_sensor",
    "build_dvc_asset_specs",
    "build_dvc_sources",
    "build_mlflow_sensor",
    "build_observe_job",
    "build_promote_job",
    "build_reconcile_sensor",
    "build_refresh_job",
    "build_reproducibility_job",
    "disjoint",
    "dvc_assets",
    "model_asset",
    "no_worse",
    "promotion_asset",
    "reconcile",
    "reconcile_here",
    "reproducibility_check",
    "retrain_on_new_data",
    "slices_evaluated",
    "threshold",
    "unique_rows",
]
