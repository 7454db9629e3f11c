"""What MLflow keeps as text, read again without loss; secrets and what is no number left out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.bridges.mlflow.param_codec import (
    read_metrics,
    read_parameters,
    typed,
    without_secrets,
)
from lineage_pipelines.capture.secrets import find_secrets
from lineage_pipelines.records.values.canonical import Json, canonical_bytes
from lineage_pipelines.records.values.codec import to_json

_TOKEN = "ghp_" + "a1B2" * 9


@given(
    st.text() | st.integers().map(str) | st.floats().map(repr) | st.sampled_from(["True", "None", "1e5", "-0", "00"])
)
def test_what_a_text_is_read_as_is_written_as_that_text(text: str) -> None:
    found = typed(text)
    assert str(found) == text
    assert not isinstance(found, float) or math.isfinite(found)


@given(st.dictionaries(st.text(max_size=8) | st.sampled_from(["$int", "api_key", _TOKEN]), st.text(max_size=8)))
def test_whatever_is_logged_as_parameters_can_be_recorded_or_is_told(texts: dict[str, str]) -> None:
    values, gaps = read_parameters(texts)
    assert len(values) + len(gaps) == len(texts)
    assert not find_secrets(values)
    canonical_bytes(to_json(values))
    assert not any(_TOKEN in gap for gap in gaps)


@given(st.dictionaries(st.text(max_size=5), st.floats()))
def test_whatever_is_logged_as_metrics_can_be_recorded_or_is_told(numbers: dict[str, float]) -> None:
    values, gaps = read_metrics(numbers)
    assert len(values) + len(gaps) == len(numbers)
    assert all(map(math.isfinite, values.values()))
    canonical_bytes(to_json(values))


_JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from([_TOKEN, "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from(["$float", "password", _TOKEN]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(_JSON)
def test_everything_that_was_said_can_be_kept_without_its_secrets(said: Json) -> None:
    data = canonical_bytes(to_json(without_secrets(said)))
    assert _TOKEN.encode() not in data


@pytest.mark.parametrize("name", ["password", "apiKey", "db_password"])
def test_the_value_of_a_secret_is_kept_nowhere(name: str) -> None:
    values, gaps = read_parameters({name: "hunter2", "alpha": "1"})
    assert values == {"alpha": 1}
    assert gaps == (f"parameters.{name}: left out, it looks like a secret",)
    assert b"hunter2" not in canonical_bytes(to_json(without_secrets({"params": {name: "hunter2"}})))
