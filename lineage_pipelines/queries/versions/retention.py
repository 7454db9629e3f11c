"""Retention: the data of the versions that are or ever were in production, or of selected ones, and its pinning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.queries.index_check import check_decisions
from lineage_pipelines.queries.referenced_files import Data, ReferencedFiles
from lineage_pipelines.queries.refs import resolve
from lineage_pipelines.records.values.model_name import PRODUCTION

if TYPE_CHECKING:
    from array import array

    from lineage_pipelines.datasets.workspace.data_state import NamedData
    from lineage_pipelines.datasets.workspace.pins import Pinned, Pushed


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """The versions that need some data."""

    versions: tuple[str, ...]
    """For example `flight_delay@3`."""
    source: bool
    """Whether only the preparation read it, not the training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataToKeep:
    """The data of some versions."""

    versions: tuple[str, ...]
    data: "Mapping[NamedData, Needed]"
    folders: Mapping[str, frozenset[str]]
    """The MD5s of each path that is a directory."""
    unnamed: Mapping[str, Needed]
    """Paths of data without an MD5, which cannot be located."""


def find_data_to_keep(catalog: Catalog, refs: Sequence[str] = ()) -> DataToKeep:
    """Return the data of versions.

    Args:
        catalog: the catalog.
        refs: the versions; by default all that are or ever were in production.

    Raises:
        NotFoundError: a REF names no version.
        CatalogError: the catalog cannot be read, or its index of decisions contradicts the log.
        RecordError: a record cannot be read.
    """
    if refs:
        entries = {entry.seq: entry for entry in (resolve(catalog, ref) for ref in refs)}
    else:
        check_decisions(catalog)
        promoted = (catalog.get(model, version) for model, version in catalog.index.alias_versions(PRODUCTION))
        entries = {entry.seq: entry for entry in promoted}
    files = ReferencedFiles()
    for entry in entries.values():
        files.add(entry.seq, entry.record)
    return _conclude(entries, files)


def _conclude(entries: Mapping[int, Entry], files: ReferencedFiles) -> DataToKeep:
    from lineage_pipelines.datasets.workspace.data_state import NamedData

    data: dict[NamedData, Needed] = {}
    unnamed: dict[str, Needed] = {}
    for one, users in files.data.items():
        if one.md5 is None:
            unnamed[one.path] = _needed(unnamed.get(one.path), one, users, entries)
        else:
            kept = NamedData(path=one.path, md5=one.md5, sha256=one.sha256, hash_name=one.hash_name)
            data[kept] = _needed(data.get(kept), one, users, entries)
    return DataToKeep(
        versions=tuple(entry.ref for entry in entries.values()),
        data=data,
        folders={path: frozenset(names) for path, names in files.folders.items()},
        unnamed=unnamed,
    )


def _needed(before: Needed | None, one: Data, users: "array[int]", entries: Mapping[int, Entry]) -> Needed:
    refs = dict.fromkeys((*(before.versions if before else ()), *(entries[seq].ref for seq in users)))
    return Needed(versions=tuple(refs), source=one.source and (before is None or before.source))


@dataclass(frozen=True, slots=True, kw_only=True)
class PinResult:
    """What `lineage pin` did, or would do in a dry run."""

    kept: DataToKeep
    pinned: "Pinned"
    pushed: "Pushed | None"
    """None if pushing was not requested, or there is no default remote."""
    dry_run: bool
    wants_push: bool

    @property
    def losses(self) -> "Sequence[MissingData]":
        """Return the data that is absent, altered or without MD5; data that trainings read first."""
        missing = [
            MissingData(path=one.path, md5=one.md5, state=str(stored.state), detail=stored.detail, needed=needed)
            for (one, needed), stored in zip(self.kept.data.items(), self.pinned.states, strict=True)
            if stored.detail
        ]
        no_digest = "its record has no MD5, so it cannot be located"
        unnamed = self.kept.unnamed.items()
        missing += [
            MissingData(path=path, md5=None, state="unknown", detail=no_digest, needed=needed)
            for path, needed in unnamed
        ]
        return sorted(missing, key=lambda each: each.needed.source)

    @property
    def is_complete(self) -> bool:
        """Whether all data that a training read is kept; data that only the preparation read may be gone."""
        return all(loss.needed.source for loss in self.losses) and not (
            self.pushed is not None and self.pushed.lacks and not self.dry_run
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingData:
    """Data that is absent or altered."""

    path: str
    md5: str | None
    state: str
    """`altered`, `absent`, or `unknown`."""
    detail: str
    needed: Needed
