"""Operation components: promotion, reproducibility check, MLflow's mirror and retraining in a `defs.yaml`."""

from dataclasses import dataclass
from typing import Annotated

import dagster as dg

from lineage_pipelines.orchestration.components.project_scaffolder import ReferenceScaffolder, SensorScaffolder
from lineage_pipelines.orchestration.components.yaml_fields import (
    Alias,
    ModelKey,
    Seconds,
    SensorName,
    referenced_model,
)
from lineage_pipelines.orchestration.operations.mlflow_sensor import build_mlflow_sensor
from lineage_pipelines.orchestration.operations.promotion_job import promotion_asset
from lineage_pipelines.orchestration.operations.reproducibility_check import (
    build_reproducibility_job,
    reproducibility_check,
)
from lineage_pipelines.orchestration.operations.retraining_sensor import build_retraining_sensor
from lineage_pipelines.records.values.model_name import PRODUCTION


@dg.scaffold_with(ReferenceScaffolder)
@dataclass
class PromotionComponent(dg.Component, dg.Resolvable):
    """The asset of an alias of a model: it shows who is live, and promotes."""

    model_key: ModelKey
    alias: Alias = PRODUCTION
    group_name: Annotated[str, dg.Resolver.default(description="Dagster group.", examples=["models"])] = "models"

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002  # Dagster's signature
        """Build the asset."""
        asset = promotion_asset(referenced_model(self.model_key), alias=self.alias, group_name=self.group_name)
        return dg.Definitions(assets=[asset])


@dg.scaffold_with(ReferenceScaffolder)
@dataclass
class ReproducibilityComponent(dg.Component, dg.Resolvable):
    """The check whether every version that is or was in production can be made again, with its schedule."""

    model_key: ModelKey
    alias: Alias = PRODUCTION
    schedule: Annotated[
        str | None,
        dg.Resolver.default(description="When it is checked, in UTC; None: by hand.", examples=["0 3 * * *"]),
    ] = "0 3 * * *"

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002  # Dagster's signature
        """Build check, job and schedule."""
        model = referenced_model(self.model_key)
        check = reproducibility_check(model, alias=self.alias)
        job = build_reproducibility_job([check], name=f"check_{model.key.to_python_identifier()}_{self.alias}")
        schedules = [dg.ScheduleDefinition(job=job, cron_schedule=self.schedule)] if self.schedule else []
        return dg.Definitions(asset_checks=[check], jobs=[job], schedules=schedules)


@dg.scaffold_with(SensorScaffolder)
@dataclass
class MlflowSensorComponent(dg.Component, dg.Resolvable):
    """The sensor that sends MLflow what it does not have yet."""

    seconds: Seconds = 60
    name: SensorName = "mlflow_mirror"

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002  # Dagster's signature
        """Build the sensor."""
        return dg.Definitions(sensors=[build_mlflow_sensor(name=self.name, seconds=self.seconds)])


@dg.scaffold_with(SensorScaffolder)
@dataclass
class RetrainingComponent(dg.Component, dg.Resolvable):
    """The sensor that trains the models of the code location again, as their policies say."""

    seconds: Seconds = 30
    name: SensorName = "retraining"

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002  # Dagster's signature
        """Build the sensor."""
        return dg.Definitions(sensors=[build_retraining_sensor(name=self.name, seconds=self.seconds)])
