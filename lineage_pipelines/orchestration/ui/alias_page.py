"""Alias page: what the asset of an alias shows, as an event made from the decision that the alias rests on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.records.decisions.decision import Action, Decision
from lineage_pipelines.reports.formatting import person

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log.entries import Entry
    from lineage_pipelines.queries.registry.alias_history import LoggedDecision

NOTHING = "none"
"""The data version of an alias that names no version."""
_VERBS = {Action.PROMOTE: "promoted", Action.ROLLBACK: "rolled back", Action.RETIRE: "retired"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasAsset:
    """The asset that shows what an alias names."""

    model: str
    alias: str
    """Without the partition: `production`."""
    key: dg.AssetKey


def alias_key(model_key: dg.AssetKey, alias: str) -> dg.AssetKey:
    """Return the key of an alias's asset: `churn_production` beside `churn`."""
    *prefix, name = model_key.path
    return dg.AssetKey([*prefix, f"{name}_{alias}"])


def alias_definition_metadata(model: str, alias: str) -> dict[str, str]:
    """Return the metadata by which the definition of an alias's asset is recognized."""
    return {metadata_keys.ALIAS_MODEL: model, metadata_keys.ALIAS_NAME: alias}


def defined_alias_assets(repository: dg.RepositoryDefinition) -> Iterator[AliasAsset]:
    """Yield the assets of aliases that a code location defines."""
    for key, definition in repository.assets_defs_by_key.items():
        found = definition.metadata_by_key.get(key, {})
        model, alias = found.get(metadata_keys.ALIAS_MODEL), found.get(metadata_keys.ALIAS_NAME)
        if isinstance(model, str) and isinstance(alias, str):
            yield AliasAsset(model=model, alias=alias, key=key)


def alias_metadata(decided: "LoggedDecision", entry: "Entry | None", model_key: dg.AssetKey) -> dict[str, Any]:
    """Return what the page of an alias shows: version, since when, by whom, why, and under which policy.

    Args:
        decided: the decision that the alias rests on.
        entry: the version that it names; None if it was retired.
        model_key: the model's asset, which the page links to.
    """
    decision = decided.decision
    run = entry.record.run.dagster if entry is not None else None
    return metadata_keys.without_none(
        {
            metadata_keys.MODEL_VERSION: decision.version,
            metadata_keys.LINEAGE_SUMMARY: dg.MetadataValue.text(alias_summary(decided)),
            metadata_keys.DECISION_SINCE: dg.MetadataValue.timestamp(decided.at),
            metadata_keys.DECISION_BY: dg.MetadataValue.text(person(decision.by, decision.known_by)),
            metadata_keys.DECISION_REASON: dg.MetadataValue.text(decision.reason),
            metadata_keys.DECISION_POLICY: dg.MetadataValue.text(_policy(decision)),
            metadata_keys.DECISION_OVERRIDE: decision.override or None,
            metadata_keys.DECISION_RULES: metadata_keys.table(
                {"rule": rule.name, "passed": rule.passed, "detail": rule.detail} for rule in decision.rules
            ),
            metadata_keys.DECISION_APPROVALS: metadata_keys.table(
                {"approver": each.approver, "entry": each.entry, "key": each.key[:12]}
                for each in decision.approvals or ()
            ),
            metadata_keys.DECISION_ACTION: str(decision.action),
            metadata_keys.DECISION_ENTRY: decided.seq,
            metadata_keys.LINEAGE_RECORD: str(decision.record) if decision.record else None,
            metadata_keys.MODEL_ASSET: dg.MetadataValue.asset(model_key),
            metadata_keys.MODEL_RUN: dg.MetadataValue.dagster_run(run.run_id) if run else None,
        }
    )


def alias_event(asset: AliasAsset, decided: "LoggedDecision", entry: "Entry | None", about: "Entry") -> Any:  # noqa: ANN401
    """Return the event that shows on an alias's page what a decision made of it.

    Args:
        asset: the alias's asset.
        decided: the decision that the alias rests on.
        entry: the version that it names; None if it was retired.
        about: a version of the same partition, which says which partition of the asset the event is for.
    """
    run = about.record.run.dagster
    return dg.AssetMaterialization(
        asset_key=asset.key,
        partition=run.partition if run and decided.decision.identity is not None else None,
        description=alias_summary(decided),
        metadata=alias_metadata(decided, entry, dg.AssetKey.from_user_string(about.record.model.asset_key)),
        tags={"dagster/data_version": data_version(decided.decision)},
    )


def data_version(decision: Decision) -> str:
    """Return the data version of an alias: which record it names."""
    return decision.record.hex if decision.record is not None else NOTHING


def alias_summary(decided: "LoggedDecision") -> str:
    """Say in a sentence what an alias names, since when, by whom and why."""
    decision = decided.decision
    names = decision.ref if decision.version is not None else "no version"
    against = " against the policy" if decision.override else ""
    verb = f"{_VERBS.get(decision.action, decision.action)}{against}"
    by = person(decision.by, decision.known_by)
    return f"{decision.alias} names {names} since {decided.at:%Y-%m-%d %H:%M} UTC: {verb} by {by}"


def _policy(decision: Decision) -> str:
    if decision.action is not Action.PROMOTE:
        return f"none: a policy is asked for promotions, and this is a {decision.action}"
    return decision.compared.criterion if decision.compared is not None else "not recorded"
