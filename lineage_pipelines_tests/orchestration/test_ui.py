"""A person opens the Dagster UI, presses Materialize on a model, and reads what came of it off its page."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from lineage_pipelines_tests.orchestration.shop import Shop
from lineage_pipelines_tests.world import World

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
SCREENSHOTS = Path(__file__).parents[2] / ".artifacts"
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
LOCATION = """
from pathlib import Path
import dagster as dg
from lineage_pipelines import (
    DvcProject, DvcResource, LineageResource, build_dvc_sources,
    disjoint, dvc_assets, model_asset, slices_evaluated, threshold)
from {module} import churn

root = Path(__file__).parent
project = DvcProject(root)

@dvc_assets(project=project)
def stages(context: dg.AssetExecutionContext, dvc: DvcResource):
    yield from dvc.run(context)

inputs = {{"train": "data/parts/train.csv", "test": "data/parts/test.csv"}}
checks = [threshold(min_roc_auc=0.6), slices_evaluated("city", min_rows=10), disjoint(blocking=False)]
model = model_asset(project=project, inputs=inputs, checks=checks)(churn)
defs = dg.Definitions(
    assets=[*build_dvc_sources(project), *stages, model],
    resources={{"dvc": DvcResource(project_dir=str(root)), "lineage": LineageResource(project_dir=str(root))}},
)
"""
SECONDS = 120


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_up(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(SECONDS * 2):
        if process.poll() is not None:
            pytest.fail(f"dagster dev ended: {log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"{url}/server_info", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"dagster dev did not come up: {log.read_text()[-3000:]}")


@pytest.fixture
def ui(world: World, tmp_path: Path) -> Iterator[str]:
    """Serve the shop with `dagster dev`, on loopback, and end it by its process group."""
    shop = Shop(world)
    world.write("location.py", LOCATION.format(module=shop.module_name))
    world.write("dagster.yaml", "telemetry:\n  enabled: false\nnux:\n  enabled: false\n")
    world.commit("Add the code location")
    shop.split()
    world.commit("Split the orders")
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(world.path("dagster.yaml"), home)
    port, log = _free_port(), tmp_path / "dev.log"
    command = [
        *(sys.executable, "-m", "dagster", "dev", "--python-file", "location.py"),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    env = os.environ | {"DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1"}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=world.root, env=env, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait_until_up(f"http://127.0.0.1:{port}", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path / "browser"), executable_path=CHROMIUM, headless=True, args=QUIET, viewport=None
        )
        try:
            opened = context.new_page()
            opened.set_viewport_size({"width": 1600, "height": 1400})
            yield opened
        finally:
            SCREENSHOTS.mkdir(exist_ok=True)
            opened.screenshot(path=SCREENSHOTS / "last.png")
            context.close()


def test_materialize_from_the_button_and_read_the_page(ui: str, page: Page) -> None:
    page.set_default_timeout(SECONDS * 1000)
    page.goto(f"{ui}/assets/churn?view=overview")
    page.get_by_role("button", name="Materialize").first.click()
    # Dagster has never seen the inputs, which DVC made, and asks.
    page.get_by_role("button", name="Confirm").click()
    page.get_by_text("Launched run").wait_for()
    page.goto(f"{ui}/runs")
    page.get_by_text("Success", exact=True).first.wait_for()
    page.goto(f"{ui}/assets/churn?view=events")
    page.get_by_text("lineage/summary").first.wait_for()
    text = page.locator("body").inner_text()
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "model-asset.png", full_page=True)
    for expected in ("model/version", "eval/roc_auc", "data/parts/train.csv", "first version", "lineage/record"):
        assert expected in text
    page.goto(f"{ui}/assets/churn?view=checks")
    page.get_by_text("min_roc_auc").first.wait_for()
    page.screenshot(path=SCREENSHOTS / "model-checks.png", full_page=True)
