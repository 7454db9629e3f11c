"""From DVC's names to Dagster's: asset keys from paths, op names from stage addresses, and what collides.

Dagster makes a Python identifier of every key (`-` and `.` become `_`, parts are joined by `__`) and fails with a
bare KeyError when two are equal; here both are named, with the fix.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

import dagster as dg

from lineage_pipelines.errors import DatasetError

_REFUSED = re.compile(r"[^A-Za-z0-9_.-]")
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_]")


def key_of_path(path: str) -> dg.AssetKey:
    """Return the asset key of a project path: its parts, with `_` for characters that Dagster refuses."""
    return dg.AssetKey([_REFUSED.sub("_", part) for part in path.split("/") if part])


def op_name(address: str) -> str:
    """Return the name of the op of a stage: `sub/dvc.yaml:train@lr=0.1` becomes `sub__train_lr_0_1`."""
    folder, _, name = address.rpartition(":")
    folder = folder.removesuffix("dvc.yaml").strip("/")
    plain = "__".join(part for part in (*folder.split("/"), name) if part)
    return _NOT_A_NAME.sub("_", plain)


def check_distinct(names: Iterable[tuple[str, str]]) -> None:
    """Refuse two things with one Python identifier.

    Args:
        names: pairs of identifier and what it is the identifier of, in words.

    Raises:
        DatasetError: two are equal; all such pairs are named.
    """
    owners: dict[str, list[str]] = defaultdict(list)
    for identifier, owner in names:
        owners[identifier].append(owner)
    clashes = [f"{identifier}: {' and '.join(found)}" for identifier, found in owners.items() if len(found) > 1]
    if clashes:
        raise DatasetError(
            "Dagster would give one name to different things",
            where="; ".join(sorted(clashes)),
            fix="rename one of them in dvc.yaml, or give it another key: override DvcTranslator.get_asset_spec and "
            "return super().get_asset_spec(data).replace_attributes(key=…)",
        )
