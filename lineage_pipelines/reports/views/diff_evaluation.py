"""Diff evaluation: how two versions were measured, and what came of it: metrics, slices, checks."""

import math
from collections.abc import Collection, Iterator, Sequence

from lineage_pipelines.queries.diff.changes import EvaluationChange, MetricChange
from lineage_pipelines.records.statement.metric import by_interest
from lineage_pipelines.reports.document import Block, Paragraph, Pictures, Table
from lineage_pipelines.reports.figures import Bar, Bars, Dumbbell, Dumbbells
from lineage_pipelines.reports.formatting import arrow, first_rows, fit, number, shorten, signed

_MAX_SLICES = 12
_VERDICTS = {True: "passed", False: "FAILED", None: "–"}


def headline_words(change: EvaluationChange, same_rows: Collection[str] = ()) -> str:
    """Say how far the main metric moved, and whether the two can be compared.

    Args:
        change: how both were measured.
        same_rows: datasets that differ in the order or encoding of their rows alone.
    """
    named = [metric for metric in change.metrics if metric.before is not None and metric.after is not None]
    by_name = {metric.name: metric for metric in named}
    main = next((by_name[name] for name in by_interest(by_name)), None)
    comparable = _comparable(change, same_rows)
    return f"{_metric_words(main)}. {comparable}".strip() if main else comparable


def _metric_words(metric: MetricChange) -> str:
    if not metric.difference:
        return f"{fit(metric.name, 24)} is {number(metric.after)} in both"
    if not metric.moved:
        return f"{fit(metric.name, 24)} is {number(metric.after)} in both but for the last digits"
    verb = "rose" if metric.difference > 0 else "fell"
    verdict = _better_or_worse(metric)
    noise = ", within the noise" if _is_within_noise(metric) else f", {verdict}" if verdict else ""
    moved = f"{number(metric.before)} to {number(metric.after)} ({signed(metric.difference)}{noise})"
    return f"{fit(metric.name, 24)} {verb} from {moved}"


def _comparable(change: EvaluationChange, same_rows: Collection[str]) -> str:
    before, after = (fit(name, 20) if name else "nothing" for name in change.snapshot)
    named = before if before == after else f"{before} before, {after} now"
    if change.same_data is False and set(change.snapshot) <= set(same_rows):
        return f"Measured on the same rows ({named}), in another order or encoding."
    if change.same_data is False:
        return f"Measured on other data ({named}): the two cannot be compared as they stand."
    if change.same_code is False:
        return "Measured by other code: what moved may be the measuring."
    if change.same_data is None:
        return "It is not recorded whether both were measured on the same data."
    return f"Measured on the same data ({named})."


def measured_blocks(change: EvaluationChange, *, full: bool) -> Iterator[Block]:
    """Show metrics overall, slices by contribution and checks with another verdict."""
    if change.same_data is None:
        yield Paragraph("  It is not recorded whether both were measured on the same data.", "warn")
    if change.same_code is None:
        yield Paragraph("  It is not known whether the code that measures is the same.", "warn")
    yield from _metrics(change.metrics)
    yield from _slices(change.slices, full=full)
    if change.checks:
        rows = [[shorten(name, 60), *(_VERDICTS[verdict] for verdict in pair)] for name, pair in change.checks.items()]
        yield Table(["check", "before", "now"], rows, title="Checks with another verdict")


def _metrics(metrics: Sequence[MetricChange]) -> Iterator[Block]:
    moved = [metric for metric in metrics if metric.before != metric.after]
    if not moved:
        return
    by_name = {metric.name: metric for metric in moved}
    ordered = [by_name[name] for name in by_interest(by_name)]
    noisy = any(metric.noise is not None for metric in ordered)
    head = ["metric", "before", "now", "difference", *(["noise", ""] if noisy else [])]
    rows = [_metric_row(metric, noisy=noisy) for metric in ordered]
    yield Table(head, rows, frozenset({"before", "now", "difference", "noise"}), title="Metrics")
    if not noisy:
        yield Paragraph(
            "  There are no repeats of either version, so it is not known how much of this is chance.", "dim"
        )
    yield Pictures(list(_dumbbells(ordered)))


def _metric_row(metric: MetricChange, *, noisy: bool) -> list[str]:
    row = [shorten(metric.name, 60), number(metric.before), number(metric.after), signed(metric.difference)]
    if not noisy:
        return row
    band = f"±{number(metric.noise)}" if metric.noise is not None else "–"
    return [*row, band, "within the noise" if _is_within_noise(metric) else _better_or_worse(metric)]


def _is_within_noise(metric: MetricChange) -> bool:
    return metric.noise is not None and metric.difference is not None and abs(metric.difference) <= metric.noise


def _better_or_worse(metric: MetricChange) -> str:
    good = _is_better(metric)
    return "" if good is None else "better" if good else "worse"


def _is_better(metric: MetricChange) -> bool | None:
    if not metric.difference or metric.greater_is_better is None:
        return None
    return (metric.difference > 0) == metric.greater_is_better


def _dumbbells(metrics: Sequence[MetricChange]) -> Iterator[Dumbbells]:
    """Metrics of one size share an axis; one that has another would flatten them all."""
    groups: dict[int, list[Dumbbell]] = {}
    for each in metrics:
        if each.before is not None and each.after is not None:
            scale = max(abs(each.before), abs(each.after))
            group = max(0, math.ceil(math.log10(scale))) if 0 < scale < math.inf else 0
            bell = Dumbbell(shorten(each.name, 40), each.before, each.after, each.noise)
            groups.setdefault(group, []).append(bell)
    for group in sorted(groups):
        yield Dumbbells("Metrics" if group == 0 else f"Metrics up to {10**group:,}", groups[group])


def _slices(slices: Sequence[MetricChange], *, full: bool) -> Iterator[Block]:
    moved = [part for part in slices if part.before != part.after or part.rows[0] != part.rows[1]]
    if not moved:
        return
    names = list(dict.fromkeys(part.name for part in moved))
    head = ["slice", "rows", *(["metric"] if len(names) > 1 else []), "before", "now", "difference", "contribution"]
    found = [_slice_row(part, several=len(names) > 1) for part in moved]
    rows, rest = first_rows(found, len(found) if full else _MAX_SLICES, "slices that contribute less")
    title = f"Slices by what they contribute to {', '.join(shorten(name, 40) for name in names[:3])}"
    yield Table(head, rows, frozenset(head[1:]) - {"metric"}, title=title)
    yield from rest
    bars = [
        Bar(shorten(part.slice, 40), part.contribution, signed(part.contribution), _is_better(part))
        for part in moved[:_MAX_SLICES]
        if part.contribution is not None and part.name == names[0]
    ]
    if bars:
        yield Pictures([Bars(f"Contribution to the difference of {shorten(names[0], 40)}", bars)])


def _slice_row(part: MetricChange, *, several: bool) -> list[str]:
    before, after = ("–" if rows is None else f"{rows:,}" for rows in part.rows)
    return [
        shorten(part.slice, 60),
        before if before == after else arrow(before, after),
        *([shorten(part.name, 40)] if several else []),
        number(part.before),
        number(part.after),
        signed(part.difference),
        signed(part.contribution),
    ]
