"""Replay settings, `[tool.lineage.reproduce]` of pyproject.toml: tolerances, wheels, and the environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.queries.diff.run.noise_band import measure_noise
from lineage_pipelines.replay.level_check import Tolerances
from lineage_pipelines.settings import read_table

_KNOWN = {"tolerance": dict, "wheels": str, "pass_env": list}
_LOOKED_AT = 200
"""How many of the newest versions are searched for repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySettings:
    """What a project says of running its versions again."""

    tolerance: Mapping[str, float] = field(default_factory=dict)
    """How far each metric may be from the recorded one."""
    wheels: Path | None = None
    """A folder of wheels."""
    pass_env: Sequence[str] = ()
    """Names of environment variables that training needs."""


def read_settings(project_dir: Path) -> ReplaySettings:
    """Read `[tool.lineage.reproduce]`.

    Raises:
        CatalogError: a setting is unknown or of another type.
    """
    table = read_table(project_dir, "reproduce")
    where = f"{project_dir / 'pyproject.toml'} [tool.lineage.reproduce]"
    for name, value in table.items():
        if not isinstance(value, _KNOWN.get(name, ())):
            raise CatalogError(f"the setting {name!r} is unknown, or of the wrong type", where=where, fix=_EXAMPLE)
    wheels = table.get("wheels")
    return ReplaySettings(
        tolerance={name: check_tolerance(name, value, where) for name, value in table.get("tolerance", {}).items()},
        wheels=project_dir / wheels if wheels else None,
        pass_env=tuple(map(str, table.get("pass_env", ()))),
    )


_EXAMPLE = 'for example: tolerance = {roc_auc = 0.002}, wheels = "wheels", pass_env = ["CUDA_HOME"]'


def check_tolerance(metric: str, value: Any, where: str) -> float:  # noqa: ANN401  # whatever the file holds
    """Return a tolerance as a number.

    Raises:
        CatalogError: it is not a number, or below zero.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        what = f"the tolerance of {metric} must be a number of at least 0: {value!r}"
        raise CatalogError(what, where=where, fix=_EXAMPLE)
    return float(value)


def find_tolerances(catalog: Catalog, model: str, declared: Mapping[str, float]) -> Tolerances:
    """Return what is declared, and what repeats of one recipe in the catalog show: two standard deviations.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    measured = measure_noise(catalog.entries(model, limit=_LOOKED_AT))
    words = []
    if declared:
        words.append("declared")
    if measured:
        words.append("two standard deviations over repeats in the catalog")
    if not words:
        return Tolerances()
    return Tolerances(declared=declared, measured=measured, origin=" or ".join(words))
