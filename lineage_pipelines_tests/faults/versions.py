"""A version stored as training does it: the model file first, then the record that names it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.catalog.outbox.outbox import DAGSTER
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.system.process_identity import host_name, process_name
from lineage_pipelines_tests.samples import make_record, run_key

MODEL = "flight_delay"
_ELSEWHERE = "catalog.url"
_RAW = "through 2013-03"
_BLOBS = ("packages", "patch", "train.py", *(f"profile of {role} of {_RAW}" for role in ("train", "test")))
"""The contents whose digests a plain record names."""


def open_store(folder: Path) -> ArtifactStore:
    """Return the store of model files."""
    return ArtifactStore(str(folder / "artifacts"))


def keep_elsewhere(folder: Path, url: str) -> None:
    """Let the catalog of a folder be kept in a database."""
    (folder / _ELSEWHERE).write_text(url)


def open_catalog(folder: Path) -> Catalog:
    """Open the catalog, with its keys: a file in the folder, unless it is kept elsewhere."""
    elsewhere = folder / _ELSEWHERE
    url = elsewhere.read_text() if elsewhere.exists() else f"sqlite:///{folder}/catalog.db"
    return Catalog(url, keys=folder / "keys")


def commit(catalog: Catalog, store: ArtifactStore, run: str, *, model: str = MODEL) -> Entry:
    """Announce an attempt, store its model file and commit the record that names it."""
    key = run_key(f"{model} {run}")
    attempt = catalog.outbox.begin_attempt(key, model, host=host_name(), process=process_name())
    return catalog.append(stored(store, run, model=model), attempt=attempt, notify=[DAGSTER])


def store_shared(folder: Path) -> None:
    """Store what all records of `stored` name: the list of packages, the patch, the source, the profiles."""
    for text in _BLOBS:
        open_store(folder).put_bytes(text.encode())


def stored(store: ArtifactStore, run: str, *, model: str = MODEL) -> LineageRecord:
    """Store the model file of a run and return the record that names it."""
    record = make_record(run, model=model, raw=_RAW)
    data = f"the model file of {model} {run}".encode() * 40
    digest = store.put_bytes(data)
    artifact = dataclasses.replace(record.artifact, digest=digest, size=len(data))
    return dataclasses.replace(record, artifact=artifact)


def store_version(
    folder: Path, run: str, *, model: str = MODEL, acknowledge: Callable[[Entry], None] = lambda _: None
) -> Entry:
    """Store a version whole, and say so before the catalog is closed.

    Raises:
        LineageError: it cannot be stored.
    """
    with open_catalog(folder) as catalog:
        entry = commit(catalog, open_store(folder), run, model=model)
        acknowledge(entry)
    return entry


def temporary_files(folder: Path) -> list[Path]:
    """Return the files that a writer has left half-done, whatever room they are of."""
    return sorted(folder.rglob(".new-*"))
