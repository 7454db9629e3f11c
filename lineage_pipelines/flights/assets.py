"""Assets of the flights pipeline: what `dagster dev` opens."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from lineage_pipelines import (
    DvcProject,
    DvcResource,
    DvcTranslator,
    DvcTranslatorSettings,
    LineageResource,
    MetricSpec,
    RetrainingPolicy,
    TrainedModel,
    build_attribute_job,
    build_dvc_sources,
    build_mlflow_sensor,
    build_observe_job,
    build_promote_job,
    build_reconcile_sensor,
    build_refresh_job,
    build_reproduce_job,
    build_reproducibility_job,
    build_retraining_sensor,
    disjoint,
    dvc_assets,
    model_asset,
    no_worse,
    promotion_asset,
    reproducibility_check,
    slices_evaluated,
    threshold,
    unique_rows,
)
from lineage_pipelines.flights.models.delay_model import DelayParams, measure_flight_delay, train_flight_delay
from lineage_pipelines.flights.models.minutes_model import (
    MinutesParams,
    measure_expected_minutes,
    train_expected_minutes,
)
from lineage_pipelines.flights.models.month_model import MonthParams, train_month_delay

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(os.environ.get("FLIGHTS_PROJECT", Path(__file__).parents[2]))
"""The DVC project: this repository's own checkout."""

project = DvcProject(ROOT)
translator = DvcTranslator(DvcTranslatorSettings(group_name="flights", by_stage=True))
sources = build_dvc_sources(project, translator=translator)


@dvc_assets(project=project, translator=translator)
def stages(context: dg.AssetExecutionContext, dvc: DvcResource) -> Iterator[Any]:
    """Run one preparation stage."""
    yield from dvc.run(context)


# A month is delivered a few days after its end; on the first of the month also code and libraries count.
_RETRAINING = RetrainingPolicy(on_new_data=True, on_schedule="0 6 1 * *", min_interval="12 hours", max_age="45 days")
_INPUTS = {name: f"data/features/{name}.parquet" for name in ("train", "validation", "test")}


@model_asset(
    project=project,
    inputs=_INPUTS,
    translator=translator,
    owners=["team:flights"],
    retraining=_RETRAINING,
    evaluate=measure_flight_delay,
    metrics=[
        MetricSpec("gain_over_history", greater_is_better=True),
        MetricSpec("calibration_error", greater_is_better=False),
    ],
    checks=[
        threshold(min_roc_auc=0.65),
        # A model must beat a forecast from history.
        threshold(min_gain_over_history=0.0),
        no_worse(roc_auc=0.03),
        threshold(max_calibration_error=0.1, blocking=False),
        slices_evaluated("origin", "carrier", min_rows=200),
        disjoint("train", "test"),
        unique_rows("train", "validation", "test", max_share=0.01),
    ],
)
def flight_delay(
    train: "pd.DataFrame", validation: "pd.DataFrame", test: "pd.DataFrame", params: DelayParams
) -> TrainedModel:
    """Will this flight arrive more than 15 minutes late? Known before departure."""
    return train_flight_delay(train, validation, test, params)


@model_asset(
    project=project,
    inputs=_INPUTS,
    translator=translator,
    owners=["team:flights"],
    retraining=_RETRAINING,
    evaluate=measure_expected_minutes,
    metrics=[
        MetricSpec("gain_over_history", greater_is_better=True),
        MetricSpec("within_15_minutes", greater_is_better=True),
    ],
    checks=[
        threshold(min_gain_over_history=0.0),
        # Not by minutes: how late flights are changes with the season, whatever the model.
        no_worse(r2=0.1),
        slices_evaluated("origin", min_rows=200),
        disjoint("train", "test"),
        unique_rows("train", "validation", "test", max_share=0.01),
    ],
)
def expected_minutes(
    train: "pd.DataFrame", validation: "pd.DataFrame", test: "pd.DataFrame", params: MinutesParams
) -> TrainedModel:
    """How many minutes late will this flight arrive? Known before departure."""
    return train_expected_minutes(train, validation, test, params)


@model_asset(
    project=project,
    # The file of the month within the delivery: each version names what it read.
    inputs={"flights": "data/raw/flights-{partition}.csv"},
    translator=translator,
    owners=["team:flights"],
    partitions_def=dg.MonthlyPartitionsDefinition(start_date="2013-01", end_date="2014-01", fmt="%Y-%m"),
    checks=[threshold(min_roc_auc=0.55), no_worse(roc_auc=0.1)],
)
def month_delay(flights: "pd.DataFrame", params: MonthParams) -> TrainedModel:
    """How late are the flights of one month? Trained as of each month of 2013, by a backfill."""
    return train_month_delay(flights, params)


models = [flight_delay, expected_minutes]
promotions = [promotion_asset(model) for model in models]
reproducible = [reproducibility_check(model) for model in models]
check = build_reproducibility_job(reproducible)
pipeline = [*sources, *stages, *models]
refresh = build_refresh_job(pipeline)
observe = build_observe_job(sources)
# A backfill of it trains as of each month: `dagster job backfill -j train_months`.
months = dg.define_asset_job("train_months", dg.AssetSelection.assets(month_delay))

defs = dg.Definitions(
    assets=[*sources, *stages, *models, month_delay, *promotions],
    asset_checks=reproducible,
    jobs=[refresh, observe, months, check, build_promote_job(), build_attribute_job(), build_reproduce_job()],
    schedules=[
        dg.ScheduleDefinition(job=check, cron_schedule="0 3 * * *", description="Can every version be reproduced?"),
        dg.ScheduleDefinition(job=observe, cron_schedule="*/10 * * * *", description="Look for new data."),
    ],
    sensors=[build_retraining_sensor(pipeline), build_mlflow_sensor(), build_reconcile_sensor()],
    resources={"dvc": DvcResource(project_dir=str(ROOT)), "lineage": LineageResource(project_dir=str(ROOT))},
)
