"""Run partition: which partition of a model a run is for, and whether it is an identity or a window of time."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import dagster as dg

from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records.statement.partition import Partition


def partition_key(context: dg.AssetExecutionContext) -> str | None:
    """Return Dagster's key of the partition that a run is for; None for an asset without partitions.

    Raises:
        CaptureError: the run is for a range of several partitions, or for none though the asset has partitions.
    """
    definition, asset = context.assets_def.partitions_def, context.asset_key.to_user_string()
    if definition is None:
        return None
    each = "launch a backfill with a run for each partition, not with a single run for all"
    if not context.has_partition_key and not context.has_partition_key_range:
        what = f"{asset} has partitions, and this run is for none of them"
        raise CaptureError(what, where=f"run {context.run.run_id}", fix=f"launch it for one partition, or {each}")
    chosen = context.partition_key_range
    if chosen.start != chosen.end:
        what = f"a run is for one partition of {asset}, and this one has the range from {chosen.start} to {chosen.end}"
        raise CaptureError(what, where=f"run {context.run.run_id}", fix=each)
    return str(context.partition_key)


def read_partition(context: dg.AssetExecutionContext) -> Partition | None:
    """Return the partition that a run is for, by what its dimensions mean; None for an asset without partitions.

    Raises:
        CaptureError: as `partition_key`.
        RecordError: the key of an identity is too long, or holds what cannot be seen.
    """
    key = partition_key(context)
    if key is None:
        return None
    definition = context.assets_def.partitions_def
    dimensions = [(definition, key)]
    if isinstance(definition, dg.MultiPartitionsDefinition):
        keys = definition.get_partition_key_from_str(key).keys_by_dimension
        dimensions = [(each.partitions_def, keys[each.name]) for each in definition.partitions_defs]
    return _partition(dimensions)


def _partition(dimensions: Sequence[tuple[dg.PartitionsDefinition[Any] | None, str]]) -> Partition:
    """Return the partition; of two dimensions of time the first is the sequence, the other one an identity."""
    window, identities = None, []
    for definition, key in dimensions:
        if window is None and isinstance(definition, dg.TimeWindowPartitionsDefinition):
            window = definition.time_window_for_partition_key(key).start.astimezone(UTC)
        else:
            identities.append(key)
    return Partition(identity="|".join(identities) or None, window=window)


def has_identity(definition: dg.PartitionsDefinition[Any] | None) -> bool:
    """Return whether partitions have an identity: whether a dimension of theirs is not time."""
    if isinstance(definition, dg.MultiPartitionsDefinition):
        return any(has_identity(each.partitions_def) for each in definition.partitions_defs)
    return definition is not None and not isinstance(definition, dg.TimeWindowPartitionsDefinition)
