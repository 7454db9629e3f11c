"""Mixes that cannot run: players become one, nothing is made up, and no mix is asked for twice."""

from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.records.decisions.attribution import Allocation, Method, PlayerKind
from lineage_pipelines.replay.attribution.game import Batch, Game, Group, Part, joined, suspects
from lineage_pipelines.replay.attribution.solver import allocate
from lineage_pipelines_tests.replay.attribution.games import LAYERS, Known, Mix, additive, pairs, parts

SEEDS = (0, 1, 2)
FOUR = LAYERS[:4]
TERMS = {**additive(data=-0.05, code=-0.02, parameters=0.01), frozenset({"data", "parameters"}): -0.02}


def needs(first: str, second: str) -> Callable[[Mix], bool]:
    """The new `first` does not run with the old `second`."""
    return lambda mix: first in mix and second not in mix


def solve(known: Known, names: tuple[str, ...] = FOUR) -> Allocation:
    return allocate(Game(known, SEEDS), parts(names))


def truths(known: Known, found: Allocation) -> dict[str, float]:
    return {
        player.name: sum(known.truth(each) for each in player.members or (player.name,)) for player in found.players
    }


def test_new_code_that_needs_a_new_column_is_one_player_with_the_data() -> None:
    known = Known(TERMS, refuse=needs("code", "data"))
    found = solve(known)
    joined = next(player for player in found.players if player.members)
    assert joined.name == "code+data"
    assert joined.members == ("code", "data")
    assert joined.kind is PlayerKind.SEVERAL
    assert joined.differs == "data v2; code v2"
    assert [player.name for player in found.players] == ["code+data", "parameters", "environment"]
    # The pair's term with the parameters is shared by the two players that are left of it.
    assert {p.name: p.allocated for p in found.players} == pytest.approx(
        {"code+data": -0.08, "parameters": 0.0, "environment": 0.0}
    )
    assert ("code",) in {mix.new for mix in found.infeasible}
    assert all("cannot run" in mix.reason for mix in found.infeasible)


def test_no_mix_is_asked_for_twice_and_one_that_cannot_run_only_once() -> None:
    known = Known(TERMS, refuse=needs("code", "data"))
    found = solve(known)
    assert len(set(known.asked)) == len(known.asked)
    refused = [mix for mix, _ in known.asked if known.refuse(mix)]
    assert len(refused) == len(set(refused)) == len(found.infeasible)


def test_two_that_do_not_go_without_each_other_and_two_others() -> None:
    def refuse(mix: Mix) -> bool:
        return len(mix & {"code", "data"}) == 1 or len(mix & {"parameters", "environment"}) == 1

    found = solve(Known(TERMS, refuse=refuse))
    assert {player.name for player in found.players} == {"code+data", "environment+parameters"}


@pytest.mark.parametrize("names", [FOUR, FOUR[::-1], ("code", "parameters", "data", "environment")])
def test_two_needs_are_told_apart_by_the_mixes_of_two(names: tuple[str, ...]) -> None:
    def refuse(mix: Mix) -> bool:
        return needs("code", "data")(mix) or needs("parameters", "environment")(mix)

    known = Known(TERMS, refuse=refuse)
    found = solve(known, names)
    assert {player.name for player in found.players} == {"code+data", "environment+parameters"}
    assert len(set(known.asked)) == len(known.asked)


def test_a_mix_that_ran_clears_a_pair() -> None:
    # Each of the two needs the data; that they do not need each other is seen from the mixes that ran.
    groups = tuple(Group((part,)) for part in parts(("code", "parameters", "data")))
    failed = [frozenset({"code"}), frozenset({"parameters"})]
    assert suspects(groups, failed, []) == [(0, 1)]
    ran = [frozenset({"code", "data"}), frozenset({"parameters", "data"})]
    assert suspects(groups, failed, ran) == [(0, 2), (1, 2)]
    assert [group.name for group in joined(groups, (0, 2))] == ["code+data", "parameters"]


def test_a_mix_that_fails_only_in_the_middle_of_the_lattice_is_dealt_with() -> None:
    interacting = {**TERMS, frozenset({"data", "code"}): 0.05}
    found = solve(Known(interacting, refuse=lambda mix: mix == {"data", "code"}))
    assert found.method is Method.EXACT
    assert any(player.members for player in found.players)
    assert not any(set(mix.new) == {"data", "code"} for mix in found.infeasible) or len(found.players) == 3


def test_when_no_mix_runs_everything_is_one_player() -> None:
    found = solve(Known(TERMS, refuse=lambda mix: 0 < len(mix) < 4))
    (whole,) = found.players
    assert whole.name == "code+data+environment+parameters"
    assert whole.share == pytest.approx(1.0)
    assert found.interaction == pytest.approx(0.0)


def test_parts_of_one_kind_stay_of_that_kind() -> None:
    known = Known({frozenset({"train"}): -0.1}, refuse=lambda mix: len(mix & {"train", "test"}) == 1)
    both = [Part("train", PlayerKind.DATA), Part("test", PlayerKind.DATA), Part("code", PlayerKind.CODE)]
    found = allocate(Game(known, SEEDS), both)
    assert found.players[0].name == "test+train"
    assert found.players[0].kind is PlayerKind.DATA


def test_a_mix_without_a_finite_metric_has_no_value() -> None:
    class Undefined(Known):
        def value(self, coalition: Mix) -> float:
            return float("nan") if coalition == {"code"} else super().value(coalition)

    found = solve(Undefined(TERMS))
    assert found.infeasible[0].reason == "its metric is nan"
    assert any("code" in player.members for player in found.players)


every = [frozenset(mix) for size in range(1, 4) for mix in combinations(FOUR, size)]


@given(st.sets(st.sampled_from(every)))
def test_whatever_cannot_run_the_rest_adds_up_and_is_asked_once(refused: set[Mix]) -> None:
    known = Known(TERMS, refuse=refused.__contains__)
    found = solve(known)
    assert sum(p.allocated or 0.0 for p in found.players) == pytest.approx(found.change, abs=1e-9)
    assert len(set(known.asked)) == len(known.asked)
    members = [each for player in found.players for each in player.members or (player.name,)]
    assert sorted(members) == sorted(FOUR)
    # No allocation rests on a mix that cannot run.
    groups = [frozenset(player.members or (player.name,)) for player in found.players]
    if found.method is Method.EXACT:
        for size in range(len(groups) + 1):
            for mix in combinations(groups, size):
                assert frozenset().union(*mix) not in refused


def test_a_needs_graph_ends_in_its_groups_of_six_players_too() -> None:
    names = LAYERS[:6]
    known = Known({**additive(data=-0.1), **pairs(names, -0.01)}, refuse=needs("code", "data"))
    found = solve(known, names)
    assert "code+data" in {player.name for player in found.players}
    assert len(found.players) == 5
    assert len(set(known.asked)) == len(known.asked)
    for name, value in truths(known, found).items():
        # Pairs within the joined player do not move what it gets with the others.
        assert next(p.allocated for p in found.players if p.name == name) == pytest.approx(value, abs=0.02)


# Resuming


class StopError(Exception):
    pass


@pytest.mark.parametrize("killed_after", range(0, 48, 5))
def test_resuming_asks_for_nothing_that_was_measured(killed_after: int) -> None:
    kept: dict[tuple[Mix, int], float] = {}

    class Killed(Known):
        def measure(self, coalition: Mix, seed: int) -> float:
            if len(kept) == killed_after:
                raise StopError
            kept[coalition, seed] = super().measure(coalition, seed)
            return kept[coalition, seed]

    whole = Known(TERMS, noise=0.001)
    expected = solve(whole)
    with pytest.raises(StopError):
        solve(Killed(TERMS, noise=0.001))
    again = Known(TERMS, noise=0.001)
    found = allocate(Game(again, SEEDS, known=kept), parts(FOUR))
    assert found == expected
    assert not set(again.asked) & set(kept)
    assert [*kept, *again.asked] == whole.asked


def test_what_is_known_not_to_run_is_not_tried() -> None:
    refuse = needs("code", "data")
    first = solve(Known(TERMS, refuse=refuse))
    again = Known(TERMS, refuse=refuse)
    refused = {frozenset(mix.new): mix.reason for mix in first.infeasible}
    assert allocate(Game(again, SEEDS, refused=refused), parts(FOUR)) == first
    assert not any(refuse(mix) for mix, _ in again.asked)


def test_every_batch_is_told_before_it_is_measured() -> None:
    told: list[Batch] = []
    progress: list[tuple[int, int]] = []
    known = Known(TERMS)
    runs: list[tuple[Mix, int]] = []

    def tell(done: int, of: int, mix: Mix, seed: int) -> None:
        progress.append((done, of))
        runs.append((mix, seed))

    game = Game(known, SEEDS, before_batch=told.append, progress=tell)
    allocate(game, parts(FOUR))
    assert [batch.stage for batch in told] == ["the two versions", "one at a time", "all mixes"]
    assert [run for batch in told for run in batch.runs] == known.asked
    assert runs == known.asked
    assert progress == [(i, len(batch.runs)) for batch in told for i in range(1, len(batch.runs) + 1)]


def test_whoever_asks_first_can_stop_before_anything_runs() -> None:
    known = Known(TERMS)

    def refuse(batch: Batch) -> None:
        raise StopError(batch.stage)

    with pytest.raises(StopError, match="the two versions"):
        allocate(Game(known, SEEDS, before_batch=refuse), parts(FOUR))
    assert known.asked == []
