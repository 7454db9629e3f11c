from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from lineage_pipelines import CaptureError
from lineage_pipelines.orchestration.training.function_signature import InputKind, read_signature


@dataclass
class Params:
    rate: float = 0.1


def test_inputs_parameters_and_context_are_told_apart() -> None:
    def train(a: pd.DataFrame, b: "pd.DataFrame", c: Path, params: "Params", context: object) -> None: ...

    found = read_signature(train, ["a", "b", "c"])
    assert found.inputs == {"a": InputKind.TABLE, "b": InputKind.TABLE, "c": InputKind.PATH}
    assert (found.parameters_name, found.parameters_class, found.takes_context) == ("params", Params, True)


def test_parameters_are_optional() -> None:
    def train(a: Path) -> None: ...

    assert read_signature(train, ["a"]).parameters_class is None


def test_an_input_without_an_argument_is_told() -> None:
    def train(a: Path) -> None: ...

    with pytest.raises(CaptureError, match="no argument for the input 'b'"):
        read_signature(train, ["a", "b"])


def test_an_input_of_another_type_is_told() -> None:
    def train(a: list[int]) -> None: ...

    with pytest.raises(CaptureError, match=r"pandas.DataFrame or pathlib.Path"):
        read_signature(train, ["a"])


def test_two_unknown_arguments_are_told() -> None:
    def train(a: Path, b: int, c: int) -> None: ...

    with pytest.raises(CaptureError, match="b, c"):
        read_signature(train, ["a"])


def test_a_parameter_without_a_class_is_told() -> None:
    def train(a: Path, params) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001

    with pytest.raises(CaptureError, match="does not say what 'params' is"):
        read_signature(train, ["a"])
