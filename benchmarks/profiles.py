"""Tables of every month of a year, made up, and their profiles, as the library makes them."""

import math
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.tables.table_capture import capture_table
from lineage_pipelines.records.statement.dataset import Column
from lineage_pipelines.records.values.digest import Digest

ROLES = ("train", "test")
PROFILES = 12


def put_profiles(artifacts: ArtifactStore) -> Mapping[tuple[int, str], tuple[tuple[Column, ...], Digest]]:
    """Return schema and profile of a table for each month of a year, made of tables as the library makes them."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        for month in range(PROFILES):
            for role in ROLES:
                path = Path(name) / f"{month}-{role}.csv"
                path.write_text(_table(month, random.Random(f"{month} {role}")))
                captured = capture_table(path, name=role)
                assert captured.profile is not None
                assert captured.facts is not None
                found[month, role] = captured.facts.columns, artifacts.put_bytes(captured.profile)
    return found


def _table(month: int, draw: random.Random) -> str:
    lines = ["hour,delay,temp,wind,distance,origin,late"]
    for _ in range(3_000):
        temp = 55 + 25 * math.sin(month / 2) + draw.gauss(0, 8)
        numbers = (draw.randrange(24), draw.expovariate(0.05), temp, draw.expovariate(0.1), draw.randrange(80, 4_000))
        lines.append(",".join([*(f"{n:.5g}" for n in numbers), draw.choice(("EWR", "JFK", "LGA")), draw.choice("01")]))
    return "\n".join(lines) + "\n"
