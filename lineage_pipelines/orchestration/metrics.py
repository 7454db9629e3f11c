"""Numbers out of nested values, named as Dagster shows them."""

import math
from collections.abc import Iterator, Mapping

_MOST = 100


def flat_numbers(values: object) -> dict[str, float]:
    """Return the finite numbers of nested mappings by their dotted names, at most 100 of them.

    Dagster plots plain numbers over time, and only those.
    """
    return dict(sorted(_walk(values, ""))[:_MOST])


def _walk(values: object, name: str) -> Iterator[tuple[str, float]]:
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from _walk(value, f"{name}.{key}" if name else str(key))
    elif isinstance(values, int | float) and not isinstance(values, bool) and math.isfinite(values) and name:
        yield name, values
