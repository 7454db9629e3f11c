"""What registered models are called here: their own name where it is one of ours, else one that is made of it."""

import hashlib
import re
from collections.abc import Mapping, Sequence

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.values.model_name import check_model_name, suggest_model_name

_LONGEST = 128
_MARK = 8


def name_models(
    theirs: Sequence[str], renamed: Mapping[str, str], kept: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the name that each registered model has in the catalog; no two have the same.

    Args:
        theirs: the names in MLflow, the model that was registered first in front: it keeps the plain name where two
            come to one.
        renamed: their names and ours, as somebody asked.
        kept: their names and ours, as an earlier import called them.

    Raises:
        RecordError: a name that was asked for is none, is asked for twice, or is for a model that MLflow has not.
    """
    _check(theirs, renamed)
    found = {name: check_model_name(ours) for name, ours in renamed.items()}
    taken = {_folded(ours) for ours in found.values()}
    for name, ours in (kept or {}).items():
        if name in theirs and name not in found and _folded(ours) not in taken:
            found[name] = ours
            taken.add(_folded(ours))
    for name in theirs:
        if name not in found and _is_ours(name) and _folded(name) not in taken:
            found[name] = name
            taken.add(_folded(name))
    for name in theirs:
        if name not in found:
            plain = suggest_model_name(name)
            found[name] = plain if _folded(plain) not in taken else _marked(plain, name)
            taken.add(_folded(found[name]))
    return found


def _folded(name: str) -> str:
    # As the catalog folds names: two that differ in a hyphen only are too like each other.
    return re.sub(r"[._-]+", "_", name)


def _check(theirs: Sequence[str], renamed: Mapping[str, str]) -> None:
    unknown = [name for name in renamed if name not in theirs]
    if unknown:
        fix = "write its name as MLflow shows it: --rename 'THEIRS=OURS'"
        raise RecordError(f"MLflow has no registered model {unknown[0]!r} to rename", fix=fix)
    if len(set(renamed.values())) < len(renamed):
        raise RecordError("two models are to have one name", fix="give each its own: --rename 'THEIRS=OURS'")


def _is_ours(name: str) -> bool:
    try:
        return check_model_name(name) == name
    except RecordError:
        return False


def _marked(plain: str, name: str) -> str:
    return f"{plain[: _LONGEST - _MARK - 1]}_{hashlib.sha256(name.encode()).hexdigest()[:_MARK]}"
