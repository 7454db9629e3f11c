"""What one player got is shared among its parts, and adds up to it."""

import pytest

from lineage_pipelines.records.decisions.attribution import Method, PlayerKind
from lineage_pipelines.replay.attribution.adaptive_plan import allocate, cost
from lineage_pipelines.replay.attribution.game import AttributionError, Game, Part, Plan
from lineage_pipelines.replay.attribution.sub_game import split_cost, split_player, winner
from lineage_pipelines_tests.replay.attribution.games import LAYERS, Known, Mix, additive, pairs, parts

SEEDS = (0, 1, 2)
MONTHS = ("data:2013-04", "data:2013-05", "data:2013-06")
IN_MONTHS = [Part(name, PlayerKind.DATA, name[5:]) for name in MONTHS]


class Monthly(Known):
    """Terms name months; the data is all of them."""

    def value(self, coalition: Mix) -> float:
        return super().value(coalition - {"data"} | (set(MONTHS) if "data" in coalition else set()))


TERMS = {
    frozenset({MONTHS[0]}): -0.01,
    frozenset({MONTHS[1]}): -0.05,
    frozenset({MONTHS[1], "parameters"}): -0.03,
    frozenset({"parameters"}): -0.01,
    frozenset({"code"}): -0.01,
}


@pytest.mark.parametrize("others", [("parameters",), ("parameters", "code"), ("parameters", "code", "environment")])
def test_the_months_share_what_the_data_got(others: tuple[str, ...]) -> None:
    known = Monthly(TERMS)
    game = Game(known, SEEDS)
    solved = allocate(game, parts(("data", *others)))
    best = winner(solved)
    assert best is not None
    assert best.name == "data"
    before = len(known.asked)
    split = split_player(game, solved, "data", IN_MONTHS)
    found = {player.name: player for player in split.allocation.players}
    assert sum(player.allocated or 0.0 for player in found.values()) == pytest.approx(best.allocated, abs=1e-12)
    # The term with the parameters is halved: one half is the month's.
    assert {name: player.allocated for name, player in found.items()} == pytest.approx(
        {MONTHS[0]: -0.01, MONTHS[1]: -0.065, MONTHS[2]: 0.0}, abs=1e-12
    )
    assert sum(player.share or 0.0 for player in found.values()) == pytest.approx(best.share)
    least, most = split_cost(solved, "data", 3, 3)
    assert least <= len(known.asked) - before <= most
    assert len(set(known.asked)) == len(known.asked)
    assert not any({"data"} < mix and mix & set(MONTHS) for mix, _ in known.asked)


def test_parts_of_a_player_that_interacts_with_none_are_tried_at_both_ends_only() -> None:
    known = Monthly(additive(code=-0.02) | {frozenset({MONTHS[1]}): -0.05})
    game = Game(known, SEEDS)
    solved = allocate(game, parts(("data", "code", "parameters", "environment")))
    assert solved.allocation.method is Method.AGREED
    assert len(solved.contexts["data"]) == 2
    split = split_player(game, solved, "data", IN_MONTHS)
    assert {p.name: p.allocated for p in split.allocation.players}[MONTHS[1]] == pytest.approx(-0.05)


def test_a_sampled_player_is_split_in_the_contexts_that_were_sampled() -> None:
    names = LAYERS[:6]
    terms = {**pairs(("code", "parameters", "preparation", MONTHS[1]), -0.02), frozenset({MONTHS[1]}): -0.1}
    known = Monthly(terms)
    game = Game(known, SEEDS)
    solved = allocate(game, parts(names), Plan(most_mixes=46, precision=0.0))
    assert solved.allocation.method is Method.SAMPLED
    data = next(player for player in solved.allocation.players if player.name == "data")
    split = split_player(game, solved, "data", IN_MONTHS)
    assert sum(p.allocated or 0.0 for p in split.allocation.players) == pytest.approx(data.allocated, abs=1e-12)
    assert sum(solved.contexts["data"].values()) == pytest.approx(1.0)


def test_months_that_do_not_go_without_each_other_are_merged() -> None:
    known = Monthly(TERMS, refuse=lambda mix: len(mix & set(MONTHS[:2])) == 1)
    game = Game(known, SEEDS)
    solved = allocate(game, parts(("data", "parameters")))
    split = split_player(game, solved, "data", IN_MONTHS)
    assert {player.name for player in split.allocation.players} == {"+".join(MONTHS[:2]), MONTHS[2]}


def test_what_cannot_be_split_is_refused() -> None:
    game = Game(Monthly(TERMS), SEEDS)
    solved = allocate(game, parts(("data", "parameters")))
    for player, inner in [("nobody", IN_MONTHS), ("data", IN_MONTHS[:1]), ("data", parts(("parameters", "code")))]:
        with pytest.raises(AttributionError):
            split_player(game, solved, player, inner)
    joined = allocate(Game(Known(TERMS, refuse=lambda mix: len(mix) == 1), SEEDS), parts(("data", "parameters")))
    assert winner(joined) is None


def test_the_cost_is_known_before() -> None:
    assert cost(1, 3) == (6, 6)
    assert cost(4, 3) == (6, 48)
    assert cost(5, 3) == (6, 96)
    assert cost(8, 3, Plan(most_mixes=150)) == (6, 450)
