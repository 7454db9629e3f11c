"""Promotion job with a launch form, and an asset whose materialization is the promotion.

The person who launches the run requests the promotion, so their own approval does not count. There is no approving from
here: a person's key does not live on a server (docs/adr/0009).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import dagster as dg
from pydantic import AfterValidator, Field

from lineage_pipelines.errors import CatalogError, visible
from lineage_pipelines.orchestration.compat import repository_of
from lineage_pipelines.orchestration.launch_check import check_at_launch
from lineage_pipelines.orchestration.lineage_resource import LineageResource
from lineage_pipelines.orchestration.training.partitions.run_partition import has_identity, read_partition
from lineage_pipelines.orchestration.training.run_facts import launcher, launcher_proof
from lineage_pipelines.orchestration.ui.alias_page import (
    AliasAsset,
    alias_definition_metadata,
    alias_event,
    alias_key,
    alias_metadata,
    data_version,
    defined_alias_assets,
)
from lineage_pipelines.records.values.model_name import PRODUCTION, check_new_alias, scoped
from lineage_pipelines.system.user_account import user_name

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log.entries import Entry
    from lineage_pipelines.queries.registry.alias_history import LoggedDecision
    from lineage_pipelines.records.decisions.decision import Decision


def _checked_reason(reason: str) -> str:
    from lineage_pipelines.queries.registry.free_text import check_reason

    return check_reason(reason)


_Reason = Annotated[str, AfterValidator(_checked_reason)]


class PromotionForm(dg.Config):
    """What is asked when a version is promoted from the launchpad."""

    ref: str = Field(min_length=1, description="The version, as flight_delay@4; without a number the latest.")
    alias: Annotated[str, AfterValidator(check_new_alias)] = Field(
        default=PRODUCTION, description="The alias that names it from now on, in small letters: production, staging."
    )
    reason: _Reason = Field(description="The reason, recorded in the log. Not empty, at most 4,000 characters.")
    override: bool = Field(default=False, description="Promote against the policy; shown everywhere as such.")


class AssetPromotionForm(dg.Config):
    """What is asked when the production asset is materialized; without version and reason nothing is promoted."""

    version: int | None = Field(default=None, ge=1, description="Which version is promoted, as a number; needed.")
    reason: _Reason | None = Field(
        default=None, description="The reason, recorded in the log; needed. Not empty, at most 4,000 characters."
    )
    override: bool = Field(default=False, description="Promote against the policy; shown everywhere as such.")


def build_promote_job(*, name: str = "promote_model") -> dg.JobDefinition:
    """Return the job that promotes a version, from a launch form. It needs the resource `lineage`.

    A promotion that the policy does not allow fails the run, and changes nothing. One that it allows is shown on the
    asset of the alias, where the code location has one.
    """

    @dg.op
    def promote(context: dg.OpExecutionContext, config: PromotionForm, lineage: LineageResource) -> None:
        asked = _promote(context, lineage, config.ref, config.alias, config.reason, override=config.override)
        asset = _alias_asset(context, asked)
        if asset is not None and asked.is_new:
            context.log_event(alias_event(asset, asked.decided, asked.entry, asked.entry))
            _mark_shown(context, lineage, asked)

    check_at_launch(promote, name, lambda values: PromotionForm(**values))

    @dg.job(name=name, description="Make an alias name a version, if the policy allows it.")
    def job() -> None:
        promote()

    return job


def promotion_asset(
    model: dg.AssetsDefinition, *, alias: str = PRODUCTION, group_name: str | None = "models"
) -> dg.AssetsDefinition:
    """Make an asset, downstream of a model, that shows what an alias names; materializing it promotes a version.

    The launch form asks for version and reason: without them ("Materialize all", a job that selects everything) the
    asset is skipped, and the run's log says so. In a run that trains too, a blocking check that fails stops it. Of a
    model whose partitions have identities (regions) it has the same partitions: materializing one promotes a version
    of its identity.

    Whichever way the alias is moved, the asset shows it: `build_promote_job` reports it, `build_reconcile_sensor` what
    was decided on the command line.

    Args:
        model: what `model_asset` returned.
        alias: the alias; the asset is called after it: `churn_production`.
        group_name: Dagster group.
    """
    name = model.key.path[-1]

    @dg.asset(
        key=alias_key(model.key, check_new_alias(alias)),
        deps=[model.key],
        group_name=group_name,
        partitions_def=model.partitions_def if has_identity(model.partitions_def) else None,
        kinds={"scikitlearn"},
        owners=model.specs_by_key[model.key].owners,
        description=f"Which version of {name} is called {alias}. Materializing it with version and reason promotes.",
        metadata=alias_definition_metadata(name, alias),
        output_required=False,
    )
    def promoted(
        context: dg.AssetExecutionContext, config: AssetPromotionForm, lineage: LineageResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        if config.version is None or config.reason is None:
            context.log.info(_SKIPPED, context.asset_key.to_user_string(), name, alias)
            return
        partition = read_partition(context)
        ref = f"{scoped(name, partition.identity if partition is not None else None)}@{config.version}"
        asked = _promote(context, lineage, ref, alias, config.reason, override=config.override)
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(data_version(asked.decided.decision)),
            metadata=alias_metadata(asked.decided, asked.entry, model.key),
        )
        # Dagster resumes this generator after it has stored the event.
        _mark_shown(context, lineage, asked)

    check_at_launch(promoted.op, name, lambda values: AssetPromotionForm(**values))
    return promoted


_SKIPPED = (
    "%s is skipped, nothing is promoted: that takes a version and a reason. Open the launchpad (Shift and click on "
    "Materialize), or on the command line: lineage promote %s@N --to %s --reason …"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Promotion:
    """A promotion that a run asked for."""

    decided: "LoggedDecision"
    """The decision that the alias rests on now."""
    entry: "Entry"
    """The version that it names."""
    is_new: bool
    """Whether it was decided now: the alias may have named the version before."""


def _promote(
    context: dg.OpExecutionContext | dg.AssetExecutionContext,
    lineage: LineageResource,
    ref: str,
    alias: str,
    reason: str,
    *,
    override: bool,
) -> _Promotion:
    from lineage_pipelines.queries.refs import resolve
    from lineage_pipelines.queries.registry.alias_history import list_decisions
    from lineage_pipelines.queries.registry.decision_drafts import draft_promotion

    by, known_by = launcher(context.run.tags, user_name()), launcher_proof(context.run.tags, user_name())
    with lineage.open_catalog() as catalog:
        entry = resolve(catalog, ref)
        decision = draft_promotion(
            catalog,
            entry,
            check_new_alias(alias),
            by=by,
            known_by=known_by,
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
        is_new = decision.previous != decision.record
        if not is_new:
            context.log.info("%s names %s already; nothing is decided", alias, entry.ref)
        else:
            seq = catalog.registry.decide(decision)
            context.log.info("entry %s: %s now names %s", seq, alias, entry.ref)
            lineage.update_mirrors(context.log.warning)
        moves = list_decisions(catalog, entry.model, decision.alias, version=entry.version)
        decided = next(each for each in reversed(moves) if each.decision.moves_alias)
    return _Promotion(decided=decided, entry=entry, is_new=is_new)


def _alias_asset(context: dg.OpExecutionContext, asked: _Promotion) -> AliasAsset | None:
    """Return the asset that shows the alias: one of the code location, or one that the instance has events of."""
    alias, model = asked.decided.decision.alias_name, asked.entry.record.model
    repository = repository_of(context)
    if repository is not None:
        defined = defined_alias_assets(repository)
        return next((each for each in defined if (each.model, each.alias) == (model.name, alias)), None)
    key = alias_key(dg.AssetKey.from_user_string(model.asset_key), alias)
    return AliasAsset(model=model.name, alias=alias, key=key) if context.instance.has_asset_key(key) else None


def _mark_shown(
    context: dg.OpExecutionContext | dg.AssetExecutionContext, lineage: LineageResource, asked: _Promotion
) -> None:
    from lineage_pipelines.orchestration.operations.alias_comparison import mark_shown

    try:
        with lineage.open_catalog() as catalog:
            mark_shown(catalog, asked.decided)
    except CatalogError as error:  # the decision and its event are there; `lineage reconcile` sees that, too
        context.log.warning(
            "the catalog could not be updated: %s is shown: %s", asked.decided.decision.ref, visible(error.what)
        )


def _remedy(decision: "Decision") -> str:
    if all(rule.passed for rule in decision.rules if rule.name != "approvals"):
        approve = f"lineage approve {decision.ref} --to {decision.alias_name} --reason …"
        return f"ask for approvals: {approve}; then launch this again"
    return "promote another version, or this one as an override, with a reason"
