"""Attribution: what a metric's change is allocated to, as a document, a sentence, a page with a waterfall, and JSON.

It says *allocated*, never more: that mixes which were trained account for the change in this way.
"""

import math
from collections.abc import Iterator, Sequence

from lineage_pipelines.records.decisions.attribution import (
    NOISE_FACTOR,
    Allocation,
    AttributedVersion,
    Attribution,
    Method,
    MetricRuns,
    Player,
    PlayerKind,
    Reevaluation,
)
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.charts.waterfall import (
    by_size,
    metric_words,
    waterfall_figure,
)
from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Table
from lineage_pipelines.reports.formatting import (
    duration,
    escape_html,
    first_rows,
    number,
    percent,
    short_digest,
    shorten,
    signed,
    utc_time,
)
from lineage_pipelines.reports.render.html import render_html

_PLAYED = "What the change is allocated to"


_MAX_FACTORS = 8
_ROUNDING = 1e-9


_METHODS = {
    Method.ENDPOINTS: "none: only the two versions were trained",
    Method.AGREED: "one at a time from either version; both agree within noise, so no other mix was trained",
    Method.EXACT: "Shapley values of all mixes, exact",
    Method.SINGLE_SWAPS: "the mean of both single swaps, an estimate: more than four factors are not mixed further",
    Method.SAMPLED: "Shapley values, estimated from sampled orders of the players",
}


def attribution_document(found: Attribution, *, full: bool = False) -> Document:
    """Say what the change is allocated to: on one screen the outcome and the factors, in full how it was found.

    Args:
        found: the analysis.
        full: whether to show everything; the scores of both models on both test data come first then.
    """
    title = f"What is the change of {metric_words(found.metric)} from {found.old.ref} to {found.new.ref} allocated to?"
    blocks: list[Block] = [Heading(title, 1)]
    if not full:
        return Document([*blocks, *_in_short(found)])
    blocks += [*_reevaluated(found), Heading(_PLAYED), Paragraph(sentence(found))]
    if found.allocation.distinguishable:
        blocks += _played(found.allocation)
    else:
        blocks += _undecided(found)
    return Document([*blocks, *_method(found)])


def _in_short(found: Attribution) -> Iterator[Block]:
    game = found.allocation
    yield Paragraph(sentence(found))
    yield Paragraph("")
    if game.distinguishable:
        head = ["factor", "allocated", "share", "±", "what differs"]
        factors = by_size(game.players)
        rows = [
            [
                player.name,
                signed(player.allocated or 0.0),
                percent(player.share),
                _interval(player, game.change)[0],
                player.differs,
            ]
            for player in factors
        ]
        shown, rest = first_rows(rows, _MAX_FACTORS, "factors")
        yield Table(head, shown, frozenset(head[1:-1]))
        yield from rest
        yield from (Paragraph(line) for line in _inseparable(game))
    else:
        rows = [[player.name, player.differs] for player in game.players]
        shown, rest = first_rows(rows, _MAX_FACTORS, "factors")
        yield Table(["factor", "what differs"], shown)
        yield from rest
    yield Paragraph("")
    yield from _moved_without_training(found.reevaluation)
    yield Paragraph(f"  {_METHODS[game.method]}; {game.mixes:,} mixes, {_seeds(game)} each", "dim")


def attribution_html(found: Attribution, *, foot: str = "") -> str:
    """Write the analysis as one self-contained page with its waterfall."""
    page = render_html(attribution_document(found, full=True), foot=foot)
    head = f"<h2>{escape_html(_PLAYED)}</h2>"
    # Whatever anybody wrote is escaped, so this heading stands there once.
    return page.replace(head, f"{head}\n{waterfall_figure(found)}", 1)


def sentence(found: Attribution) -> str:
    """Return the outcome in one sentence."""
    game, metric = found.allocation, metric_words(found.metric)
    if not game.distinguishable and game.is_deterministic:
        value = number(game.after.mean)
        return f"{metric} did not change: both versions give {value} with every seed. Nothing is allocated."
    if not game.distinguishable:
        return (
            f"The change of {metric}, {signed(game.change)}, is not distinguishable from noise: it is under "
            f"{NOISE_FACTOR:g} standard deviations ({number(game.noise)}) of the difference over {_seeds(game)}. "
            "Nothing is allocated."
        )
    best = _told_together(game.players)[0]
    share, margin = sum(player.share or 0.0 for player in best), sum(_half_width(player) for player in best)
    interaction = ", no interaction seen" if game.agreed else f", interaction {(game.interaction_share or 0.0):.0%}"
    interaction = interaction.replace("%", " %") if len(game.players) > 1 else ""
    return (
        f"{percent(share)} of the {metric} change is allocated to {_names(best)}"
        f"{f', ± {_percent(margin, game.change)} %' if margin else ''}, "
        f"{count(len(game.players), 'factor')}, {_seeds(game)}{interaction}"
        f"{', deterministic: chance not measured' if game.is_deterministic else ''}."
    )


def _told_together(players: Sequence[Player]) -> list[list[Player]]:
    """Players in groups of one origin, the group first to which most is allocated."""
    groups: dict[str, list[Player]] = {}
    for player in by_size(players):
        groups.setdefault(player.origin or f"\0{player.name}", []).append(player)
    return sorted(groups.values(), key=lambda group: -abs(sum(player.allocated or 0.0 for player in group)))


def _names(group: Sequence[Player]) -> str:
    if len(group) == 1:
        return _the(group[0])
    return f"{_and([_the(player) for player in group])} together, whose difference begins at {shorten(group[0].origin)}"


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]])


def _the(player: Player) -> str:
    plain = player.kind is not PlayerKind.SEVERAL and player.name == player.kind
    return f"the {player.name}" if plain else shorten(player.name, 60)


def _seeds(game: Allocation) -> str:
    return count(len(game.before.values), "seed")


def _half_width(player: Player) -> float:
    allocated = player.allocated or 0.0
    return max((player.high or 0.0) - allocated, allocated - (player.low or 0.0))


def _percent(part: float, whole: float) -> str:
    return f"{part / abs(whole) * 100:.1f}"


def _reevaluated(found: Attribution) -> Iterator[Block]:
    each, same = found.reevaluation, found.reevaluation.same_data is True
    yield Heading(f"Both models on {'the same' if same else 'both'} test data, without training")
    head = [metric_words(found.metric), *(["test data"] if same else ["old test data", "new test data"])]
    rows = [
        [f"{found.old.ref} (old model)", number(each.old_on_old), number(each.old_on_new)][: len(head)],
        [f"{found.new.ref} (new model)", *([] if same else [number(each.new_on_old)]), number(each.new_on_new)],
    ]
    yield Table(head, rows, frozenset(head[1:]))
    if each.missing:
        yield Paragraph(f"  {shorten(each.missing, 300)}", "dim")
    yield from _moved_without_training(each)


def _moved_without_training(each: Reevaluation) -> Iterator[Block]:
    old, again = each.old_on_old, each.old_by_new_code
    other_code = old is not None and again is not None and not math.isclose(old, again, rel_tol=_ROUNDING)
    start = again if other_code else old
    on_new = start if each.same_data else each.old_on_new
    same = "the same" if each.same_data else "the new"
    for words, before, after in (
        ("The evaluation code alone moves the old model by", old, again if other_code else None),
        ("The test data alone move the old model by", start, None if each.same_data else each.old_on_new),
        (f"The models alone differ on {same} test data by", on_new, each.new_on_new),
    ):
        if before is not None and after is not None:
            yield Paragraph(f"  {words} {signed(after - before)}.")


def _played(game: Allocation) -> Iterator[Block]:
    noise = (
        "every seed gave the same, so chance was not measured"
        if game.is_deterministic
        else f"the standard deviation of a difference is {number(game.noise)}"
    )
    ends = f"From {number(game.before.mean)} to {number(game.after.mean)}"
    yield Paragraph(f"  {ends}: {signed(game.change)}; {noise}.")
    yield _players(game)
    yield from (Paragraph(f"  {_together(group)}") for group in _told_together(game.players) if len(group) > 1)
    yield Paragraph(f"  {_contrast(game)}", "dim")
    yield from _merged(game)
    yield from _pairs(game)


def _together(group: Sequence[Player]) -> str:
    amount, share = (sum(values) for values in zip(*((p.allocated or 0.0, p.share or 0.0) for p in group), strict=True))
    names = _and([_the(player) for player in group])
    return f"{names} differ from {shorten(group[0].origin)} on: together {signed(amount)}, {percent(share)}."


def _players(game: Allocation) -> Table:
    head = ["factor", "allocated", "share", "±", "95 % interval", "alone, from old", "alone, from new", "what differs"]
    rows = [_row(player, game.change) for player in by_size(game.players)]
    amounts = [player.allocated or 0.0 for player in game.players]
    shares = [player.share or 0.0 for player in game.players]
    singles = [sum(values) for values in zip(*((p.one_in or 0.0, p.one_out or 0.0) for p in game.players), strict=True)]
    total = ["sum", signed(sum(amounts)), percent(sum(shares)), "", "", *(signed(value) for value in singles), ""]
    return Table(head, [*rows, total], frozenset(head[1:-1]))


def _row(player: Player, whole: float) -> list[str]:
    return [
        shorten(player.name, 60),
        signed(player.allocated or 0.0),
        percent(player.share),
        *_interval(player, whole),
        signed(player.one_in or 0.0),
        signed(player.one_out or 0.0),
        shorten(player.differs),
    ]


def _interval(player: Player, whole: float) -> tuple[str, str]:
    """Half of the 95 % interval, in percent of the change, and its ends; nothing where no chance was measured."""
    half = _half_width(player)
    if not half:
        return "–", "–"
    return f"{_percent(half, whole)} %", f"{signed(player.low or 0.0)} … {signed(player.high or 0.0)}"


def _contrast(game: Allocation) -> str:
    """What single swaps alone would have shown."""
    from_old, from_new = (
        sum(value) / game.change * 100
        for value in zip(*((p.one_in or 0.0, p.one_out or 0.0) for p in game.players), strict=True)
    )
    swaps = (
        f"For contrast: alone from the old version the factors make up {from_old:.0f} % of the change, alone from the "
        f"new one {from_new:.0f} %."
    )
    return f"{swaps} They agree within noise: no interaction was seen." if game.agreed else swaps


def _merged(game: Allocation) -> Iterator[Block]:
    yield from (Paragraph(line, "warn") for line in _inseparable(game))
    if game.infeasible:
        rows = [[", ".join(shorten(name, 40) for name in mix.new), shorten(mix.reason)] for mix in game.infeasible]
        yield Table(["new in the mix", "why it cannot run"], rows, title="Mixes that cannot run; no value was made up")


def _inseparable(game: Allocation) -> Iterator[str]:
    for player in game.players:
        if player.members:
            names = " and ".join(shorten(name, 60) for name in player.members)
            yield f"  {names} are inseparable: mixes with one and without the other cannot run."


def _pairs(game: Allocation) -> Iterator[Block]:
    if not game.interactions:
        return
    ordered = sorted(game.interactions, key=lambda pair: -abs(pair.value))
    rows = [
        [f"{shorten(p.first, 40)} × {shorten(p.second, 40)}", signed(p.value), f"{p.standard_error:.2g}"]
        for p in ordered
    ]
    head = ["together", "interaction", "standard error"]
    yield Table(head, rows, frozenset(head[1:]), title="How much more two factors move the metric together")


def _undecided(found: Attribution) -> Iterator[Block]:
    game = found.allocation
    rows = [
        [found.old.ref, number(game.before.mean), f"{game.before.sd:.2g}"],
        [found.new.ref, number(game.after.mean), f"{game.after.sd:.2g}"],
    ]
    yield Table(["version", "mean", "standard deviation"], rows, frozenset({"mean", "standard deviation"}))
    differing = [[shorten(player.name, 60), shorten(player.differs)] for player in game.players]
    yield Table(["factor", "what differs"], differing, title="What differs between the two")


def _method(found: Attribution) -> Iterator[Block]:
    game = found.allocation
    yield Heading("How this was found")
    yield Pairs(
        [
            ("method", _METHODS[game.method]),
            ("trained", f"{game.mixes:,} mixes, {_seeds(game)} each"),
            ("records", f"{short_digest(str(found.old.record))} → {short_digest(str(found.new.record))}"),
            ("by", f"{shorten(found.by, 60)} on {shorten(found.host, 60)}"),
            ("when", f"{utc_time(found.started)}, {duration(found.started, found.finished)}"),
        ]
    )
    yield Paragraph(
        "  An allocation says how mixes that were trained account for the change; docs/explanation/attribution.md says "
        "what it does not say.",
        "dim",
    )


def attribution_json(found: Attribution) -> Json:
    """Return the analysis; docs/reference/cli.md names its fields."""
    each = found.reevaluation
    return {
        "old": _version_json(found.old),
        "new": _version_json(found.new),
        "metric": found.metric,
        "sentence": sentence(found),
        "reevaluation": {
            "old_on_old": each.old_on_old,
            "old_on_new": each.old_on_new,
            "new_on_old": each.new_on_old,
            "new_on_new": each.new_on_new,
            "old_by_new_code": each.old_by_new_code,
            "same_data": each.same_data,
            "missing": each.missing,
        },
        "allocation": _allocation_json(found.allocation),
        "splits": [
            {"player": split.player, "allocation": _allocation_json(split.allocation)} for split in found.splits
        ],
        "by": found.by,
        "host": found.host,
        "started": format_time(found.started),
        "finished": format_time(found.finished),
    }


def _version_json(version: AttributedVersion) -> Json:
    return {"record": version.record.hex, "model": version.model, "version": version.version}


def _allocation_json(game: Allocation) -> Json:
    return {
        "before": _runs_json(game.before),
        "after": _runs_json(game.after),
        "change": game.change,
        "noise": game.noise,
        "distinguishable": game.distinguishable,
        "method": str(game.method),
        "mixes": game.mixes,
        "seeds": len(game.before.values),
        "permutations": game.permutations,
        "agreed": game.agreed,
        "interaction": game.interaction,
        "interaction_share": game.interaction_share,
        "interactions": [
            {"first": p.first, "second": p.second, "value": p.value, "standard_error": p.standard_error}
            for p in game.interactions
        ],
        "players": [_player_json(player) for player in game.players],
        "infeasible": [{"new": list(mix.new), "reason": mix.reason} for mix in game.infeasible],
    }


def _runs_json(runs: MetricRuns) -> Json:
    return {"mean": runs.mean, "sd": runs.sd, "values": dict(runs.values)}


def _player_json(player: Player) -> Json:
    return {
        "name": player.name,
        "kind": str(player.kind),
        "differs": player.differs,
        "members": list(player.members),
        "origin": player.origin,
        "allocated": player.allocated,
        "standard_error": player.standard_error,
        "low": player.low,
        "high": player.high,
        "share": player.share,
        "one_in": player.one_in,
        "one_out": player.one_out,
    }
