"""Retraining: when new data was seen, and on a schedule."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from lineage_pipelines.orchestration.compat import AssetJob


def retrain_on_new_data() -> dg.AutomationCondition[Any]:
    """Return the condition that an asset is made again once a new version of something it reads was seen.

    Not when the same bytes are observed or produced again, and not while it or anything it reads is being made.
    """
    changed = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())
    waiting = dg.AutomationCondition.any_deps_in_progress() | dg.AutomationCondition.in_progress()
    return (changed.since_last_handled() & ~waiting).with_label("retrain_on_new_data")


def build_refresh_job(assets: Sequence[dg.AssetsDefinition], *, name: str = "refresh") -> AssetJob:
    """Return the job that observes the tracked data, runs the stages, trains and evaluates.

    In one job the observation comes first, so that the model's provenance names the version that was just seen; the
    buttons of the asset graph would split it into two runs.

    Args:
        assets: sources, stages and models together.
        name: the job's name.
    """
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*assets),
        description="Observe the tracked data, run the stages, train and evaluate.",
    )


def build_observe_job(sources: Sequence[dg.AssetsDefinition], *, name: str = "observe") -> AssetJob:
    """Return the job that only looks whether the tracked data has changed."""
    return dg.define_asset_job(
        name, selection=dg.AssetSelection.assets(*sources), description="See whether the tracked data has changed."
    )


def build_automation_sensor(*, name: str = "retrain_on_new_data") -> dg.AutomationConditionSensorDefinition:
    """Return the sensor that evaluates the automation conditions of all assets. It is off until someone turns it on."""
    return dg.AutomationConditionSensorDefinition(
        name, target=dg.AssetSelection.all(), default_status=dg.DefaultSensorStatus.STOPPED
    )
