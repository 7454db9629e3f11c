"""Run integrity: what a real run recorded is complete, byte for byte, and later changes are named."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lineage_pipelines.cli.main import main
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Shop, orders, run


@pytest.fixture
def trained(shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Two versions on two deliveries."""
    for shift in (0.0, 2.0):
        shop.world.write("data/orders.csv", orders(shift=shift))
        shop.world.track("data/orders.csv")
        shop.world.commit("Deliver")
        assert run(build_defs(shop), "refresh", instance).success
    monkeypatch.chdir(shop.root)
    return shop


def verify(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    main(["verify", "--format", "json", *words])
    return {claim["claim"]: claim for claim in json.loads(capsys.readouterr().out)}


def test_every_file_of_real_versions_is_found(trained: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify"]) == 0
    claims = verify(capsys)
    assert claims["artifacts"]["detail"].startswith("2 model files and ")
    assert claims["data"]["detail"].startswith("4 snapshots and 2 tracked sources are there and unaltered")
    with trained.catalog() as catalog:
        first = catalog.get("churn", 1)
    md5 = next(snapshot.digest.md5 for snapshot in first.record.data if snapshot.name == "train")
    path = trained.world.cached(md5 or "")
    _flip(path)
    claim = verify(capsys)["data"]
    assert (claim["verdict"], claim["entries"]) == ("FAIL", [first.seq])
    assert claim["wrong"][0].startswith("churn@1: data/parts/train.csv: was altered: expected MD5 ")
    assert verify(capsys, "churn@2")["data"]["verdict"] == "PASS"
    path.unlink()
    assert "is not in DVC's cache or the workspace" in verify(capsys)["data"]["detail"]


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)
