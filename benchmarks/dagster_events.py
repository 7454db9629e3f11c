"""Dagster's event log beside the catalog: which models used this version of an asset?

The log, Dagster's own SQLite storage, holds plain materializations of the models, with the versions of their inputs in
the tags in which Dagster itself records them. No index leads from an input's version to who used it, so that whoever
asks reads the materializations of every model. Nothing is sent anywhere.
"""

import os
import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import versions as v
from benchmarks.growing import Place
from benchmarks.histories import sqlite
from benchmarks.profiles import ROLES
from benchmarks.questions import QUESTIONS, Asker
from benchmarks.rows import HEAD, compared
from benchmarks.table import in_turn, show, timed
from lineage_pipelines_tests.samples import digests

if TYPE_CHECKING:
    import dagster as dg
    from dagster import DagsterInstance

_INPUT = "dagster/input_data_version/"
_PAGE = 1_000


def open_log(folder: Path, size: int) -> "DagsterInstance":
    """Open Dagster's instance in a folder, which is filled first where it is not."""
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    import dagster as dg

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    instance = dg.DagsterInstance.from_config(str(folder))
    if not (folder / "made").exists():
        for number in range(size):
            instance.report_runless_asset_event(_materialization(number))
            if number % 100 == 0:
                print(f"  {number:,} of {size:,} events in Dagster's log", end="\r", file=sys.stderr)
        print(file=sys.stderr)
        (folder / "made").touch()
    return instance


def _materialization(number: int) -> "dg.AssetMaterialization":
    import dagster as dg

    team, month = v.team_of(number), v.month_of(number)
    inputs = {f"{_INPUT}data/{team}/{role}": digests(v.snapshot(team, role, month)).sha256 or "" for role in ROLES}
    tags = {"dagster/data_version": digests(f"model file {number}").sha256 or "", **inputs}
    metadata = {f"metric_{n:02}": 0.7 + n / 1e3 for n in range(20)}
    return dg.AssetMaterialization(v.model_of(number), tags=tags, metadata={"version": number, **metadata})


def scan(instance: "DagsterInstance", draw: random.Random, size: int) -> Callable[[], object]:
    """Find the materializations of all models that read a snapshot."""
    import dagster as dg

    number = draw.randrange(size)
    team = v.team_of(number)
    tag, sha256 = f"{_INPUT}data/{team}/train", digests(v.snapshot(team, "train", v.month_of(number))).sha256

    def ask() -> object:
        found = []
        for key in instance.get_asset_keys():
            cursor, more = None, True
            while more:
                page = instance.fetch_materializations(key, limit=_PAGE, cursor=cursor)
                cursor, more = page.cursor, page.has_more
                said = [record.asset_materialization for record in page.records]
                found += [
                    each
                    for each in said
                    if isinstance(each, dg.AssetMaterialization) and (each.tags or {}).get(tag) == sha256
                ]
        if not found:
            raise SystemExit(f"Dagster's log names nobody who used {sha256}")
        return found

    return ask


def _timed(think: Callable[[], Callable[[], object]]) -> float:
    return timed(think())


def measure_dagster(place: Place, sizes: Sequence[int], runs: int) -> None:
    """Print what both take for the same question about the same history."""
    rows = []
    for size in sizes:
        draw = random.Random(4)
        with open_log(place.folder / "dagster" / str(size), size) as instance, sqlite(place, size) as catalog:
            asker, ours = Asker(catalog, place, size), QUESTIONS["impact of a snapshot, names"][0]
            what = f"who used a snapshot, {size:,}"
            sides: dict[str, Callable[[], float]] = {
                f"Dagster: {what}": partial(_timed, partial(scan, instance, draw, size)),
                f"catalog: {what}": partial(_timed, partial(ours, asker)),
            }
            rows += compared(in_turn(sides, runs))
    show(f"Scans of Dagster's event log and the catalog in turn, {runs} questions", rows, HEAD)
