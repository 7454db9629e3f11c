"""Asset keys from paths, op names from stage addresses, and names that collide.

Dagster makes a Python identifier of every key (`-` and `.` become `_`, parts are joined by `__`) and fails with a
bare KeyError when two are equal; here both are named, with the fix. It also keeps words such as `input`, `output` and
`config` for itself, which are common names of stages and folders: these get a `_` at their end.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

import dagster as dg

from lineage_pipelines.errors import DatasetError
from lineage_pipelines.orchestration.compat import RESERVED_NAMES

_REFUSED = re.compile(r"[^A-Za-z0-9_.-]")
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_]")
_FIX = (
    "rename one of them in dvc.yaml, or give it another key: override DvcTranslator.get_asset_spec and "
    "return super().get_asset_spec(data).replace_attributes(key=…)"
)


def key_of_path(path: str, prefix: Sequence[str] = ()) -> dg.AssetKey:
    """Return the asset key of a project path: its parts, in ASCII, with `_` for characters that Dagster refuses."""
    parts = [*prefix, *(_REFUSED.sub("_", _ascii(part)) for part in path.split("/") if part)]
    return dg.AssetKey(parts if len(parts) != 1 else [_unreserved(parts[0])])


def op_name(address: str) -> str:
    """Return the name of the op of a stage: `sub/dvc.yaml:train@lr=0.1` becomes `sub__train_lr_0_1`."""
    folder, _, name = address.rpartition(":")
    folder = folder.removesuffix("dvc.yaml").strip("/")
    plain = "__".join(part for part in (*folder.split("/"), name) if part)
    return _unreserved(_NOT_A_NAME.sub("_", _ascii(plain)))


def _unreserved(name: str) -> str:
    return f"{name}_" if name in RESERVED_NAMES else name


def _ascii(text: str) -> str:
    """Spell a text in ASCII: accents go, other letters become `u` and their number, so that names stay apart."""
    return text if text.isascii() else "".join(map(_spelt, unicodedata.normalize("NFC", text)))


def _spelt(char: str) -> str:
    base = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return char if char.isascii() else base or f"u{ord(char):x}"


def check_distinct(names: Iterable[tuple[str, str]]) -> None:
    """Refuse two things with one Python identifier, and words that Dagster keeps for itself.

    Args:
        names: pairs of identifier and what it is the identifier of, in words.

    Raises:
        DatasetError: there are such; all of them are named.
    """
    owners: dict[str, list[str]] = defaultdict(list)
    for identifier, owner in names:
        owners[identifier].append(owner)
    clashes = [f"{identifier}: {' and '.join(found)}" for identifier, found in owners.items() if len(found) > 1]
    if clashes:
        raise DatasetError(
            "Dagster would give one name to different things", where="; ".join(sorted(clashes)), fix=_FIX
        )
    reserved = [f"{identifier}: {found[0]}" for identifier, found in owners.items() if identifier in RESERVED_NAMES]
    if reserved:
        raise DatasetError("Dagster keeps this name for itself", where="; ".join(sorted(reserved)), fix=_FIX)
