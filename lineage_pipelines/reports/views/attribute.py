"""Attribution: what a metric's change is allocated to, as a document, a sentence, a page with a waterfall, and JSON.

It says *allocated*, never more: that mixes which were trained account for the change in this way.
"""

from collections.abc import Iterator

from lineage_pipelines.records.decisions.attribution import (
    NOISE_FACTOR,
    Allocation,
    AttributedVersion,
    Attribution,
    Method,
    MetricRuns,
    Player,
    PlayerKind,
)
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.reports.charts.waterfall import (
    by_size,
    metric_words,
    waterfall_figure,
)
from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Table
from lineage_pipelines.reports.formatting import (
    count,
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


_MOST_PAIRS = 6


_METHODS = {
    Method.ENDPOINTS: "none: only the two versions were trained",
    Method.AGREED: "one at a time from either version; both agree within noise, so no other mix was trained",
    Method.EXACT: "Shapley values of all mixes, exact",
    Method.SINGLE_SWAPS: "the mean of both single swaps, an estimate: more than four factors are not mixed further",
    Method.SAMPLED: "Shapley values, estimated from sampled orders of the players",
}


def attribution_document(found: Attribution, *, full: bool = False) -> Document:
    """Say what the change is allocated to; the scores of both models on both test data come first.

    Args:
        found: the analysis.
        full: whether to show long tables whole.
    """
    title = f"What is the change of {metric_words(found.metric)} from {found.old.ref} to {found.new.ref} allocated to?"
    blocks: list[Block] = [Heading(title, 1), *_reevaluated(found), Heading(_PLAYED), Paragraph(sentence(found))]
    if found.allocation.distinguishable:
        blocks += _played(found.allocation, full=full)
    else:
        blocks += _undecided(found)
    return Document([*blocks, *_method(found)])


def attribution_html(found: Attribution, *, foot: str = "") -> str:
    """Write the analysis as one self-contained page with its waterfall."""
    page = render_html(attribution_document(found, full=True), foot=foot)
    head = f"<h2>{escape_html(_PLAYED)}</h2>"
    # Whatever anybody wrote is escaped, so this heading stands there once.
    return page.replace(head, f"{head}\n{waterfall_figure(found)}", 1)


def sentence(found: Attribution) -> str:
    """Return the outcome in one sentence."""
    game, metric = found.allocation, metric_words(found.metric)
    if not game.distinguishable:
        return (
            f"The change of {metric}, {signed(game.change)}, is not distinguishable from noise: it is under "
            f"{NOISE_FACTOR:g} standard deviations ({number(game.noise)}) of the difference over {_seeds(game)}. "
            "Nothing is allocated."
        )
    best = by_size(game.players)[0]
    interaction = ", no interaction seen" if game.agreed else f", interaction {(game.interaction_share or 0.0):.0%}"
    interaction = interaction.replace("%", " %") if len(game.players) > 1 else ""
    return (
        f"{percent(best.share)} of the {metric} change is allocated to {_the(best)}, ± {_margin(best, game.change)}, "
        f"{count(len(game.players), 'factor')}, {_seeds(game)}{interaction}."
    )


def _the(player: Player) -> str:
    plain = player.kind is not PlayerKind.SEVERAL and player.name == player.kind
    return f"the {player.name}" if plain else shorten(player.name, 60)


def _seeds(game: Allocation) -> str:
    return count(len(game.before.values), "seed")


def _margin(player: Player, whole: float) -> str:
    """Half of the interval, in percent of the whole change."""
    half = max((player.high or 0.0) - (player.allocated or 0.0), (player.allocated or 0.0) - (player.low or 0.0))
    return f"{half / abs(whole) * 100:.1f}"


def _reevaluated(found: Attribution) -> Iterator[Block]:
    each = found.reevaluation
    yield Heading("Both models on both test data, without training")
    head = [metric_words(found.metric), "old test data", "new test data"]
    rows = [
        [f"{found.old.ref} (old model)", number(each.old_on_old), number(each.old_on_new)],
        [f"{found.new.ref} (new model)", number(each.new_on_old), number(each.new_on_new)],
    ]
    yield Table(head, rows, frozenset(head[1:]))
    if each.missing:
        yield Paragraph(f"  {shorten(each.missing, 300)}", "dim")
    for words, before, after in (
        ("The test data alone move the old model by", each.old_on_old, each.old_on_new),
        ("The models alone differ on the new test data by", each.old_on_new, each.new_on_new),
    ):
        if before is not None and after is not None:
            yield Paragraph(f"  {words} {signed(after - before)}.")


def _played(game: Allocation, *, full: bool) -> Iterator[Block]:
    yield Paragraph(
        f"  From {number(game.before.mean)} to {number(game.after.mean)}: {signed(game.change)}; "
        f"the standard deviation of a difference is {number(game.noise)}."
    )
    yield _players(game)
    yield Paragraph(f"  {_contrast(game)}", "dim")
    yield from _merged(game)
    yield from _pairs(game, full=full)


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
        f"{_margin(player, whole)} %",
        f"{signed(player.low or 0.0)} … {signed(player.high or 0.0)}",
        signed(player.one_in or 0.0),
        signed(player.one_out or 0.0),
        shorten(player.differs),
    ]


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
    for player in game.players:
        if player.members:
            names = " and ".join(shorten(name, 60) for name in player.members)
            yield Paragraph(f"  {names} are inseparable: mixes with one and without the other cannot run.", "warn")
    if game.infeasible:
        rows = [[", ".join(shorten(name, 40) for name in mix.new), shorten(mix.reason)] for mix in game.infeasible]
        yield Table(["new in the mix", "why it cannot run"], rows, title="Mixes that cannot run; no value was made up")


def _pairs(game: Allocation, *, full: bool) -> Iterator[Block]:
    if not game.interactions:
        return
    ordered = sorted(game.interactions, key=lambda pair: -abs(pair.value))
    found = [
        [f"{shorten(p.first, 40)} × {shorten(p.second, 40)}", signed(p.value), f"{p.standard_error:.2g}"]
        for p in ordered
    ]
    head = ["together", "interaction", "standard error"]
    rows, rest = first_rows(found, len(found) if full else _MOST_PAIRS, "pairs that interact less")
    yield Table(head, rows, frozenset(head[1:]), title="How much more two factors move the metric together")
    yield from rest


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
        "allocated": player.allocated,
        "standard_error": player.standard_error,
        "low": player.low,
        "high": player.high,
        "share": player.share,
        "one_in": player.one_in,
        "one_out": player.one_out,
    }
