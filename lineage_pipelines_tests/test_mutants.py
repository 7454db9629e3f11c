"""Mutants are single changed lines of modules that are there, and the tests that must notice are there, too."""

import ast

import pytest

from lineage_pipelines_tests.flights.checkout import ROOT
from lineage_pipelines_tests.mutants import AREAS, draw, mutants_of


@pytest.mark.parametrize("area", AREAS)
def test_a_mutant_is_one_changed_line(area: str) -> None:
    modules, tests = AREAS[area]
    for module in modules.split():
        lines = (ROOT / "lineage_pipelines" / f"{module}.py").read_text().splitlines()
        found = list(mutants_of(area, module))
        assert found
        for mutant in found:
            changed = zip(lines, mutant.source.splitlines(), strict=True)
            assert [place for place, (one, other) in enumerate(changed, 1) if one != other] == [mutant.line]
    assert all((ROOT / "lineage_pipelines_tests" / f"{test}.py").is_file() for test in tests.split())


def test_a_seed_draws_the_same_mutants_from_every_area() -> None:
    drawn = draw(40, seed=7)
    assert drawn == draw(40, seed=7) != draw(40, seed=8)
    assert {mutant.area for mutant in drawn} == set(AREAS)
    assert len({(mutant.module, mutant.line) for mutant in drawn}) == 40
    for mutant in drawn:
        ast.parse(mutant.source)
