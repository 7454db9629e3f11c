"""Parameters that came from environment variables are recorded by the names of the variables, never by value."""

from typing import Any

import dagster as dg
import pytest

from lineage_pipelines.capture.parameters import effective_parameters, parameter_defaults
from lineage_pipelines.capture.variable_references import read_variables, referred_variables, with_defaults
from lineage_pipelines.errors import CaptureError

SECRET = "correct horse battery staple"


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE", SECRET)
    monkeypatch.setenv("ROUNDS", "5")
    monkeypatch.delenv("ABSENT", raising=False)


@pytest.mark.parametrize(
    ("given", "launched", "recorded"),
    [
        ({"source": SECRET, "n": 5}, {"source": {"env": "WAREHOUSE"}}, {"source": {"env": "WAREHOUSE"}, "n": 5}),
        ({"n": 5}, {"n": {"env": "ROUNDS"}}, {"n": {"env": "ROUNDS"}}),
        ({"a": {"b": [1, SECRET]}}, {"a": {"b": [1, {"env": "WAREHOUSE"}]}}, {"a": {"b": [1, {"env": "WAREHOUSE"}]}}),
        ({"stage": {"env": "prod"}}, {"stage": {"env": "prod"}}, {"stage": {"env": "prod"}}),  # a field called env
        # An alias, and a choice between classes: the places differ, and the values do not.
        ({"source": SECRET, "n": 5}, {"from": {"env": "WAREHOUSE"}}, {"source": {"env": "WAREHOUSE"}, "n": 5}),
        (
            {"store": {"kind": "remote", "url": SECRET}},
            {"store": {"remote": {"url": {"env": "WAREHOUSE"}}}},
            {"store": {"kind": "remote", "url": {"env": "WAREHOUSE"}}},
        ),
        ({"all": [SECRET, "x"]}, {"all": [{"env": "WAREHOUSE"}]}, {"all": [{"env": "WAREHOUSE"}, "x"]}),
        ({"password": SECRET}, {"password": {"env": "WAREHOUSE"}}, {"password": {"env": "WAREHOUSE"}}),
    ],
)
def test_a_value_of_a_variable_is_recorded_by_its_name(
    given: dict[str, Any], launched: dict[str, Any], recorded: dict[str, Any]
) -> None:
    assert effective_parameters(given, launched) == recorded


def test_a_default_may_be_a_variable() -> None:
    class Params(dg.Config):
        source: str = dg.EnvVar("WAREHOUSE")
        rounds: int = dg.EnvVar.int("ROUNDS")
        depth: int = 3

    defaults = parameter_defaults(Params)
    assert defaults == {"source": {"env": "WAREHOUSE"}, "rounds": {"env": "ROUNDS"}, "depth": 3}
    launched = with_defaults({"depth": 4}, defaults)
    recorded = effective_parameters(Params(source=SECRET, rounds=5, depth=4), launched)
    assert recorded == {"source": {"env": "WAREHOUSE"}, "rounds": {"env": "ROUNDS"}, "depth": 4}
    nested = with_defaults({"a": {"x": 1}, "b": {"env": "WAREHOUSE"}}, {"a": {"y": 2}, "b": {"z": 3}})
    assert nested == {"a": {"x": 1, "y": 2}, "b": {"env": "WAREHOUSE"}}


def test_the_values_are_read_again_where_they_are_needed() -> None:
    recorded: dict[str, Any] = {"source": {"env": "WAREHOUSE"}, "all": [{"env": "ROUNDS"}, 1]}
    assert referred_variables(recorded) == {"WAREHOUSE", "ROUNDS"}
    assert read_variables(recorded) == {"source": SECRET, "all": ["5", 1]}
    with pytest.raises(CaptureError, match="ABSENT, which is not set"):
        read_variables({"env": "ABSENT"})
