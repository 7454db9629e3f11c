"""Whether a second record of one run is the same claim again or a different one: docs/adr/0005.

A retry repeats the claim: same inputs, code, parameters and results. What may differ is the attempt (when, where, by
which Dagster run) and the model file's bytes, because no two writings of one estimator by skops are equal.
"""

from collections.abc import Iterator

from lineage_pipelines.records import Json, LineageRecord, predicate


class _Absent:
    """Stands for a fact that a record does not state, which is another claim than null."""


_ABSENT = _Absent()
_OF_THE_ATTEMPT = frozenset(
    {
        "model.previous",
        "run.started",
        "run.finished",
        "run.host",
        "run.user",
        "run.mlflow",
        "run.dagster.run_id",
        "run.dagster.retry",
        "run.dagster.launched_by",
        "environment.platform",
        "environment.cpu",
        "environment.threads",
        "artifact.digest",
        "artifact.size",
    }
)
"""Facts in which two attempts of one run may differ."""


def differences(first: LineageRecord, second: LineageRecord) -> tuple[str, ...]:
    """Return the paths of the facts in which two records of one run, both as read, contradict each other, sorted."""
    return tuple(sorted(set(_differences(predicate(first), predicate(second), ""))))


def _differences(first: Json | _Absent, second: Json | _Absent, path: str) -> Iterator[str]:
    if path in _OF_THE_ATTEMPT:
        return
    if isinstance(first, dict) and isinstance(second, dict):
        for name in first.keys() | second.keys():
            yield from _differences(
                first.get(name, _ABSENT), second.get(name, _ABSENT), f"{path}.{name}" if path else name
            )
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for place, (one, other) in enumerate(zip(first, second, strict=True)):
            yield from _differences(one, other, f"{path}[{place}]")
    elif type(first) is not type(second) or first != second:  # to Python, True is 1
        yield path
