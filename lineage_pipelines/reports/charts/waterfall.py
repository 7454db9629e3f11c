"""Waterfall: the parts of a change, from the old value, player by player, to the new one.

Its colours are those of the page that it stands on.
"""

from collections.abc import Iterator, Sequence

from lineage_pipelines.records.decisions.attribution import Allocation, Attribution, Player
from lineage_pipelines.records.statement.metric import direction_by_name
from lineage_pipelines.reports.charts.svg_charts import Scale, svg_figure, svg_text
from lineage_pipelines.reports.formatting import number, percent, shorten, signed

_WIDE = 320
_ROW = 38
_AXIS = 22
_MARGIN = 10
_BAR = 13
_MAX_LETTERS = 34
_CAPITALS = frozenset({"auc", "roc", "mae", "mse", "rmse", "mape", "f1", "r2", "pr"})
_KEY = "each bar begins where the one above it ends; the thin line is the 95 % interval"


def waterfall_figure(found: Attribution) -> str:
    """Return the waterfall as a figure of a page; empty where there is nothing to draw."""
    shapes, high = _shapes(found)
    if not shapes:
        return ""
    title = f"{metric_words(found.metric)}, from {found.old.ref} to {found.new.ref}"
    return svg_figure(title, "", [shapes], (_WIDE, high), _in_words(found), key=_KEY)


def by_size(players: Sequence[Player]) -> list[Player]:
    """Return players, those first to which most is allocated."""
    return sorted(players, key=lambda player: (-abs(player.allocated or 0.0), player.name))


def _shapes(found: Attribution) -> tuple[str, int]:
    if not found.allocation.distinguishable:
        return "", 0
    rows = len(found.allocation.players) + 2
    return "".join(_rows(found)), rows * _ROW + _AXIS


def _in_words(found: Attribution) -> str:
    game = found.allocation
    parts = "; ".join(f"{player.name}: {signed(player.allocated or 0.0)}" for player in by_size(game.players))
    return f"{found.metric} from {number(game.before.mean)} to {number(game.after.mean)}: {parts}"


def metric_words(metric: str) -> str:
    """Write `roc_auc` as `ROC AUC`."""
    words = [word.upper() if word in _CAPITALS else word for word in metric.split("_")]
    return shorten(" ".join(words), 60)


def _rows(found: Attribution) -> Iterator[str]:
    game = found.allocation
    players = by_size(game.players)
    scale = Scale(_edges(game), wide=_WIDE, margin=_MARGIN)
    yield from _end(0, f"{found.old.ref}, mean of {len(game.before.values)} seeds", game.before.mean, scale)
    level = game.before.mean
    greater = found.direction.greater_is_better if found.direction else direction_by_name(found.metric)
    for row, player in enumerate(players, 1):
        yield from _player(row, player, level, scale, greater=greater)
        level += player.allocated or 0.0
    yield from _end(len(players) + 1, found.new.ref, game.after.mean, scale)
    yield from _axis((len(players) + 2) * _ROW, metric_words(found.metric), scale)


def _axis(y: float, unit: str, scale: Scale) -> Iterator[str]:
    """Draw what the places along the width mean: the least and the greatest value, and of what."""
    left, right = scale(scale.low), scale(scale.high)
    yield f'<line class="axis" x1="{left:.1f}" x2="{right:.1f}" y1="{y}" y2="{y}"/>'
    yield svg_text(left, y + 14, number(scale.low))
    yield svg_text((left + right) / 2, y + 14, unit, anchor="middle", longest=_MAX_LETTERS)
    yield svg_text(right, y + 14, number(scale.high), anchor="end")


def _edges(game: Allocation) -> list[float]:
    """Return the values that the drawing has to hold: both ends, and of each player the ends of its interval."""
    edges, level = [game.before.mean, game.after.mean], game.before.mean
    for player in by_size(game.players):
        edges += [level + (player.low or 0.0), level + (player.high or 0.0)]
        level += player.allocated or 0.0
    return edges


def _end(row: int, name: str, value: float, scale: Scale) -> Iterator[str]:
    y, x = row * _ROW, scale(value)
    yield from _words(y, name, number(value))
    yield f'<rect class="unknown" x="{max(x - 2, 0):.1f}" y="{y + 19}" width="4" height="{_BAR}"/>'


def _player(row: int, player: Player, level: float, scale: Scale, *, greater: bool | None) -> Iterator[str]:
    amount = player.allocated or 0.0
    y, begin, end = row * _ROW, scale(level), scale(level + amount)
    low, high = scale(level + (player.low or 0.0)), scale(level + (player.high or 0.0))
    kind = "unknown" if amount == 0.0 or greater is None else "good" if (amount > 0) == greater else "bad"
    middle = y + 19 + _BAR / 2
    yield from _words(y, player.name, f"{signed(amount)}, {percent(player.share)}")
    yield f'<line class="axis" x1="{begin:.1f}" x2="{begin:.1f}" y1="{y - 7}" y2="{y + 19}"/>'
    left, wide = min(begin, end), max(abs(end - begin), 1.0)
    yield f'<rect class="{kind}" x="{left:.1f}" y="{y + 19}" width="{wide:.1f}" height="{_BAR}" rx="1"/>'
    yield f'<line class="stem" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>'


def _words(y: float, name: str, amount: str) -> Iterator[str]:
    yield svg_text(_MARGIN, y + 13, name, ink=True, longest=_MAX_LETTERS)
    yield svg_text(_WIDE - _MARGIN, y + 13, amount, anchor="end", longest=_MAX_LETTERS)
