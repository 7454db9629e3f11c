"""Blob check: is every file that records name still there, byte for byte? Each is read once."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.errors import ArtifactError, DatasetError
from lineage_pipelines.queries.verify.claims import CheckedClaim, Wrong, conclude, not_checked
from lineage_pipelines.queries.verify.log_tree import Versions
from lineage_pipelines.queries.versions.referenced_files import Data, NamedFiles
from lineage_pipelines.records.values.digest import Digest

if TYPE_CHECKING:
    from array import array

    from lineage_pipelines.datasets.workspace.data_state import StoredData

Progress = Callable[[str, int], None]
"""Called with what is looked at, and how many of it so far."""
_SHOWN = 3
_PART = 4096
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_artifacts(
    named: NamedFiles, store: ArtifactStore | None, indexed: Versions, progress: Progress
) -> CheckedClaim:
    """Return whether every model file and every blob is in the store, unaltered."""
    if store is None:
        return not_checked("artifacts", "no artifact store was given")
    wanted = {hex_: ("its model file", users) for hex_, users in named.models.items()}
    for hex_, path, users in _in_folders(named, store):
        wanted.setdefault(hex_, (f"{path} of its model folder", users))
    models = len(wanted)
    for blob, users in named.blobs.items():
        if not blob.withheld and blob.hex not in wanted:
            wanted[blob.hex] = (blob.what, users)
    found = _read_all(store, list(wanted), progress)
    wrong = [
        Wrong(f"{_who(users, indexed)}: {what}: {words}", users)
        for (what, users), words in zip(wanted.values(), found, strict=True)
        if words is not None
    ]
    right = f"{models:,} model files and {len(wanted) - models:,} blobs are in the store and unaltered"
    return conclude("artifacts", wrong, right)


def _in_folders(named: NamedFiles, store: ArtifactStore) -> "Iterator[tuple[str, str, array[int]]]":
    """Yield the files that the lists of model folders name; a list that cannot be read is found with the others."""
    for hex_ in sorted(named.folders_of_models):
        try:
            text = store.read(Digest("sha256", hex_)).decode()
        except (ArtifactError, ValueError):
            continue
        for line in text.splitlines():
            name, _, path = line.partition("  ")
            if _SHA256.fullmatch(name):
                yield name, path, named.models[hex_]


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

    # By parts: what waits for a thread takes memory, too.
    parts = (names[start : start + _PART] for start in range(0, len(names), _PART))
    return [words for part in parts for words in spread(look, part, size=lambda _: 1 << 20)]


def _who(users: "array[int]", indexed: Versions) -> str:
    names = [f"{said[0]}@{said[1]}" if (said := indexed.get(seq)) else f"entry {seq}" for seq in users[:_SHOWN]]
    more = f" and {len(users) - _SHOWN:,} more" if len(users) > _SHOWN else ""
    return ", ".join(names) + more


# Data


def check_data(named: NamedFiles, project_dir: Path | None, indexed: Versions, progress: Progress) -> CheckedClaim:
    """Return whether all data that the versions were trained on is still there, unaltered.

    What the preparation began with (tracked sources) may be gone; it may not have been altered.
    """
    from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
    from lineage_pipelines.datasets.workspace.data_state import NamedData
    from lineage_pipelines.datasets.workspace.object_search import check_stored

    if project_dir is None:
        return not_checked("data", "no DVC project was given")
    known = {one: users for one, users in named.data.items() if one.md5 is not None}
    wanted = [NamedData(path=one.path, md5=one.md5 or "", sha256=one.sha256, hash_name=one.hash_name) for one in known]
    try:
        project = DvcProject(project_dir)
        found = check_stored(
            project, wanted, folders=named.folders, progress=lambda count: progress("data files", count)
        )
    except DatasetError as error:
        return not_checked("data", f"{error.what} ({error.where})")
    return _conclude(named, dict(zip(known, found, strict=True)), indexed, project_dir)


def _conclude(
    named: NamedFiles, states: "Mapping[Data, StoredData]", indexed: Versions, project_dir: Path
) -> CheckedClaim:
    absent = [one for one, found in states.items() if found.state == "absent" and not one.source]
    elsewhere = set(_of_others(absent, project_dir))
    missed = {*absent} - elsewhere
    wrong = [
        Wrong(f"{_who(named.data[one], indexed)}: {one.path}: {found.detail}", named.data[one])
        for one, found in states.items()
        if found.state == "altered" or one in missed
    ]
    doubts = list(_doubts(elsewhere, [one for one in named.data if one.md5 is None and not one.source]))
    if doubts and not wrong:
        return not_checked("data", "; ".join([*doubts, _sound(states)]))
    return conclude("data", wrong, _sound(states))


def _doubts(elsewhere: Collection[Data], unnamed: Sequence[Data]) -> Iterator[str]:
    if elsewhere:
        others = ", ".join(sorted({one.repository or "" for one in elsewhere}))
        yield f"{len(elsewhere):,} snapshots are of other repositories: {others}"
    if unnamed:
        yield f"{len(unnamed):,} snapshots have no MD5 and cannot be looked for, among them {unnamed[0].path}"


def _sound(states: "Mapping[Data, StoredData]") -> str:
    whole = [one for one, found in states.items() if found.state == "equal"]
    gone = [one for one, found in states.items() if found.state == "absent" and one.source]
    size = sum(found.size for found in states.values())
    sources = sum(one.source for one in whole)
    right = f"{len(whole) - sources:,} snapshots and {sources:,} tracked sources are there and unaltered"
    right += f" ({size:,} bytes)" if size else ""
    return right + (f"; {len(gone):,} sources behind them are gone, among them {gone[0].path}" if gone else "")


def _of_others(absent: Sequence[Data], project_dir: Path) -> Iterator[Data]:
    """Yield what is not here because it was never here: the data of a repository with another address."""
    from lineage_pipelines.capture.git.git_state import read_git

    addressed = [one for one in absent if ":" in (one.repository or "")]
    ours = _address(read_git(project_dir).repository or "") if addressed else ""
    if "/" in ours:
        yield from (one for one in addressed if _address(one.repository or "") != ours)


def _address(url: str) -> str:
    """Return a repository's address without the way to get there: one repository is cloned in many."""
    host = re.sub(r"^(?:[a-z+]+://)?(?:[^@/]+@)?", "", url)
    return host.replace(":", "/", 1).removesuffix("/").removesuffix(".git")
