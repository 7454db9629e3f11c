"""Refresh job: observes the tracked data, runs the stages and trains; and the job that only observes."""

from collections.abc import Sequence

import dagster as dg

from lineage_pipelines.orchestration.compat import AssetJob


def build_refresh_job(assets: Sequence[dg.AssetsDefinition], *, name: str = "refresh") -> AssetJob:
    """Return the job that observes the tracked data, runs the stages, trains and evaluates.

    In one job the observation comes first, so that the model's provenance names the version that was just seen; the
    buttons of the asset graph would split it into two runs. Checks that other definitions make of these assets, as
    whether a version can be reproduced, are no part of it: a gate that fails would leave them failed, though never run.

    Args:
        assets: sources, stages and models together.
        name: the job's name.
    """
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*assets).without_checks() | dg.AssetSelection.checks(*_own_checks(assets)),
        description="Observe the tracked data, run the stages, train and evaluate.",
    )


def _own_checks(assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetCheckKey]:
    return [key for definition in assets for key in definition.check_keys]


def build_observe_job(sources: Sequence[dg.AssetsDefinition], *, name: str = "observe") -> AssetJob:
    """Return the job that only looks whether the tracked data has changed."""
    return dg.define_asset_job(
        name, selection=dg.AssetSelection.assets(*sources), description="See whether the tracked data has changed."
    )
