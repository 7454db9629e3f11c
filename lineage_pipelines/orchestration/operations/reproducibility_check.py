"""Reproducibility check: can every version that is or was in production still be made again?"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from lineage_pipelines.errors import visible
from lineage_pipelines.orchestration.lineage_resource import LineageResource
from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.records.values.model_name import PRODUCTION, check_new_alias

if TYPE_CHECKING:
    from lineage_pipelines.records.decisions.reproduction import Reproduction
    from lineage_pipelines.records.values.digest import Digest


def reproducibility_check(model: dg.AssetsDefinition, *, alias: str = PRODUCTION) -> dg.AssetChecksDefinition:
    """Make an asset check of a model: does everything still exist that the versions of an alias were made from?

    Nothing is trained. Data is hashed in place, sources and lists are compared by digest. A version with another
    environment than this process passes: `lineage reproduce` builds it. It needs the resource `lineage`.

    Args:
        model: what `model_asset` returned.
        alias: the versions that it names or has ever named are checked.
    """
    name = model.key.path[-1]

    @dg.asset_check(
        asset=model.key,
        name=f"{check_new_alias(alias)}_reproducible",
        description=f"Every version that is or was called {alias} can still be reproduced.",
    )
    def check(context: dg.AssetCheckExecutionContext, lineage: LineageResource) -> dg.AssetCheckResult:
        found, earlier = _check_versions(lineage, name, alias)
        lost = [each for each in found if not _is_reproducible(each)]
        for each in lost:
            context.log.warning("%s: %s", each.ref, visible(each.differs[0]))
        return dg.AssetCheckResult(
            passed=not lost,
            severity=dg.AssetCheckSeverity.WARN,
            description=_summary(found, lost),
            metadata=_table(found, earlier) if found else {},
        )

    return check


def build_reproducibility_job(
    checks: Sequence[dg.AssetChecksDefinition], *, name: str = "check_reproducibility"
) -> Any:  # noqa: ANN401  # Dagster's own, not public
    """Return the job that runs these checks and nothing else; give it a schedule."""
    selection = dg.AssetSelection.checks(*checks)
    return dg.define_asset_job(name, selection=selection, description="Can the versions in production be reproduced?")


def _check_versions(
    lineage: LineageResource, model: str, alias: str
) -> "tuple[Sequence[Reproduction], Mapping[Digest, Reproduction]]":
    """Return the verdict on each version, and by record the last recorded reproduction that really ran it."""
    from lineage_pipelines.queries.versions.analyses import list_reproductions
    from lineage_pipelines.replay.reproduction_run import Options, reproduce

    options = Options(project_dir=lineage.settings().project_dir, artifacts=lineage.open_artifacts(), check_only=True)
    with lineage.open_catalog() as catalog:
        named = [version for name, version in catalog.index.alias_versions(alias) if name == model]
        entries = [catalog.get(model, version) for version in named]
        recorded = {each.reproduction.record: each.reproduction for each in list_reproductions(catalog)}
    return [reproduce(entry, options) for entry in entries], recorded


def _last(reproduction: "Reproduction | None") -> str:
    return _level(reproduction) if reproduction is not None else "never"


def _level(reproduction: "Reproduction") -> str:
    return f"{reproduction.level} {reproduction.level.meaning}, {reproduction.finished:%Y-%m-%d}"


def _is_reproducible(reproduction: "Reproduction") -> bool:
    from lineage_pipelines.records.decisions.reproduction import Level

    return reproduction.level.reaches(Level.INPUTS)


def _summary(found: "Sequence[Reproduction]", lost: "Sequence[Reproduction]") -> str:
    if not found:
        return "no version has been promoted"
    count = f"{len(found) - len(lost)} of {len(found)} can still be reproduced"
    return f"{count}; first lost: {lost[0].ref}, {lost[0].differs[0]}"[:1000] if lost else count


def _table(found: "Sequence[Reproduction]", earlier: "Mapping[Digest, Reproduction]") -> dict[str, Any]:
    rows: list[dict[str, str | int | float | bool | None]] = [
        {
            "version": each.version,
            "level": f"{each.level} {each.level.meaning}",
            "first difference": each.differs[0] if each.differs else "none",
            "run again": _last(earlier.get(each.record)),
        }
        for each in found
    ]
    return {"lineage/reproducible": metadata_keys.table(rows)}
