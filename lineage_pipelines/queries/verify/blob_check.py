"""Blob check: whether every file that records name is still stored, byte for byte. Each file is read once."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.errors import ArtifactError, DatasetError
from lineage_pipelines.queries.referenced_files import Data, ReferencedFiles
from lineage_pipelines.queries.tombstones import LoggedTombstone
from lineage_pipelines.queries.verify.claims import conclude, defect, not_checked
from lineage_pipelines.queries.verify.log_tree import Versions, version_name
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.finding import Finding, FindingKind
from lineage_pipelines.records.values.phrase import count, some_of

if TYPE_CHECKING:
    from array import array

    from lineage_pipelines.datasets.workspace.data_state import StoredData

Progress = Callable[[str, int], None]
"""Called with the kind of thing that is checked and how many were checked so far."""
_SHOWN = 3
_MODEL, _IN_FOLDER = "its model file", " of its model folder"
_OF_MODEL = (_MODEL, _IN_FOLDER)
Named = tuple[str, "array[int]"]
"""What a file is, and the entries that name it."""
_BATCH = 4096
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_artifacts(
    files: ReferencedFiles,
    store: ArtifactStore | None,
    indexed: Versions,
    progress: Progress,
    tombstones: Mapping[str, LoggedTombstone] = MappingProxyType({}),
) -> Finding:
    """Return whether every model file and every blob is in the store, unaltered, but for what was purged."""
    if store is None:
        return not_checked(FindingKind.ARTIFACTS, "no artifact store was given")
    expected = expected_files(files, store)
    removed = Removed(expected, store, tombstones, indexed)
    there = {hex_: named for hex_, named in expected.items() if hex_ not in removed.gone}
    flaws = _read_all(store, list(there), progress)
    wrong = [
        defect(FindingKind.ARTIFACTS, f"{name_users(users, indexed)}: {what}: {words}", users)
        for (what, users), words in zip(there.values(), flaws, strict=True)
        if words is not None
    ]
    models = sum(what.endswith(_OF_MODEL) for what, _ in there.values())
    right = f"{models:,} model files and {len(there) - models:,} blobs are in the store and unaltered"
    return conclude(FindingKind.ARTIFACTS, wrong, right + removed.words)


class Removed:
    """Which files that records name were removed on purpose, by the tombstones in the log.

    Args:
        expected: the files that records name, see `expected_files`.
        store: the artifact store.
        tombstones: see `list_tombstones`. One excuses only what named the file before it.
        indexed: the versions.
    """

    def __init__(
        self,
        expected: "Mapping[str, Named]",
        store: ArtifactStore,
        tombstones: Mapping[str, LoggedTombstone],
        indexed: Versions,
    ) -> None:
        covered = {
            hex_: logged for hex_, logged in tombstones.items() if hex_ in expected and logged.covers(expected[hex_][1])
        }
        left = {hex_ for hex_ in covered if Digest("sha256", hex_) in store}
        self.gone = covered.keys() - left
        """The SHA-256 of each file that is gone."""
        said = [
            f"{name_users(expected[hex_][1], indexed)}: {expected[hex_][0]}, {logged.words}"
            for hex_, logged in covered.items()
            if hex_ in self.gone
        ]
        again = [f"{expected[hex_][0]} ({hex_[:12]})" for hex_ in sorted(left)]
        self.words = f"; {len(said):,} purged: {some_of(said, most=_SHOWN)}" if said else ""
        """What was removed, to be appended to a detail."""
        if again:
            self.words += f"; warning: purged, and stored again: {some_of(again, most=_SHOWN)} (repeat lineage purge)"


def expected_files(files: ReferencedFiles, store: ArtifactStore) -> "dict[str, Named]":
    """Return what each file is that has to be in the store, and the entries that name it, by its SHA-256 in hex."""
    expected: dict[str, Named] = {hex_: (_MODEL, users) for hex_, users in files.models.items()}
    for hex_, path, users in _in_folders(files, store):
        expected.setdefault(hex_, (f"{path}{_IN_FOLDER}", users))
    for blob, users in files.blobs.items():
        if not blob.withheld and blob.hex not in expected:
            expected[blob.hex] = (blob.what, users)
    return expected


def _in_folders(files: ReferencedFiles, store: ArtifactStore) -> "Iterator[tuple[str, str, array[int]]]":
    """Yield the files of model folders by their lists; an unreadable list is reported when the lists are checked."""
    for hex_ in sorted(files.model_folders):
        try:
            text = store.read(Digest("sha256", hex_)).decode()
        except (ArtifactError, ValueError):
            continue
        for line in text.splitlines():
            name, _, path = line.partition("  ")
            if _SHA256.fullmatch(name):
                yield name, path, files.models[hex_]


def _read_all(store: ArtifactStore, names: Sequence[str], progress: Progress) -> list[str | None]:
    from lineage_pipelines.datasets.content.thread_pool import spread

    lock, done = Lock(), 0

    def look(name: str) -> str | None:
        nonlocal done
        try:
            store.check(Digest("sha256", name))
            words = None
        except ArtifactError as error:
            words = error.what
        with lock:
            done += 1
            progress("stored files", done)
        return words

    # In batches: tasks that wait for a thread take memory, too.
    batches = (names[start : start + _BATCH] for start in range(0, len(names), _BATCH))
    return [words for batch in batches for words in spread(look, batch, size=lambda _: 1 << 20)]


def name_users(users: "array[int]", indexed: Versions) -> str:
    """Say which versions name a file, the first few of them."""
    names = [version_name(version) if (version := indexed.get(seq)) else f"entry {seq}" for seq in users[:_SHOWN]]
    more = f" and {len(users) - _SHOWN:,} more" if len(users) > _SHOWN else ""
    return ", ".join(names) + more


# Data


def check_data(files: ReferencedFiles, project_dir: Path | None, indexed: Versions, progress: Progress) -> Finding:
    """Return whether all data that the versions were trained on is still there, unaltered.

    The tracked sources that the preparation began with may be gone, but must not have been altered.
    """
    from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
    from lineage_pipelines.datasets.workspace.data_state import NamedData
    from lineage_pipelines.datasets.workspace.object_search import check_stored

    if project_dir is None:
        return not_checked(FindingKind.DATA, "no DVC project was given")
    known = [one for one in files.data if one.md5 is not None]
    stored = [NamedData(path=one.path, md5=one.md5 or "", sha256=one.sha256, hash_name=one.hash_name) for one in known]
    try:
        project = DvcProject(project_dir)
        found = check_stored(
            project, stored, folders=files.folders, progress=lambda count: progress("data files", count)
        )
    except DatasetError as error:
        return not_checked(FindingKind.DATA, f"{error.what} ({error.where})")
    return _conclude(files, dict(zip(known, found, strict=True)), indexed, project_dir)


def _conclude(
    files: ReferencedFiles, states: "Mapping[Data, StoredData]", indexed: Versions, project_dir: Path
) -> Finding:
    absent = [one for one, found in states.items() if found.state == "absent" and not one.source]
    elsewhere = set(_of_others(absent, project_dir))
    missed = {*absent} - elsewhere
    wrong = [
        defect(FindingKind.DATA, f"{name_users(files.data[one], indexed)}: {one.path}: {found.detail}", files.data[one])
        for one, found in states.items()
        if found.state == "altered" or one in missed
    ]
    gaps = list(_gaps(elsewhere, [one for one in files.data if one.md5 is None and not one.source]))
    if gaps and not wrong:
        return not_checked(FindingKind.DATA, "; ".join([*gaps, _summary(states)]))
    return conclude(FindingKind.DATA, wrong, _summary(states))


def _gaps(elsewhere: Collection[Data], unnamed: Sequence[Data]) -> Iterator[str]:
    if elsewhere:
        others = ", ".join(sorted({one.repository or "" for one in elsewhere}))
        yield f"{count(len(elsewhere), 'snapshot')} of other repositories: {others}"
    if unnamed:
        yield f"{count(len(unnamed), 'snapshot')} without MD5 cannot be checked, for example {unnamed[0].path}"


def _summary(states: "Mapping[Data, StoredData]") -> str:
    whole = [one for one, found in states.items() if found.state == "equal"]
    gone = [one for one, found in states.items() if found.state == "absent" and one.source]
    size = sum(found.size for found in states.values())
    sources = sum(one.source for one in whole)
    right = f"{count(len(whole) - sources, 'snapshot')} and {count(sources, 'tracked source')} are there and unaltered"
    right += f" ({size:,} bytes)" if size else ""
    return right + (f"; {len(gone):,} sources behind them are gone, among them {gone[0].path}" if gone else "")


def _of_others(absent: Sequence[Data], project_dir: Path) -> Iterator[Data]:
    """Yield the data that was never here: that of repositories with another address."""
    from lineage_pipelines.capture.git.git_state import read_git

    addressed = [one for one in absent if ":" in (one.repository or "")]
    ours = _address(read_git(project_dir).repository or "") if addressed else ""
    if "/" in ours:
        yield from (one for one in addressed if _address(one.repository or "") != ours)


def _address(url: str) -> str:
    """Return a repository's address without protocol and user, so that all ways to clone it compare equal."""
    host = re.sub(r"^(?:[a-z+]+://)?(?:[^@/]+@)?", "", url)
    return host.replace(":", "/", 1).removesuffix("/").removesuffix(".git")
