"""Facts of a run: who launched it, for which partition, and the key under which its result is recorded."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from lineage_pipelines.orchestration.training.partitions.run_partition import partition_key, read_partition
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.statement.training_run import DagsterRun
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.identity_proof import IdentityProof
from lineage_pipelines.system.process_identity import host_name
from lineage_pipelines.system.user_account import user_name

_LAUNCHERS = (
    ("dagster/schedule_name", "schedule"),
    ("dagster/sensor_name", "sensor"),
    ("dagster/backfill", "backfill"),
    ("user", "user"),
    ("dagster/reporting_user", "user"),
)
_AUTOMATION = ("dagster/from_automation_condition", "dagster/auto_materialize")
_UNATTENDED = (*_AUTOMATION, "dagster/schedule_name", "dagster/sensor_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What Dagster knows of this run."""

    run: DagsterRun
    run_key: str
    """The same for every retry of one logical run (hex SHA-256)."""
    host: str
    user: str | None
    partition: Partition | None = None
    automatic: bool = False
    """Whether a schedule, a sensor or a condition launched the run, and no person."""
    config: Mapping[str, Json] = field(default_factory=dict)
    """The step's configuration as it was launched, without defaults; a value may be `{"env": NAME}`."""


def read_run_facts(context: dg.AssetExecutionContext) -> RunFacts:
    """Return what Dagster knows of the run of this step.

    Raises:
        CaptureError: the run is for several partitions, or for none though the asset has partitions.
        RecordError: no record can hold the key of its partition.
    """
    run = context.run
    root = run.root_run_id or run.run_id
    partition = partition_key(context)
    user = user_name()
    return RunFacts(
        run=DagsterRun(
            run_id=run.run_id,
            root_run_id=root,
            job=run.job_name,
            step=context.op_execution_context.get_step_execution_context().step.key,
            partition=partition,
            retry=context.retry_number,
            launched_by=launcher(run.tags, user),
            known_by=launcher_proof(run.tags, user),
        ),
        run_key=run_key(context.asset_key, partition, root),
        host=host_name(),
        user=user,
        partition=read_partition(context),
        automatic=is_automatic(run.tags),
        config=_launched_config(context),
    )


def _launched_config(context: dg.AssetExecutionContext) -> Mapping[str, Json]:
    op = context.op_execution_context
    found: Any = op.get_step_execution_context().resolved_run_config.original_config_dict or {}
    for name in op.op_handle.path:
        found = (found.get("ops") or {}).get(name) or {}
    config = found.get("config")
    return config if isinstance(config, Mapping) else {}


def run_key(key: dg.AssetKey, partition: str | None, root_run_id: str) -> str:
    """Return the identity of one logical run of an asset, the same for all its retries (hex SHA-256)."""
    parts = json.dumps([key.to_user_string(), partition, root_run_id])
    return hashlib.sha256(parts.encode()).hexdigest()


def launcher(tags: Mapping[str, str], user: str | None) -> str:
    """Say who or what launched a run, from its tags: a schedule, a sensor, a condition, a backfill or a person."""
    if any(tag in tags for tag in _AUTOMATION):
        return "automation"
    for tag, kind in _LAUNCHERS:
        if tag in tags:
            return f"{kind}:{tags[tag]}"
    return f"user:{user}" if user else "unknown"


def is_automatic(tags: Mapping[str, str]) -> bool:
    """Return whether a run was launched without a person; a backfill is launched by one."""
    return any(tag in tags for tag in _UNATTENDED)


def launcher_proof(tags: Mapping[str, str], user: str | None) -> IdentityProof | None:
    """Return how it is known who launched a run; None where nothing says who did."""
    if any(tag in tags for tag in (*_AUTOMATION, *(tag for tag, _ in _LAUNCHERS))):
        return IdentityProof.DAGSTER_TAG
    return IdentityProof.OS if user else None
