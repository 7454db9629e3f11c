"""MLflow sensor: sends MLflow what it missed while it, or this machine, was down."""

import dagster as dg

from lineage_pipelines.orchestration.lineage_resource import LineageResource


def build_mlflow_sensor(*, name: str = "mlflow_mirror", seconds: int = 60) -> dg.SensorDefinition:
    """Return the sensor that brings MLflow up to date with the catalog. It is on, and idle without a mirror.

    It launches no run and waits for nothing: a process of its own sends the entries. It needs the resource `lineage`.

    Args:
        name: the sensor's name.
        seconds: the interval between two looks.
    """

    @dg.sensor(
        name=name,
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Send MLflow the versions, decisions and approvals that it does not have yet.",
    )
    def sensor(context: dg.SensorEvaluationContext, lineage: LineageResource) -> dg.SkipReason:
        settings = lineage.settings()
        if not settings.mirrors:
            return dg.SkipReason("no mirror: set MLFLOW_TRACKING_URI, or mlflow in [tool.lineage]")
        with lineage.open_catalog() as catalog:
            pending = [entry.seq for destination in settings.mirrors for entry in catalog.outbox.pending(destination)]
        if pending:
            lineage.update_mirrors(context.log.warning)
        return dg.SkipReason(f"entries being sent to MLflow: {len(pending)}" if pending else "MLflow is up to date")

    return sensor
