"""Referenced files: the model files, blobs and data that records name, each once, with the entries that name it."""

from array import array
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lineage_pipelines.records.statement.dataset import (
    DatasetSnapshot,
    StageInput,
    StageOutput,
    TrackedSource,
    hash_name,
)
from lineage_pipelines.records.statement.environment import Environment
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.training_run import ModelFile
from lineage_pipelines.records.values.digest import Digest


class Blob(NamedTuple):
    """A part of a record that is stored by its digest."""

    hex: str
    what: str
    """`the package list`, `source file flights/train.py`."""
    withheld: bool = False
    """Whether it was never stored, according to the record."""


class Data(NamedTuple):
    """Data that records name."""

    path: str
    md5: str | None
    sha256: str | None
    hash_name: str
    repository: str | None
    """The repository that the training was run in."""
    source: bool
    """Whether only the preparation read it, not the training."""


@dataclass
class ReferencedFiles:
    """The files that records name, each with the places of the entries that name it."""

    models: "dict[str, array[int]]" = field(default_factory=dict)
    model_folders: set[str] = field(default_factory=set)
    """Those of `models` that list the files of a folder, one `<sha256>  <path>` per line."""
    blobs: "dict[Blob, array[int]]" = field(default_factory=dict)
    data: "dict[Data, array[int]]" = field(default_factory=dict)
    folders: dict[str, set[str]] = field(default_factory=dict)
    """The MD5s of each path that is a directory."""
    with_loadable: bool = False
    """Whether `loadable` is filled."""
    loadable: dict[str, ModelFile] = field(default_factory=dict)
    """Those of `models` that can be loaded, with what their records say of them."""

    def merge(self, other: "ReferencedFiles") -> None:
        """Add the files that records of later entries name."""
        for mine, theirs in ((self.models, other.models), (self.blobs, other.blobs), (self.data, other.data)):
            _merge(mine, theirs)
        self.model_folders |= other.model_folders
        self.loadable |= other.loadable
        for path, names in other.folders.items():
            self.folders.setdefault(path, set()).update(names)

    def forget_models(self, purged: Container[str]) -> None:
        """Leave models whose file was purged out of `loadable`."""
        self.loadable = {hex_: file for hex_, file in self.loadable.items() if hex_ not in purged}

    def add(self, seq: int, record: LineageRecord) -> None:
        """Add the files that the record of one entry names.

        Raises:
            RecordError: it names a file by an invalid digest.
        """
        model = record.artifact.digest.hex
        _add(self.models, [model], seq)
        if record.artifact.format == "mlflow":
            self.model_folders.add(model)
        if self.with_loadable and record.artifact.format == "skops":
            self.loadable[model] = record.artifact
        _add(self.blobs, _blobs(record), seq)
        _add(self.data, _data(record), seq)
        for each in _all_data(record):
            if each.digest.md5 is not None and each.digest.md5.endswith(".dir"):
                self.folders.setdefault(each.path, set()).add(each.digest.md5)


def _add(found: "dict[Any, array[int]]", names: Iterable[Any], seq: int) -> None:
    for name in names:
        found.setdefault(name, array("Q")).append(seq)


def _merge(found: "dict[Any, array[int]]", more: "dict[Any, array[int]]") -> None:
    for name, places in more.items():
        found.setdefault(name, array("Q")).extend(places)


def _blobs(record: LineageRecord) -> Iterator[Blob]:
    withheld = [line for line in record.completeness.missing if " withheld" in line]
    yield from _environment_blobs(record.environment, withheld)
    if record.code.patch is not None:
        yield Blob(record.code.patch.hex, "the patch")
    for file in record.code.source.files if record.code.source is not None else ():
        hidden = any(line.startswith(f"code.source: {file.path} withheld") for line in withheld)
        if file.masked is not None:
            yield Blob(file.masked.hex, f"masked source file {file.path}")
        else:
            yield Blob(Digest("sha256", file.sha256).hex, f"source file {file.path}", hidden)
    if record.evaluation is not None and record.evaluation.probe is not None:
        yield Blob(record.evaluation.probe.predictions.hex, "the predictions of the probe")
    if record.run.mlflow is not None and record.run.mlflow.source is not None:
        yield Blob(record.run.mlflow.source.hex, "the data of the MLflow run")
    for snapshot in record.data:
        yield from _data_blobs(snapshot)
    for source in record.sources:
        yield from _data_blobs(source)


def _data_blobs(data: DatasetSnapshot | TrackedSource) -> Iterator[Blob]:
    if data.profile is not None:
        yield Blob(data.profile.hex, f"the profile of {data.path}")
    if data.listing is not None:
        yield Blob(data.listing.hex, f"the listing of {data.path}")


def _environment_blobs(environment: Environment, withheld: Iterable[str]) -> Iterator[Blob]:
    yield Blob(environment.packages.hex, "the package list")
    if environment.imported is not None:
        yield Blob(environment.imported.hex, "the list of imported packages")
    if environment.lock is not None:
        hidden = any(line.startswith("environment.lock:") for line in withheld)
        yield Blob(environment.lock.hex, "the lock file", hidden)


def _data(record: LineageRecord) -> Iterator[Data]:
    repository = record.code.repository
    for snapshot in record.data:
        yield _one(snapshot, repository, source=False)
    for stage in record.stages:
        for used in stage.deps:
            if used.is_tracked or used.origin.endswith(".dvc"):
                yield _one(used, repository, source=True)


def _one(data: DatasetSnapshot | StageInput, repository: str | None, *, source: bool) -> Data:
    return Data(data.path, data.digest.md5, data.digest.sha256, hash_name(data), repository, source)


def _all_data(record: LineageRecord) -> Iterator[DatasetSnapshot | StageInput | StageOutput]:
    yield from record.data
    for stage in record.stages:
        yield from stage.deps
        yield from stage.outs
