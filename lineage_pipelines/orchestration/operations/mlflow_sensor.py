"""MLflow sensor: sends MLflow what it missed while it, or this machine, was down."""

import dagster as dg

from lineage_pipelines.orchestration.lineage_resource import LineageResource


def build_mlflow_sensor(*, name: str = "mlflow_mirror", seconds: int = 60) -> dg.SensorDefinition:
    """Return the sensor that catches MLflow up with the catalog. It is on, and does nothing without a mirror.

    It launches nothing and waits for nothing: a process beside the daemon tells MLflow. It needs the resource
    `lineage`.

    Args:
        name: the sensor's name.
        seconds: how often it looks.
    """

    @dg.sensor(
        name=name,
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tell MLflow of versions, decisions and approvals that it does not know yet.",
    )
    def sensor(context: dg.SensorEvaluationContext, lineage: LineageResource) -> dg.SkipReason:
        settings = lineage.settings()
        if not settings.mirrors:
            return dg.SkipReason("no mirror: set MLFLOW_TRACKING_URI, or mlflow in [tool.lineage]")
        with lineage.open_catalog() as catalog:
            owed = [entry.seq for destination in settings.mirrors for entry in catalog.outbox.pending(destination)]
        if owed:
            lineage.tell_mirrors(context.log.warning)
        return dg.SkipReason(f"MLflow is being told of {len(owed)} more" if owed else "MLflow knows everything")

    return sensor
