import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines import DatasetError
from lineage_pipelines.orchestration.dvc.asset_keys import check_distinct, key_of_path, op_name


def test_a_path_becomes_its_parts() -> None:
    assert key_of_path("data/raw/train-1.csv") == dg.AssetKey(["data", "raw", "train-1.csv"])


def test_what_dagster_refuses_is_replaced() -> None:
    assert key_of_path("models/lr=0.1/a b@c") == dg.AssetKey(["models", "lr_0.1", "a_b_c"])


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("train", "train"),
        ("train@lr=0.1", "train_lr_0_1"),
        ("sub/dvc.yaml:train@a", "sub__train_a"),
        ("a/b/dvc.yaml:prepare-all", "a__b__prepare_all"),
    ],
)
def test_an_address_becomes_an_op_name(address: str, name: str) -> None:
    assert op_name(address) == name


@given(st.text(min_size=1).filter(lambda text: text.strip("/")))
def test_every_path_gives_a_key_that_dagster_takes(path: str) -> None:
    identifier = key_of_path(path).to_python_identifier()
    assert identifier.replace("_", "a").isalnum()
    assert identifier.isascii()


def test_names_that_collide_are_all_told_with_the_fix() -> None:
    names = [("x_csv", "'x.csv' of a"), ("x_csv", "'x_csv' of b"), ("y", "'y'"), ("z", "'z'"), ("z", "'z.'")]
    with pytest.raises(DatasetError) as raised:
        check_distinct(names)
    message = str(raised.value)
    for part in ("'x.csv' of a", "'x_csv' of b", "'z' and 'z.'", "get_asset_spec", "replace_attributes"):
        assert part in message
    assert "'y'" not in message
