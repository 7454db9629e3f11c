"""A project whose versions are compared on the command line, in this process; its tables and profiles are kept."""

import dataclasses
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.tables.table_capture import capture_table
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.cli.main import main
from lineage_pipelines.datasets.content.snapshots import SnapshotCache
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.queries.diff.tables import write_table
from lineage_pipelines_tests.samples import make_record
from lineage_pipelines_tests.world import World


@dataclass(frozen=True)
class Answer:
    """What a command said, and how long it took."""

    code: int
    out: str
    err: str
    seconds: float

    def json(self) -> Any:
        return json.loads(self.out)


class Versions:
    """A project with a catalog."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = World.__new__(World)  # the folder is a copy of one that was made
        self.world.root = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.world.write("pyproject.toml", "[tool.lineage]\n")
        self.settings = resolve_settings(start=folder)
        self.store = ArtifactStore(self.settings.artifacts)
        self._capsys = capsys
        self._runs = 0

    def catalog(self) -> Catalog:
        """Open the catalog for writing."""
        return Catalog(self.settings.catalog, keys=self.settings.keys)

    def add(self, record: LineageRecord | None = None, *, model: str = "flight_delay", **parts: Any) -> Entry:
        """Commit a version, some parts of it otherwise."""
        self._runs += 1
        made = record or make_record(str(self._runs), model=model)
        with self.catalog() as catalog:
            return catalog.append(dataclasses.replace(made, **parts))

    def snapshot(
        self, name: str, table: "pa.Table | bytes", suffix: str = "feather", *, tracked: bool = True
    ) -> DatasetSnapshot:
        """Write a table, or a file, into the workspace, and DVC's cache too; say what would be recorded of it."""
        path = f"data/{name}.{suffix}"
        file = self.world.path(path)
        file.parent.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        if isinstance(table, bytes):
            file.write_bytes(table)
        else:
            write_table(table, file)
        if tracked:
            self.world.track(path)
        found, captured = SnapshotCache(self.world.root).snapshot(file), capture_table(file, name=name)
        return DatasetSnapshot(
            name=name,
            role=name,
            path=path,
            digest=found.digest,
            size=found.size,
            files=found.files,
            rows=captured.facts.rows if captured.facts else None,
            schema=captured.facts.columns if captured.facts else (),
            profile=self.store.put_bytes(captured.profile) if captured.profile else None,
        )

    def with_profile(self, snapshot: DatasetSnapshot, profile: bytes) -> DatasetSnapshot:
        """Return a snapshot as if another release had recorded it."""
        return dataclasses.replace(snapshot, profile=self.store.put_bytes(profile))

    def forget(self, digest: Digest) -> None:
        """Take something out of the artifact store."""
        (path,) = Path(self.settings.artifacts).rglob(digest.hex[2:])
        path.unlink()

    def lose(self, *snapshots: DatasetSnapshot) -> None:
        """Take data out of the workspace and the cache."""
        for each in snapshots:
            self.world.path(each.path).unlink(missing_ok=True)
            self.world.cached(each.digest.md5 or "").unlink(missing_ok=True)

    def ask(self, *words: str) -> Answer:
        """Ask as a user would; nothing that is no answer may come of it."""
        self._capsys.readouterr()
        begun = time.monotonic()
        code = main(list(words))
        seconds = time.monotonic() - begun
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        return Answer(code, said.out, said.err, seconds)


def packages(versions: Versions, listed: Mapping[str, str]) -> dict[str, Any]:
    """An environment with these libraries."""
    text = "".join(f"{name}=={version}\n" for name, version in listed.items())
    kept = versions.store.put_bytes(text.encode())
    environment = make_record().environment
    return {"environment": dataclasses.replace(environment, packages=kept, package_count=len(listed))}
