"""How MLflow is reached, and what its errors mean."""

import pytest

from lineage_pipelines.bridges.mlflow.server import (
    LostServerError,
    RefusedError,
    connect,
    public_address,
    translated_errors,
)
from lineage_pipelines_tests.mlflow_server import MlflowServer, free_port


def test_a_refusal_names_its_code(shared_mlflow: MlflowServer) -> None:
    client = connect(shared_mlflow.address, retries=0)
    with pytest.raises(RefusedError) as refused, translated_errors(shared_mlflow.address):
        client.get_run("0" * 32)
    assert refused.value.code == "RESOURCE_DOES_NOT_EXIST"


def test_a_server_that_is_not_there_is_lost() -> None:
    address = f"http://somebody:hunter2@127.0.0.1:{free_port()}"
    client = connect(address, retries=0)
    with pytest.raises(LostServerError) as lost, translated_errors(address):
        client.search_experiments()
    assert "hunter2" not in str(lost.value)
    assert "127.0.0.1" in lost.value.where


def test_a_server_that_does_not_answer_is_lost(own_mlflow: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    client = connect(own_mlflow.address, retries=0)
    own_mlflow.freeze()
    try:
        with pytest.raises(LostServerError), translated_errors(own_mlflow.address):
            client.search_experiments()
    finally:
        own_mlflow.thaw()


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("https://ann:secret@mlflow.example.org/team?token=1", "https://mlflow.example.org/team"),
        ("sqlite:////home/ann/mlflow.db", "sqlite:mlflow.db"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
    ],
)
def test_an_address_is_shown_without_what_is_nobodys_business(address: str, seen: str) -> None:
    assert public_address(address) == seen
