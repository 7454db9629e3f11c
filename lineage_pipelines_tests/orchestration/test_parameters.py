import enum
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pydantic
import pytest

from lineage_pipelines import CaptureError
from lineage_pipelines.orchestration.training.launch_form import build_parameters, config_class


class Kind(enum.Enum):
    LINEAR = "linear"
    BOOSTED = "boosted"


@dataclass(frozen=True)
class Inner:
    depth: int = 3


@dataclass(frozen=True)
class Params:
    """How to train."""

    rate: float = 0.1
    """Learning rate, per round."""
    rounds: int = 100
    kind: Kind = Kind.LINEAR
    columns: tuple[str, ...] = ("a", "b")
    inner: Inner = field(default_factory=Inner)
    limit: float | None = None
    spare: Inner | None = None
    grid: tuple[float, ...] | None = None


def test_a_dataclass_becomes_a_documented_form_and_comes_back() -> None:
    form = config_class(Params)
    assert form.model_fields["rate"].description == "Learning rate, per round."
    built = build_parameters(Params, form(rate=0.5, columns=["c"], inner={"depth": 5}))
    assert built == Params(rate=0.5, columns=("c",), inner=Inner(depth=5))
    optional = build_parameters(Params, form(spare={"depth": 2}, grid=[0.1, 1.0]))
    assert optional == Params(spare=Inner(depth=2), grid=(0.1, 1.0))
    assert build_parameters(Params, form()) == Params()


def test_the_form_is_what_dagster_takes() -> None:
    seen: list[object] = []

    @dg.op
    def train(config: config_class(Params)) -> None:  # type: ignore[valid-type]
        seen.append(build_parameters(Params, config))

    @dg.job
    def job() -> None:
        train()

    launch = {"ops": {"train": {"config": {"rate": 0.2, "kind": "BOOSTED", "inner": {"depth": 9}}}}}
    assert job.execute_in_process(run_config=launch).success
    assert seen == [Params(rate=0.2, kind=Kind.BOOSTED, inner=Inner(depth=9))]


def test_pydantic_models_and_dagster_configs_are_taken_as_they_are() -> None:
    class Model(pydantic.BaseModel):
        rate: float = pydantic.Field(default=0.1, description="Learning rate.")

    class Config(dg.Config):
        rate: float = 0.1

    assert config_class(Model).model_fields["rate"].description == "Learning rate."
    assert build_parameters(Model, config_class(Model)(rate=0.3)) == Model(rate=0.3)
    assert config_class(Config) is Config
    given = Config(rate=0.2)
    assert build_parameters(Config, given) is given


def test_numpy_defaults_are_converted() -> None:
    @dataclass
    class Numpy:
        rate: float = np.float64(0.25)
        rounds: int = np.int32(7)  # type: ignore[assignment]

    form = config_class(Numpy)()
    assert (form.rate, form.rounds) == (0.25, 7)  # type: ignore[attr-defined]


@pytest.mark.parametrize("default", [pd.DataFrame({"a": [1]}), lambda x: x, float("nan")])
def test_a_default_that_cannot_be_recorded_is_refused_by_name(default: Any) -> None:
    @dataclass
    class Odd:
        strange: Any = field(default_factory=lambda: default)

    with pytest.raises(CaptureError, match="strange"):
        config_class(Odd)


def test_a_secret_default_is_refused_and_not_printed() -> None:
    @dataclass
    class Secret:
        api_key: str = "hunter2hunter2"

    with pytest.raises(CaptureError, match="api_key") as raised:
        config_class(Secret)
    assert "hunter2" not in str(raised.value)


def test_any_other_class_is_refused() -> None:
    with pytest.raises(CaptureError, match="not a parameter class"):
        config_class(int)
