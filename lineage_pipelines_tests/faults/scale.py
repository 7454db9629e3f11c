"""A catalog of many versions, made fast, and how long and in how much memory `verify` walks it.

`python -m lineage_pipelines_tests.faults.scale --records 100000` repeats the figure of the documentation. The entries
are real: canonical records that follow each other, real signatures, every index. Only the way into the database is
short: whole transactions of rows instead of one record each, and the index is derived from the log in the end.
"""

import argparse
import dataclasses
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.catalog_log import LOG_KEY
from lineage_pipelines.catalog.transparency.signing import LogKey
from lineage_pipelines.records.statement.lineage_record import encode
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.samples import BEGIN, digest, make_record, run_key

MODELS = ("flight_delay", "minutes", "cancelled", "diverted")
DELIVERY = 100
"""So many versions are trained on the same data."""
_BATCH = 5_000
_LOG = "INSERT INTO log (seq, kind, digest, body, recorded, keyid, signature) VALUES (?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class Measured:
    """What one verification took."""

    seconds: float
    peak: int
    """Bytes of memory at most."""
    failed: list[str]


def fill(folder: Path, records: int) -> Path:
    """Make a catalog of so many records below a folder; return its file."""
    path = folder / "catalog.db"
    with Catalog(f"sqlite:///{path}", keys=folder / "keys") as catalog:
        for model in MODELS:  # in the usual way: the key, the models, the first versions
            catalog.append(make_record("0", model=model))
        heads = {model: found.digest for model in MODELS if (found := catalog.latest(model))}
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA synchronous=OFF")
    try:
        _insert(raw, LogKey(folder / "keys" / LOG_KEY), heads, records)
        with Catalog(f"sqlite:///{path}", keys=folder / "keys") as catalog:
            catalog.rebuild()
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()
    return path


def _insert(raw: sqlite3.Connection, key: LogKey, heads: dict[str, Digest], records: int) -> None:
    first = len(MODELS) + 1  # after the key and the first versions
    rows = _rows(key, heads, records - len(MODELS))
    for start in range(0, records - len(MODELS), _BATCH):
        raw.execute("BEGIN")
        for number, (body, signature) in zip(range(start, start + _BATCH), rows, strict=False):
            seq, name = first + number + 1, Digest.of(body).hex
            recorded = format_time(BEGIN + timedelta(days=4000, seconds=60 * number))
            raw.execute(_LOG, (seq, "record", name, body, recorded, key.keyid, signature))
        raw.execute("COMMIT")


def _rows(key: LogKey, heads: dict[str, Digest], count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield bytes and signature of each record."""
    templates: dict[str, bytes] = {}
    for number in range(count):
        model = MODELS[number % len(MODELS)]
        if number % (DELIVERY * len(MODELS)) < len(MODELS):
            templates[model] = _template(model, f"delivery {number // (DELIVERY * len(MODELS))}")
        run = run_key(f"{model} {number + 1}")
        body = _numbered(templates[model], model, heads[model], number, run)
        heads[model] = Digest.of(body)
        yield body, key.sign("record", body)


_MARKS = {"previous": "a" * 64, "run": "b" * 64, "model": "c" * 64}


def _template(model: str, raw: str) -> bytes:
    """Return a record in which marks of the same length stand for what is every version's own."""
    record = make_record("1", model=model, raw=raw)
    previous = Digest("sha256", _MARKS["previous"])
    identity = dataclasses.replace(record.model, previous=previous, run_key=_MARKS["run"])
    artifact = dataclasses.replace(record.artifact, digest=Digest("sha256", _MARKS["model"]))
    return encode(dataclasses.replace(record, model=identity, artifact=artifact))


def _numbered(template: bytes, model: str, previous: Digest, number: int, run: str) -> bytes:
    parts = {"previous": previous.hex, "run": run, "model": digest(f"model {model} {number}").hex}
    for mark, value in parts.items():
        template = template.replace(_MARKS[mark].encode(), value.encode())
    return template


def measure(path: Path) -> Measured:
    """Verify a catalog in a process of its own, against a checkpoint of it."""
    command = [sys.executable, "-m", __spec__.name if __name__ == "__main__" else __name__, "--verify", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Measured(**json.loads(done.stdout))


def _verify(path: Path) -> Measured:
    from lineage_pipelines.queries.verify.verify import verify_catalog

    with Catalog(f"sqlite:///{path}", read_only=True, keys=path.parent / "keys") as catalog:
        note = (path.parent / "note").read_text()
        begun = time.perf_counter()
        claims = verify_catalog(catalog, anchor=note, anchor_name="the checkpoint")
        seconds = time.perf_counter() - begun
    failed = [f"{claim.kind}: {claim.detail}" for claim in claims if claim.failed]
    return Measured(seconds, _peak(), failed)


def _peak() -> int:
    """Return the most memory that this process has had, in bytes."""
    # The resource usage of a process begins with that of the one that started it; the kernel's own count does not.
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def anchor(path: Path) -> None:
    """Keep a checkpoint of a catalog beside it."""
    with Catalog(f"sqlite:///{path}", read_only=True, keys=path.parent / "keys") as catalog:
        (path.parent / "note").write_text(catalog.log.checkpoint())


def main() -> int:
    """Print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--verify", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.verify is not None:
        sys.stdout.write(json.dumps(dataclasses.asdict(_verify(asked.verify))))
        return 0
    with tempfile.TemporaryDirectory(prefix="lineage-scale-") as folder:
        begun = time.perf_counter()
        path = fill(Path(folder), asked.records)
        anchor(path)
        made, size = time.perf_counter() - begun, path.stat().st_size
        sys.stdout.write(f"{asked.records:,} records, {size / 1e6:,.0f} MB, made in {made:.1f} s\n")
        found = measure(path)
    told = f"{found.seconds:.1f} s, at most {found.peak / 1e6:,.0f} MB of memory, {len(found.failed)} claims failed"
    sys.stdout.write("\n".join([f"verified in {told}", *found.failed, ""]))
    return 1 if found.failed else 0


if __name__ == "__main__":
    sys.exit(main())
