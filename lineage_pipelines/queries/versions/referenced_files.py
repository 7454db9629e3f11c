"""The files that records name: model files, blobs, data; each once, with the entries that name it."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.values.canonical import parse_bytes
from lineage_pipelines.records.values.digest import Digest


class Blob(NamedTuple):
    """A part of a record that is kept by digest."""

    hex: str
    what: str
    """`the package list`, `source file flights/train.py`."""
    withheld: bool = False
    """Whether the record says that it was never stored."""


class Data(NamedTuple):
    """Data as records name it."""

    path: str
    md5: str | None
    sha256: str | None
    hash_name: str
    repository: str | None
    """The repository that the training was run in."""
    source: bool
    """Whether it is what the preparation began with, and not what the training read."""


@dataclass
class NamedFiles:
    """What the records that were walked over name, each with the entries that name it."""

    models: "dict[str, array[int]]" = field(default_factory=dict)
    folders_of_models: set[str] = field(default_factory=set)
    """Those of `models` that are lists of a folder's files, `<sha256>  <path>` a line: the files are looked at too."""
    blobs: "dict[Blob, array[int]]" = field(default_factory=dict)
    data: "dict[Data, array[int]]" = field(default_factory=dict)
    folders: dict[str, set[str]] = field(default_factory=dict)
    """The MD5s of each path that is a directory."""

    def see(self, seq: int, body: bytes) -> None:
        """Take what one record names.

        Raises:
            RecordError: it cannot be read.
        """
        statement: Any = parse_bytes(body)
        try:
            said = statement["predicate"]
            model = _hex(said["artifact"]["digest"])
            _add(self.models, [model], seq)
            if said["artifact"]["format"] == "mlflow":
                self.folders_of_models.add(model)
            _add(self.blobs, _blobs(said), seq)
            _add(self.data, _data(said), seq)
            for one in _all_data(said):
                md5 = one["digest"].get("md5")
                if md5 is not None and md5.endswith(".dir"):
                    self.folders.setdefault(one["path"], set()).add(md5)
        except (LookupError, TypeError, AttributeError) as error:
            raise RecordError("what it says of its files cannot be read") from error


def _add(found: "dict[Any, array[int]]", names: Iterable[Any], seq: int) -> None:
    for name in names:
        found.setdefault(name, array("Q")).append(seq)


def _hex(text: str) -> str:
    return Digest.parse(text).hex


def _blobs(said: Any) -> Iterator[Blob]:  # noqa: ANN401  # JSON of any shape
    code, environment = said["code"], said["environment"]
    withheld = [line for line in said["completeness"]["missing"] if " withheld" in line]
    yield Blob(_hex(environment["packages"]), "the package list")
    if "lock" in environment:
        hidden = any(line.startswith("environment.lock:") for line in withheld)
        yield Blob(_hex(environment["lock"]), "the lock file", hidden)
    if "patch" in code:
        yield Blob(_hex(code["patch"]), "the patch")
    for file in code["source"]["files"] if "source" in code else ():
        hidden = any(line.startswith(f"code.source: {file['path']} withheld") for line in withheld)
        yield Blob(Digest("sha256", file["sha256"]).hex, f"source file {file['path']}", hidden)
    if "probe" in said.get("evaluation", {}):
        yield Blob(_hex(said["evaluation"]["probe"]["predictions"]), "the predictions of the probe")
    if "source" in said["run"].get("mlflow", {}):
        yield Blob(_hex(said["run"]["mlflow"]["source"]), "what MLflow said")
    for snapshot in said["data"]:
        if "profile" in snapshot:
            yield Blob(_hex(snapshot["profile"]), f"the profile of {snapshot['path']}")


def _data(said: Any) -> Iterator[Data]:  # noqa: ANN401
    repository = said["code"].get("repository")
    for snapshot in said["data"]:
        yield _one(snapshot, repository, source=False)
    for stage in said["stages"]:
        for used in stage["deps"]:
            if used["origin"].removeprefix("superseded:").startswith("tracked:") or used["origin"].endswith(".dvc"):
                yield _one(used, repository, source=True)


def _one(said: Any, repository: str | None, *, source: bool) -> Data:  # noqa: ANN401
    digest, hash_name = said["digest"], str(said.get("hash", "md5"))
    return Data(str(said["path"]), digest.get("md5"), digest.get("sha256"), hash_name, repository, source)


def _all_data(said: Any) -> Iterator[Any]:  # noqa: ANN401
    yield from said["data"]
    for stage in said["stages"]:
        yield from stage["deps"]
        yield from stage["outs"]
