"""MLflow keeps parameters as text: what a text stands for."""

import math
import re

from lineage_pipelines.records import Json

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_TRUTH = {"True": True, "False": False}


def read_value(text: str) -> Json:
    """Return the number or truth value whose Python text this is, exactly; any other text as it is.

    `7`, `0.1` and `True` are values. `007`, `1e-3`, `nan`, `true` and a number of twenty digits stay text: what was
    given to MLflow cannot be told from them.
    """
    if text in _TRUTH:
        return _TRUTH[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) and repr(number) == text else text
