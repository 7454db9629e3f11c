"""Games of known contributions: what is allocated is what was contributed, and the axioms hold."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.records.decisions.attribution import Allocation, Method
from lineage_pipelines.replay.attribution.game import AttributionError, Game, InfeasibleMixError, Part
from lineage_pipelines.replay.attribution.solver import allocate, cost
from lineage_pipelines_tests.replay.attribution.games import LAYERS, Known, Mix, additive, pairs, parts

SEEDS = (0, 1, 2)
FOUR = LAYERS[:4]


def solve(known: Known, names: tuple[str, ...] = FOUR, seeds: tuple[int, ...] = SEEDS) -> Allocation:
    return allocate(Game(known, seeds), parts(names))


def got(allocation: Allocation) -> dict[str, float]:
    return {player.name: player.allocated or 0.0 for player in allocation.players}


def test_an_additive_game_is_seen_from_one_at_a_time_alone() -> None:
    known = Known(additive(data=-0.05, code=-0.02, parameters=0.01, environment=0.0))
    found = solve(known)
    assert found.method is Method.AGREED
    assert found.mixes == 10
    assert got(found) == pytest.approx({"data": -0.05, "code": -0.02, "parameters": 0.01, "environment": 0.0})
    assert found.interaction == pytest.approx(0.0, abs=1e-12)
    assert found.interaction_share == pytest.approx(0.0, abs=1e-12)


def test_an_interaction_is_shared_and_named() -> None:
    terms = {**additive(data=-0.03, parameters=-0.02, code=-0.01), frozenset({"data", "parameters"}): -0.04}
    found = solve(Known(terms))
    assert found.method is Method.EXACT
    assert found.mixes == 16
    assert got(found) == pytest.approx({"data": -0.05, "parameters": -0.04, "code": -0.01, "environment": 0.0})
    assert found.interaction == pytest.approx(-0.04)
    assert found.interaction_share == pytest.approx(0.4)
    strongest = max(found.interactions, key=lambda each: abs(each.value))
    assert {strongest.first, strongest.second} == {"data", "parameters"}
    assert strongest.value == pytest.approx(-0.04)
    assert sum(abs(each.value) > 1e-9 for each in found.interactions) == 1


def test_one_at_a_time_is_beside_it_and_misleads() -> None:
    found = solve(Known({**additive(data=-0.03, code=-0.01), frozenset({"data", "code"}): -0.06}), ("data", "code"))
    by_name = {player.name: player for player in found.players}
    assert by_name["data"].one_in == pytest.approx(-0.03)
    assert by_name["data"].one_out == pytest.approx(-0.09)
    assert by_name["data"].allocated == pytest.approx(-0.06)
    assert sum(player.one_in or 0.0 for player in found.players) == pytest.approx(0.4 * found.change)
    assert sum(player.one_out or 0.0 for player in found.players) == pytest.approx(1.6 * found.change)


def test_interactions_that_hide_from_one_at_a_time_are_found_by_the_sum() -> None:
    # In and out agree for each of the three, and they still do not add up.
    names = ("data", "code", "parameters")
    terms = {**additive(data=0.02, code=0.02, parameters=0.02), **pairs(names, 0.02), frozenset(names): -0.04}
    found = solve(Known(terms), (*names, "environment"))
    assert {p.name: p.one_in for p in found.players} == pytest.approx({p.name: p.one_out for p in found.players})
    assert found.method is Method.EXACT
    assert not found.agreed


def test_three_players_are_exact_at_the_cost_of_one_at_a_time() -> None:
    found = solve(Known(additive(data=-0.05, code=-0.02, parameters=0.01)), LAYERS[:3])
    assert (found.method, found.mixes, found.agreed) == (Method.EXACT, 8, True)


def test_one_player_gets_the_whole_change() -> None:
    found = solve(Known(additive(data=-0.05)), ("data",))
    assert found.mixes == 2
    assert found.players[0].allocated == pytest.approx(-0.05)
    assert found.players[0].share == pytest.approx(1.0)


amounts = st.floats(-1.0, 1.0).map(lambda value: round(value, 6))


@st.composite
def games(draw: st.DrawFn) -> Mapping[Mix, float]:
    names = FOUR[: draw(st.integers(2, 4))]
    mixes = st.sets(st.sampled_from(names), min_size=1).map(frozenset)
    return draw(st.dictionaries(mixes, amounts, min_size=1, max_size=12))


@given(games(), st.sampled_from([0.0, 1e-4, 0.01]))
def test_efficiency_the_parts_add_up_to_the_change(terms: Mapping[Mix, float], noise: float) -> None:
    found = solve(Known(terms, noise=noise))
    if found.distinguishable:
        assert math.fsum(got(found).values()) == pytest.approx(found.change, abs=1e-9, rel=0)
        assert math.fsum(player.share or 0.0 for player in found.players) == pytest.approx(1.0, abs=1e-6)


@given(games())
def test_values_are_the_known_ones_and_a_null_player_gets_nothing(terms: Mapping[Mix, float]) -> None:
    # Large terms of one part each, so that there is a change; nobody knows the environment.
    own = dict.fromkeys(additive(data=10.0, code=10.0), 10.0)
    known = Known({mix: value for mix, value in terms.items() if "environment" not in mix} | own)
    found = solve(known)
    assert found.distinguishable
    if found.method is Method.EXACT or all(len(mix) == 1 for mix in known.terms):
        for name, value in got(found).items():
            assert value == pytest.approx(known.truth(name), abs=1e-9, rel=0)
    null = found.players[3]
    assert null.allocated == pytest.approx(0.0, abs=1e-9)
    assert (null.low, null.high) == pytest.approx((0.0, 0.0), abs=1e-9)


@given(amounts, amounts, amounts)
def test_symmetry_equal_players_get_equal_parts(own: float, both: float, other: float) -> None:
    terms = {
        **additive(data=own, code=own, parameters=other),
        frozenset({"data", "code"}): both,
        frozenset({"data", "parameters"}): other,
        frozenset({"code", "parameters"}): other,
    }
    found = got(solve(Known({**terms, frozenset({"environment"}): 3.0})))
    assert found["data"] == pytest.approx(found["code"], abs=1e-9, rel=0)


def test_a_change_within_two_standard_deviations_gets_no_percentages() -> None:
    known = Known(additive(data=-0.01, code=-0.01), noise=0.02)
    found = solve(known)
    assert not found.distinguishable
    assert found.method is Method.ENDPOINTS
    assert abs(found.change) < 2 * found.noise
    assert {player.share for player in found.players} == {None}
    assert {player.allocated for player in found.players} == {None}
    assert found.interaction_share is None
    assert len(known.asked) == 2 * len(SEEDS)


def test_no_change_at_all_is_not_told_from_chance() -> None:
    assert not solve(Known(additive(data=0.1, code=-0.1), start=0.3)).distinguishable


def test_fewer_than_three_seeds_are_refused() -> None:
    for seeds in ((0, 1), (0, 0, 0), ()):
        with pytest.raises(AttributionError, match="different seeds"):
            Game(Known({}), seeds)


def test_a_version_that_cannot_run_itself_is_an_error_and_no_answer() -> None:
    with pytest.raises(AttributionError, match="the new version itself cannot run"):
        solve(Known(additive(data=1.0), refuse=lambda mix: len(mix) == 4))


def test_parts_are_named_once() -> None:
    with pytest.raises(AttributionError, match="two have one name"):
        solve(Known({}), ("data", "data"))
    with pytest.raises(AttributionError):
        solve(Known({}), ())


def test_an_error_of_the_training_is_no_infeasible_mix() -> None:
    class Broken:
        def measure(self, coalition: Mix, seed: int) -> float:
            raise OSError(f"no space left for {coalition} {seed}")

    with pytest.raises(OSError, match="no space"):
        allocate(Game(Broken(), SEEDS), parts(FOUR))
    assert not issubclass(OSError, InfeasibleMixError)


def test_the_outcome_says_what_differs() -> None:
    found = solve(Known(additive(data=-0.05)))
    assert [player.differs for player in found.players] == [f"{name} v2" for name in FOUR]
    assert isinstance(parts(FOUR)[0], Part)


def test_the_cost_is_known_before() -> None:
    assert cost(1, 3) == (6, 6)
    assert cost(4, 3) == (6, 48)
    assert cost(5, 3) == (6, 36)
    assert cost(8, 3) == (6, 54)
