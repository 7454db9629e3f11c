"""Training steps of real Dagster runs, killed at random moments, and what one tick of the reconciler leaves.

`python -m lineage_pipelines_tests.faults.dagster_kills --kills 20` launches `dagster job execute` on a small project
with a model, and kills the run's processes, all or one alone, at a random moment after training was
announced. After each kill the reconciler ticks once: then every record has its event, no event lacks a record, and
nothing is left behind.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import dagster as dg
import psutil

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.orchestration.operations.reconcile import reconcile
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.orchestration.shop import Shop
from lineage_pipelines_tests.world import World

KEY = dg.AssetKey("churn")
_NOW = timedelta(0)
_LOCATION = """
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Opened

defs = build_defs(Opened({root!r}, {module!r}))
"""
_LONGEST = 300


def launch(shop: Shop, home: Path) -> subprocess.Popen[bytes]:
    """Start a run of the job that makes a version, in processes of its own."""
    location = shop.root / "location.py"
    location.write_text(textwrap.dedent(_LOCATION.format(root=str(shop.root), module=shop.module_name)))
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "job", "execute", "-f", str(location), "-j", "train"]
    environment = os.environ | {"DAGSTER_HOME": str(home), "TMPDIR": str(home.parent / "tmp")}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def kill_some(run: subprocess.Popen[bytes], chance: random.Random) -> str:
    """Kill the whole run, or one process of it; say which."""
    processes = psutil.Process(run.pid).children(recursive=True)
    if processes and chance.random() < 0.5:
        chance.choice(processes).kill()
        run.wait(_LONGEST)
        return "one process"
    os.killpg(run.pid, signal.SIGKILL)
    run.wait(_LONGEST)
    return "the run"


def wait_for_attempt(shop: Shop, run: subprocess.Popen[bytes]) -> None:
    """Wait until a run has announced that it trains, or is over."""
    with shop.catalog() as catalog:
        while run.poll() is None and not catalog.outbox.running_attempts():
            time.sleep(0.01)


def time_from_attempt(shop: Shop, run: subprocess.Popen[bytes]) -> float:
    """Return how long a run goes on after it has announced that it trains."""
    wait_for_attempt(shop, run)
    begun = time.monotonic()
    run.wait(_LONGEST)
    return time.monotonic() - begun


def tick(shop: Shop, instance: dg.DagsterInstance) -> Counter[str]:
    """Reconcile once; say what was found and done."""
    store = ArtifactStore(resolve_settings(start=shop.root).artifacts)
    with shop.catalog() as catalog:
        found = reconcile(instance, catalog, artifacts=store, grace=_NOW, older_than=_NOW)
    return Counter(f"{each.kind}, {each.status}" for each in found)


def disagreements(shop: Shop, instance: dg.DagsterInstance) -> list[str]:
    """Compare the catalog's records with Dagster's events, without the product's help."""
    with shop.catalog() as catalog:
        records = {str(entry.digest) for entry in catalog.entries("churn")}
        running = [f"attempt {attempt.epoch} is open" for attempt in catalog.outbox.running_attempts()]
    events = set()
    for each in instance.fetch_materializations(KEY, limit=1000).records:
        if each.asset_materialization is not None:
            events.add(str(each.asset_materialization.metadata["lineage/record"].value))
    return [*running, *(f"{digest} is on one side only" for digest in records ^ events)]


def fight(base: Path, kills: int, seed: int = 2013) -> tuple[Counter[str], list[str], int]:
    """Kill runs; return what was done about it, what is wrong after all, and how many versions there are."""
    chance, home = random.Random(seed), base / "home"
    home.mkdir()
    (base / "tmp").mkdir()
    tempfile.tempdir = str(base / "tmp")
    shop = Shop(World(base / "project"))
    shop.split()
    done: Counter[str] = Counter()
    wrong: list[str] = []
    longest = time_from_attempt(shop, launch(shop, home))
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        for number in range(kills):
            run = launch(shop, home)
            wait_for_attempt(shop, run)
            time.sleep(chance.uniform(0, longest))
            done[f"killed: {kill_some(run, chance)}" if run.poll() is None else "ended before it was killed"] += 1
            time.sleep(0.5)  # a step whose run was killed may be ending by itself
            done += tick(shop, instance)
            wrong += [f"kill {number + 1}: {each}" for each in disagreements(shop, instance)]
        launch(shop, home).wait(_LONGEST)
        wrong += disagreements(shop, instance)
    with shop.catalog() as catalog:
        versions = len(catalog.entries("churn"))
    return done, wrong, versions


def main() -> int:
    """Fight, and print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        done, wrong, versions = fight(Path(name), asked.kills)
    for what, count in sorted(done.items()):
        sys.stdout.write(f"{what}: {count:,} times\n")
    sys.stdout.write(
        f"{versions} versions; {len(wrong)} disagreements between records and events after one tick each\n"
    )
    sys.stdout.writelines(f"  {each}\n" for each in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
