"""Evaluation: metrics as a record can hold them: finite floats under plain names."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

from lineage_pipelines.capture.scalars import plain_scalar
from lineage_pipelines.errors import CaptureError, RecordError
from lineage_pipelines.records.values.codec import to_json


def check_metrics(metrics: Mapping[str, object], *, where: str) -> Mapping[str, float]:
    """Return `metrics` as plain floats, in the order given.

    Args:
        metrics: values by name; Python's numbers and the scalars of numpy and pandas.
        where: whose metrics they are, for messages: `flight_delay: slice origin=EWR`.

    Raises:
        CaptureError: it is not a mapping, or a value is not finite, or is not a number (text, a boolean, an array); the
            message names the metric.
    """
    numbers = _numbers(metrics, where)
    for name, number in numbers.items():
        if not math.isfinite(number):
            fix = "give a finite number"
            raise CaptureError(f"the metric {name!r} is not finite ({number})", where=where, fix=fix)
    return numbers


def defined_metrics(metrics: Mapping[str, object], *, where: str) -> tuple[Mapping[str, float], Mapping[str, str]]:
    """Return the metrics that have a value as plain floats, in the order given, and what each of the others is.

    A metric may have no value on some data, as ROC AUC has none where only one class occurs.

    Args:
        metrics: values by name; Python's numbers and the scalars of numpy and pandas.
        where: whose metrics they are, for messages: `flight_delay: slice origin=EWR`.

    Returns:
        The finite ones, and `NaN`, `infinity` or `minus infinity` for each other one.

    Raises:
        CaptureError: it is not a mapping, or a value is not a number (text, a boolean, an array); the message names
            the metric.
    """
    numbers = _numbers(metrics, where)
    finite = {name: number for name, number in numbers.items() if math.isfinite(number)}
    return finite, {name: _word(number) for name, number in numbers.items() if name not in finite}


def _word(number: float) -> str:
    return "NaN" if math.isnan(number) else "infinity" if number > 0 else "minus infinity"


def _numbers(metrics: Mapping[str, object], where: str) -> dict[str, float]:
    if not hasattr(metrics, "items"):
        fix = 'give a mapping from names to numbers: {"roc_auc": 0.71}'
        raise CaptureError(f"the metrics are {_article(metrics)}", where=where, fix=fix)
    return {_check_name(name, where): _check_number(name, value, where) for name, value in metrics.items()}


def _check_name(name: object, where: str) -> str:
    if not isinstance(name, str) or not name:
        raise CaptureError(f"a metric's name is {name!r}", where=where, fix="name every metric by text")
    try:
        to_json(name, where)
    except RecordError as error:
        raise CaptureError(f"a metric's name cannot be recorded: {error.what}", where=where) from error
    return name


def _check_number(name: str, value: object, where: str) -> float:
    if type(value).__name__ == "NAType":  # what pandas calls the mean of nothing
        return math.nan
    plain = plain_scalar(value)
    if isinstance(plain, bool) or not isinstance(plain, Real):
        raise CaptureError(
            f"the metric {name!r} is {_article(value)}, not a number",
            where=where,
            fix="give one number for each metric; curves and tables belong in a plot or a slice",
        )
    number: Any = plain
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _article(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
