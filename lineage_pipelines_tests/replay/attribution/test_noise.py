"""With noise: intervals hold the truth as often as they say, whatever the noise has in common over mixes."""

import random
from dataclasses import dataclass

import pytest

from lineage_pipelines.records.decisions.attribution import Method
from lineage_pipelines.replay.attribution.game import Game
from lineage_pipelines.replay.attribution.solver import allocate
from lineage_pipelines_tests.replay.attribution.games import LAYERS, Known, Mix, additive, pairs, parts

TERMS = {**additive(data=-0.03, parameters=-0.02, code=-0.01), frozenset({"data", "parameters"}): -0.03}
NOISE = 0.003


@dataclass
class Correlated(Known):
    """A seed that is lucky with the new data is so in every mix with it."""

    def measure(self, coalition: Mix, seed: int) -> float:
        shared = sum(random.Random(f"{name} {seed}").gauss(0.0, 0.004) for name in sorted(coalition))
        return super().measure(coalition, seed) + shared


@pytest.mark.parametrize(("kind", "least"), [(Known, 0.93), (Correlated, 0.92)])
def test_intervals_hold_the_known_values(kind: type[Known], least: float) -> None:
    held = []
    for repeat in range(60):
        known = kind(TERMS, noise=NOISE)
        found = allocate(Game(known, range(100 * repeat, 100 * repeat + 3)), parts(LAYERS[:4]))
        for player in found.players:
            assert player.low is not None
            assert player.high is not None
            held.append(player.low <= known.truth(player.name) <= player.high)
    assert sum(held) / len(held) >= least


def test_known_values_are_within_two_standard_errors() -> None:
    known = Known(TERMS, noise=NOISE)
    for player in allocate(Game(known, range(10)), parts(LAYERS[:4])).players:
        assert player.allocated is not None
        assert player.standard_error is not None
        assert abs(player.allocated - known.truth(player.name)) <= 2 * player.standard_error
        assert player.standard_error < NOISE


def test_noise_is_seldom_taken_for_an_interaction_and_an_interaction_never_for_noise() -> None:
    plain = [
        allocate(Game(Known(additive(data=-0.05, code=-0.03), noise=NOISE), range(s, s + 3)), parts(LAYERS[:4]))
        for s in range(0, 150, 3)
    ]
    agreed = [each for each in plain if each.method is Method.AGREED]
    assert len(agreed) >= 25
    assert all(p.low <= p.one_in <= p.high for each in agreed for p in each.players)  # type: ignore[operator]
    mixed = {**additive(data=-0.05, code=-0.03), frozenset({"data", "code"}): -0.05}
    found = [allocate(Game(Known(mixed, noise=NOISE), range(s, s + 3)), parts(LAYERS[:4])) for s in range(0, 60, 3)]
    assert {each.method for each in found} == {Method.EXACT}


SIX = LAYERS[:6]
SIX_TERMS = {
    **additive(data=-0.05, code=-0.02, parameters=-0.02, environment=0.0),
    **pairs(SIX[:3], -0.02),
    frozenset({"data", "preparation"}): 0.01,
    frozenset({"data", "code", "parameters", "seed"}): -0.03,
}


def test_more_than_four_players_that_interact_are_estimated_from_single_swaps() -> None:
    known = Known(SIX_TERMS)
    found = allocate(Game(known, (0, 1, 2)), parts(SIX))
    assert (found.method, found.mixes, found.agreed) == (Method.SINGLE_SWAPS, 14, False)
    assert found.interactions == ()
    for player in found.players:
        assert player.low is not None
        assert player.high is not None
        assert player.low <= known.truth(player.name) <= player.high
        assert player.low <= min(player.one_in or 0.0, player.one_out or 0.0)
        assert player.high >= max(player.one_in or 0.0, player.one_out or 0.0)
    assert sum(p.allocated or 0.0 for p in found.players) == pytest.approx(found.change, abs=1e-9, rel=0)
    assert {p.name: p.allocated for p in found.players}["environment"] == 0.0


def test_with_noise_the_intervals_of_estimates_hold_the_known_values() -> None:
    held = []
    for repeat in range(25):
        known = Known(SIX_TERMS, noise=0.004)
        players = allocate(Game(known, range(10 * repeat, 10 * repeat + 3)), parts(SIX)).players
        held += [(each.low or 0.0) <= known.truth(each.name) <= (each.high or 0.0) for each in players]
    assert sum(held) / len(held) >= 0.93


def test_what_no_single_swap_moves_is_shared_equally_and_widely() -> None:
    """Three of five have to be new: no single swap moves anything from either version."""

    class Majority(Known):
        def value(self, coalition: Mix) -> float:
            return self.start + 0.1 * (len(coalition) > 2)

    found = allocate(Game(Majority({}), (0, 1, 2)), parts(LAYERS[:5]))
    assert found.method is Method.SINGLE_SWAPS
    for player in found.players:
        assert player.allocated == pytest.approx(0.02)
        assert (player.low, player.high) == pytest.approx((-0.1, 0.12))


def test_more_than_four_players_that_do_not_interact_need_single_swaps_only() -> None:
    known = Known(additive(data=-0.05, code=-0.02, parameters=0.01))
    found = allocate(Game(known, (0, 1, 2)), parts(SIX))
    assert (found.method, found.mixes, found.agreed) == (Method.AGREED, 14, True)
    assert {p.name: p.allocated for p in found.players}["data"] == pytest.approx(-0.05)
