"""Metafile readers, strict ones, of the files in which DVC records data: dvc.lock and `.dvc`. No DVC import.

They are documented formats and read on hot paths. Paths come back as they are written, relative to the working
folder of their stage; only the project (dvc_project.py) knows that folder and makes them relative to the DVC root.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lineage_pipelines.datasets.metafiles import metafile_entries
from lineage_pipelines.datasets.metafiles.directory_listing import read_listing
from lineage_pipelines.datasets.metafiles.metafile_entries import ImportSource, Place, Recorded, canonical_entry
from lineage_pipelines.datasets.metafiles.quiet_read import read_quietly
from lineage_pipelines.datasets.metafiles.yaml_reader import Document, YamlError, read_yaml
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.digest import Digest

__all__ = [
    "LockEntry",
    "Recorded",
    "TrackedEntry",
    "lock_problems",
    "parse_lock",
    "parse_tracked",
    "read_listing",
    "read_lock",
    "read_tracked",
]

_RECORD_AGAIN = "restore the file with `git checkout`, or record it again with `dvc commit` or `dvc repro`"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEntry:
    """The entry of dvc.lock for the latest run of one stage."""

    address: str
    """The stage's name in dvc.lock; its full address if it comes from `DvcProject`."""
    command: str
    """Several commands are joined by new lines."""
    deps: tuple[Recorded, ...] = ()
    params: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """File name, as written, to the values that were read from it."""
    outs: tuple[Recorded, ...] = ()
    raw: Json = field(default=None, repr=False)
    """The entry as plain JSON values."""

    @property
    def digest(self) -> Digest:
        """SHA-256 of the canonical JSON of the entry as it is written.

        Raises:
            DatasetError: the entry has no canonical form.
        """
        return Digest.of(canonical_entry(self.raw, self.address))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedEntry:
    """The content of a `.dvc` file."""

    outs: tuple[Recorded, ...] = ()
    deps: tuple[Recorded, ...] = ()
    """Where an import came from; empty for `dvc add`."""
    wdir: str = "."
    """Relative to the folder of the `.dvc` file; paths are relative to it."""
    frozen: bool = False
    desc: str | None = None
    meta: Mapping[str, Json] = field(default_factory=dict)
    imported: ImportSource | None = None
    """None for `dvc add`."""


def read_lock(path: Path) -> Mapping[str, LockEntry]:
    """Read a dvc.lock completely, even while DVC rewrites it.

    Returns:
        Each stage's entry by the stage's name in that file.

    Raises:
        DatasetError: the file cannot be read, or an entry is not what DVC writes.
    """
    return parse_lock(read_yaml(read_quietly(path), file=str(path)))


def parse_lock(document: Document) -> Mapping[str, LockEntry]:
    """Read the entries of a parsed dvc.lock.

    Raises:
        DatasetError: the first entry that is not what DVC writes.
    """
    return {name: _lock_entry(name, place) for name, place in _lock_stages(document)}


def lock_problems(document: Document) -> Iterator[YamlError]:
    """Yield everything that `parse_lock` would refuse, one error for each entry."""
    try:
        stages = list(_lock_stages(document))
    except YamlError as error:
        yield error
        return
    for name, place in stages:
        try:
            _lock_entry(name, place)
        except YamlError as error:
            yield error


def _lock_stages(document: Document) -> Iterator[tuple[str, Place]]:
    top = Place(document)
    if not isinstance(document.value, dict):
        raise top.error("dvc.lock is not a mapping", fix=_RECORD_AGAIN)
    schema = document.value.get("schema")
    if schema is not None and schema != "2.0":
        raise top.at("schema").error(
            f"the schema of dvc.lock is {str(schema)[:40]!r}; this release reads '2.0'",
            fix="upgrade lineage-pipelines, or write the file with the DVC version that the project pins",
        )
    # Before 2.0 the stages stood at the top.
    stages = top.at("stages") if schema is not None else top
    for name in stages.mapping():
        yield str(name), stages.at(name)


def _lock_entry(name: str, place: Place) -> LockEntry:
    return LockEntry(
        address=name,
        command=metafile_entries.command(place.at("cmd")),
        deps=tuple(metafile_entries.recorded(item) for item in place.at("deps").items()),
        params=metafile_entries.params(place.at("params")),
        outs=tuple(metafile_entries.recorded(item) for item in place.at("outs").items()),
        raw=metafile_entries.plain(place.mapping()),
    )


def read_tracked(path: Path) -> TrackedEntry:
    """Read a `.dvc` file completely, even while DVC rewrites it.

    Raises:
        DatasetError: the file cannot be read, is empty, or is not what DVC writes.
    """
    return parse_tracked(read_yaml(read_quietly(path), file=str(path)))


def parse_tracked(document: Document) -> TrackedEntry:
    """Read a parsed `.dvc` file.

    Raises:
        DatasetError: it is empty or not what DVC writes.
    """
    top = Place(document)
    raw = top.mapping()
    if not raw:
        raise top.error("the .dvc file is empty, so nothing is tracked", fix="`git checkout` it, or `dvc add` the data")
    if "cmd" in raw:
        raise top.at("cmd").error("a stage in a .dvc file, as DVC wrote before 1.0", fix="move the stage to dvc.yaml")
    deps = top.at("deps").items()
    imported = metafile_entries.import_source(deps)
    return TrackedEntry(
        outs=tuple(replace(metafile_entries.recorded(item), imported=imported) for item in top.at("outs").items()),
        deps=tuple(metafile_entries.recorded(item) for item in deps),
        wdir=top.at("wdir").text() or ".",
        frozen=top.at("frozen").flag(default=False) or top.at("locked").flag(default=False),
        desc=top.at("desc").text(),
        meta=metafile_entries.meta(top.at("meta")),
        imported=imported,
    )
