"""Promotion job with a launch form, and an asset whose materialization is the promotion.

The person who launches the run requests the promotion, so their own approval does not count. There is no approving from
here: a person's key does not live on a server (docs/adr/0009).
"""

from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from lineage_pipelines.errors import CatalogError
from lineage_pipelines.orchestration.lineage_resource import LineageResource
from lineage_pipelines.orchestration.training.run_facts import has_identity, launcher, read_partition, user_name
from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.records.values.model_name import PRODUCTION, check_new_alias, scoped

if TYPE_CHECKING:
    from lineage_pipelines.records.decisions.decision import Decision


class PromotionForm(dg.Config):
    """What is asked when a version is promoted from the launchpad."""

    ref: str = Field(description="The version, as flight_delay@4; without a number the latest.")
    alias: str = Field(default=PRODUCTION, description="The alias that names it from now on.")
    reason: str = Field(description="The reason, recorded in the log.")
    override: bool = Field(default=False, description="Promote against the policy; shown everywhere as such.")


class AssetPromotionForm(dg.Config):
    """What is asked when the production asset is materialized."""

    version: int | None = Field(default=None, description="Which version; the latest by default.")
    reason: str = Field(default="materialized in Dagster", description="The reason, recorded in the log.")
    override: bool = Field(default=False, description="Promote against the policy; shown everywhere as such.")


def build_promote_job(*, name: str = "promote_model") -> dg.JobDefinition:
    """Return the job that promotes a version, from a launch form. It needs the resource `lineage`.

    A promotion that the policy does not allow fails the run, and changes nothing.
    """

    @dg.op
    def promote(context: dg.OpExecutionContext, config: PromotionForm, lineage: LineageResource) -> None:
        _promote(context, lineage, config.ref, config.alias, config.reason, override=config.override)

    @dg.job(name=name, description="Make an alias name a version, if the policy allows it.")
    def job() -> None:
        promote()

    return job


def promotion_asset(
    model: dg.AssetsDefinition, *, alias: str = PRODUCTION, group_name: str | None = "models"
) -> dg.AssetsDefinition:
    """Make an asset, downstream of a model, whose materialization is the promotion of its latest version.

    In a run that trains too, a blocking check that fails stops it. It is in no job of its own accord. Of a model whose
    partitions have identities (regions) it has the same partitions: materializing one promotes the latest version of
    its identity.

    Args:
        model: what `model_asset` returned.
        alias: the alias; the asset is called after it: `churn_production`.
        group_name: Dagster group.
    """
    *prefix, name = model.key.path

    @dg.asset(
        key=dg.AssetKey([*prefix, f"{name}_{check_new_alias(alias)}"]),
        deps=[model.key],
        group_name=group_name,
        partitions_def=model.partitions_def if has_identity(model.partitions_def) else None,
        kinds={"scikitlearn"},
        description=f"The version of {name} that is called {alias}. Materializing it is the promotion.",
    )
    def promoted(
        context: dg.AssetExecutionContext, config: AssetPromotionForm, lineage: LineageResource
    ) -> dg.MaterializeResult[Any]:
        partition = read_partition(context)
        scope = scoped(name, partition.identity if partition is not None else None)
        ref = scope if config.version is None else f"{scope}@{config.version}"
        decision = _promote(context, lineage, ref, alias, config.reason, override=config.override)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(decision.record.hex if decision.record else "none"),
            metadata=metadata_keys.without_none(
                {
                    metadata_keys.MODEL_VERSION: decision.version,
                    metadata_keys.LINEAGE_RECORD: str(decision.record),
                    "decision/by": decision.by,
                    "decision/reason": dg.MetadataValue.text(decision.reason),
                    "decision/override": decision.override or None,
                    "decision/rules": metadata_keys.table(
                        {"rule": rule.name, "passed": rule.passed, "detail": rule.detail} for rule in decision.rules
                    ),
                    "decision/approvals": metadata_keys.table(
                        {"approver": each.approver, "entry": each.entry, "key": each.key[:12]}
                        for each in decision.approvals or ()
                    ),
                }
            ),
        )

    return promoted


def _promote(
    context: dg.OpExecutionContext | dg.AssetExecutionContext,
    lineage: LineageResource,
    ref: str,
    alias: str,
    reason: str,
    *,
    override: bool,
) -> "Decision":
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.queries.registry.decision_drafts import draft_promotion

    by = launcher(context.run.tags, user_name())
    with lineage.open_catalog() as catalog:
        entry = resolve(catalog, ref)
        decision = draft_promotion(
            catalog,
            entry,
            check_new_alias(alias),
            by=by,
            reason=reason,
            project_dir=lineage.settings().project_dir,
            override=override,
        )
        failed = [f"{rule.name}: {rule.detail}" for rule in decision.rules if not rule.passed]
        if failed and not decision.override:
            raise CatalogError(
                f"the policy does not allow {alias} to name {entry.ref}: {'; '.join(failed)}",
                where=str(lineage.settings().project_dir / "pyproject.toml"),
                fix=_remedy(decision),
            )
        if decision.previous == decision.record:
            context.log.info("%s names %s already; nothing is decided", alias, entry.ref)
        else:
            seq = catalog.registry.decide(decision)
            context.log.info("entry %s: %s now names %s", seq, alias, entry.ref)
            lineage.update_mirrors(context.log.warning)
    return decision


def _remedy(decision: "Decision") -> str:
    if all(rule.passed for rule in decision.rules if rule.name != "approvals"):
        approve = f"lineage approve {decision.ref} --to {decision.alias_name} --reason …"
        return f"ask for approvals: {approve}; then launch this again"
    return "promote another version, or this one as an override, with a reason"
