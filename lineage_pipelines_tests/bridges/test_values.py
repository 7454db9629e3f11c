"""Which values MLflow's texts stand for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.bridges.mlflow.param_codec import read_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[
            ("7", 7),
            ("-7", -7),
            ("0", 0),
            ("0.1", 0.1),
            ("1e-07", 1e-07),
            ("1.0", 1.0),
            ("True", True),
            ("False", False),
        ],
        *[
            (text, text)
            for text in ("", "007", "-0", "1e-3", ".5", "nan", "inf", "true", "None", "9" * 20, "1_000", "٣")
        ],
    ],
)
def test_a_text_is_a_number_only_where_it_is_that_numbers_own_text(text: str, value: object) -> None:
    assert read_value(text) == value
    assert type(read_value(text)) is type(value)


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**17), 10**17), st.booleans()))
def test_what_python_writes_is_read_back(value: float) -> None:
    read = read_value(str(value))
    assert (read, type(read)) == (value, type(value))
