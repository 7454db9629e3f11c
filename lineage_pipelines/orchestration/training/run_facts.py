"""Facts of a run: who launched it, and the key under which its result is recorded."""

import getpass
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from lineage_pipelines.records.statement.training_run import DagsterRun
from lineage_pipelines.system.process_identity import host_name

_LAUNCHERS = (
    ("dagster/schedule_name", "schedule"),
    ("dagster/sensor_name", "sensor"),
    ("dagster/backfill", "backfill"),
    ("user", "user"),
    ("dagster/reporting_user", "user"),
)
_AUTOMATION = ("dagster/from_automation_condition", "dagster/auto_materialize")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What Dagster knows of this run."""

    run: DagsterRun
    run_key: str
    """The same for every retry of one logical run (hex SHA-256)."""
    host: str
    user: str | None


def read_run_facts(context: dg.AssetExecutionContext) -> RunFacts:
    """Return what Dagster knows of the run of this step."""
    run = context.run
    root = run.root_run_id or run.run_id
    partition = context.partition_key if context.has_partition_key else None
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
        ),
        run_key=run_key(context.asset_key, partition, root),
        host=host_name(),
        user=user,
    )


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


def user_name() -> str | None:
    """Return the name of the account that this process runs as, if it has one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return None
