"""Models that are really trained: single swaps mislead, the allocation adds up."""

import pytest

from lineage_pipelines.records.decisions.attribution import (
    Attribution,
    Method,
    decode_attribution,
    encode_attribution,
)
from lineage_pipelines_tests.replay.attribution.credit import Credit, attribute


@pytest.fixture(scope="module")
def found() -> Attribution:
    return attribute(Credit())


def test_the_change_is_allocated_to_what_differs(found: Attribution) -> None:
    game = found.allocation
    by_name = {player.name: player for player in game.players}
    assert game.method is Method.EXACT
    assert game.change < -0.05
    assert sum(player.allocated or 0.0 for player in game.players) == pytest.approx(game.change, abs=1e-9)
    assert by_name["environment"].allocated == 0.0
    assert by_name["environment"].share == 0.0
    for name in ("data", "parameters", "code"):
        assert (by_name[name].high or 0.0) < 0.0


def test_single_swaps_would_have_misled(found: Attribution) -> None:
    from_old = sum(player.one_in or 0.0 for player in found.allocation.players) / found.allocation.change
    from_new = sum(player.one_out or 0.0 for player in found.allocation.players) / found.allocation.change
    assert from_old < 0.7
    assert from_new > 1.3
    strongest = max(found.allocation.interactions, key=lambda each: abs(each.value))
    assert {strongest.first, strongest.second} == {"data", "parameters"}


def test_the_analysis_can_be_kept(found: Attribution) -> None:
    assert decode_attribution(encode_attribution(found)) == found


def test_what_a_mix_consists_of_is_trained_once() -> None:
    credit = Credit()
    attribute(credit)
    assert len(credit.kept) == 2**3 * 3
