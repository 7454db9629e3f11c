"""Every row of the table of bad input that is in scope is shown by tests that are there."""

from importlib import import_module

import pytest

from lineage_pipelines_tests.bad_input.rows import ROWS

IN_SCOPE = {33, 35, 36, 41, 42, 44, *range(45, 65)}


def test_no_row_is_left_out() -> None:
    assert set(ROWS) == IN_SCOPE


@pytest.mark.parametrize("row", sorted(ROWS))
def test_the_tests_of_a_row_are_there(row: int) -> None:
    assert ROWS[row]
    for place in ROWS[row]:
        module, _, name = place.partition(":")
        assert name.startswith("test_")
        assert callable(getattr(import_module(f"lineage_pipelines_tests.{module}"), name)), place
