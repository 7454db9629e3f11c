"""Decision sync: MLflow's aliases name the same versions as in the catalog, and approvals are tags there."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lineage_pipelines.bridges.mlflow import tags
from lineage_pipelines.bridges.mlflow.mirror import Mirror
from lineage_pipelines.bridges.mlflow.mlflow_limits import LONGEST_TAG, cut, valid_alias
from lineage_pipelines.bridges.mlflow.server import RefusedError, public_address, translated_errors
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.registry.alias_history import LoggedDecision, find_holder, list_decisions
from lineage_pipelines.queries.registry.approval_status import list_approvals
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.model_name import split_scoped

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.catalog.log.entries import Entry


def sync_alias(mirror: Mirror, catalog: "Catalog", model: str, alias: str) -> None:
    """Make an alias name in MLflow what it names in the catalog now: the last decision counts, whichever entry is sent.

    Args:
        mirror: MLflow.
        catalog: the catalog.
        model: the model's name.
        alias: the alias as decisions have it, which MLflow knows as `valid_alias` writes it.

    Raises:
        RefusedError: MLflow does not have the version.
        LostServerError: MLflow cannot be reached.
    """
    name, identity = split_scoped(alias)
    if identity is not None and find_holder(catalog, model, valid_alias(alias)) is not None:
        what = f"MLflow cannot tell {alias} of {model} from its alias {valid_alias(alias)}"
        raise RefusedError(what, where=public_address(mirror.address), fix="retire one of the two")
    holder = find_holder(catalog, model, name, identity=identity)
    named = _registered(mirror, holder) if holder is not None else None
    for other in sorted(_registered_names(mirror, catalog, model, alias) - ({named.name} if named else set())):
        _drop_alias(mirror, other, valid_alias(alias))
    if named is not None:
        with translated_errors(mirror.address):
            mirror.client.set_registered_model_alias(named.name, valid_alias(alias), named.version)


def sync_decision(mirror: Mirror, catalog: "Catalog", decided: LoggedDecision) -> None:
    """Move the alias that a decision is about, and tag its version with who decided what, and why.

    Raises:
        RefusedError: MLflow does not have the version.
        LostServerError: MLflow cannot be reached.
    """
    decision = decided.decision
    sync_alias(mirror, catalog, decision.model, decision.alias)
    if decision.version is not None:
        version = _registered(mirror, catalog.get(decision.model, decision.version))
        against = " against the policy" if decision.override else ""
        words = f"{decision.action} by {decision.by} at {decided.at:%Y-%m-%dT%H:%MZ}{against}: {decision.reason}"
        _tag(mirror, version, tags.DECIDED + decision.alias_name, words)


def sync_approvals(mirror: Mirror, catalog: "Catalog", entry: "Entry", alias: str | None = None) -> None:
    """Tag a version with who approved it, for one alias or for all.

    Raises:
        RefusedError: MLflow does not have the version.
        LostServerError: MLflow cannot be reached.
    """
    lines_by_alias: dict[str, list[str]] = {}
    for each in list_approvals(catalog, entry.model, alias, version=entry.version):
        until = f", until {each.approval.expires:%Y-%m-%dT%H:%MZ}" if each.approval.expires else ""
        words = f"{each.approval.approver} at {each.at:%Y-%m-%dT%H:%MZ}{until}: {each.approval.reason}"
        lines_by_alias.setdefault(split_scoped(each.approval.alias)[0], []).append(words)
    version = _registered(mirror, entry) if lines_by_alias else None
    for name, lines in lines_by_alias.items():
        if version is not None:
            _tag(mirror, version, tags.APPROVED + name, "\n".join(lines))


def sync_decisions(mirror: Mirror, catalog: "Catalog", entry: "Entry") -> None:
    """Write everything that was decided about one version.

    Raises:
        RefusedError: MLflow does not have the version.
        LostServerError: MLflow cannot be reached.
    """
    sync_approvals(mirror, catalog, entry)
    for decided in list_decisions(catalog, entry.model, version=entry.version):
        sync_decision(mirror, catalog, decided)


def _registered(mirror: Mirror, entry: "Entry") -> "ModelVersion":
    found = mirror.find(entry)
    if found is None:
        raise RefusedError(
            f"MLflow does not have {entry.ref}", where=public_address(mirror.address), fix="lineage reconcile"
        )
    return found


def _registered_names(mirror: Mirror, catalog: "Catalog", model: str, alias: str) -> set[str]:
    """Return the registered models that have had an alias: an imported one may have another name there."""
    names = set()
    for record in _last_named(catalog, model, alias):
        try:
            found = mirror.find(catalog.by_digest(record.hex))
        except NotFoundError:
            continue
        if found is not None:
            names.add(found.name)
    return names


def _last_named(catalog: "Catalog", model: str, alias: str) -> Iterator[Digest]:
    moves = [d.decision for d in list_decisions(catalog, model, alias) if d.decision.moves_alias]
    named = {moves[-1].previous, moves[-1].record} if moves else set()
    yield from sorted(digest for digest in named if digest is not None)


def _drop_alias(mirror: Mirror, name: str, alias: str) -> None:
    with translated_errors(mirror.address):
        mirror.client.delete_registered_model_alias(name, alias)


def _tag(mirror: Mirror, version: "ModelVersion", name: str, value: str) -> None:
    with translated_errors(mirror.address):
        mirror.client.set_model_version_tag(version.name, version.version, name, cut(value, LONGEST_TAG))
