"""Sandbox: a folder with everything that a training needs: source code, DVC's files, and the data by digest."""

import contextlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.git.git_state import find_root
from lineage_pipelines.datasets.content.hashing import digest_file
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.data_state import NamedData, StoredObject, StoredState
from lineage_pipelines.datasets.workspace.object_search import provision
from lineage_pipelines.datasets.workspace.private_cache import PrivateCache
from lineage_pipelines.datasets.workspace.recorded_checkout import use_cache, write_recorded
from lineage_pipelines.errors import DatasetError, NotFoundError
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, hash_name
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import DigestSet
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.replay.runner import Place
from lineage_pipelines.replay.source_checkout import Tree, import_roots, lay_out
from lineage_pipelines.system.file_lock import is_locked, lock_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """The source, data and project of a past run, as far as they are available."""

    record: LineageRecord
    """What is run: the record, with substitutes where there are any."""
    folder: Path
    tree: Tree
    project: Path
    """The DVC project in the tree."""
    differs: tuple[str, ...] = ()
    """What is not as recorded, data first."""
    can_run: bool = True
    """Whether all that the training reads is there, recorded or substituted."""
    detail: str = ""
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def origin(self) -> str:
        """Where the source code came from."""
        return self.tree.origin or "nowhere"

    @property
    def artifacts(self) -> ArtifactStore:
        """The store that the training in the sandbox writes to."""
        return ArtifactStore(str(self.folder / "artifacts"))

    def place(self, python: Path, pass_on: Sequence[str] = (), trusted_types: Sequence[str] = ()) -> Place:
        """Return where and with what the training runs.

        Args:
            python: the interpreter.
            pass_on: environment variables that it gets.
            trusted_types: types that the reader trusts beyond those of scikit-learn, NumPy and SciPy.
        """
        source = self.record.code.source
        roots = import_roots(source.entry, self.tree, source.files) if source else iter(())
        return Place(
            folder=self.folder,
            tree=self.tree.root,
            project=self.project,
            python=python,
            imports=tuple(dict.fromkeys((*roots, self.project))),
            pass_on=pass_on,
            trusted_types=trusted_types,
        )


def build_sandbox(
    record: LineageRecord,
    *,
    project_dir: Path,
    artifacts: ArtifactStore,
    folder: Path,
    substitutes: Mapping[str, Path] | None = None,
    check_only: bool = False,
) -> Sandbox:
    """Lay out the source code and the data of a run.

    Args:
        record: what to lay out: a version's, or a mix of several.
        project_dir: any folder of the project.
        artifacts: the store of patches, sources and lists.
        folder: the sandbox; empty.
        substitutes: other files for inputs, by the input's name.
        check_only: whether nothing is going to run: what only running needs is left out.

    Raises:
        DatasetError: the DVC project cannot be read.
    """
    here = DvcProject(project_dir)
    cache = folder / "cache"
    data = list(_provided(record, here, cache))
    missing = {each.name: words for each, words in data if words}
    tree = lay_out(record.code, project_dir=project_dir, artifacts=artifacts, into=folder / "tree")
    project = tree.root / here.root.resolve().relative_to(find_root(project_dir).resolve())
    ran, replaced = _substituted(record, substitutes or {}, cache)
    gone = [f"data: {words}" for name, words in missing.items() if name not in replaced]
    unset = () if check_only else _set_up(project, cache, ran)
    differs = (
        *gone,
        *(f"data: {name} is {path.name} instead of what was recorded" for name, path in replaced.items()),
        *tree.differs,
    )
    return Sandbox(
        record=ran,
        folder=folder,
        tree=tree,
        project=project,
        differs=differs,
        can_run=not gone and record.code.source is not None,
        detail=_detail(record, tree),
        notes=(*tree.notes, *unset),
    )


def _set_up(project: Path, cache: Path, record: LineageRecord) -> tuple[str, ...]:
    """Let DVC's files in the tree name the record's data; return what they did not name, and is tracked now."""
    if not (project / ".dvc").is_dir():  # only stored sources: there is no commit to have it from
        (project / ".dvc").mkdir(parents=True)
        (project / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n", encoding="utf-8")
    use_cache(project, cache)
    lost = write_recorded(project, record.stages, record.data)
    for data in record.data:
        if data.path in lost:
            path = project / f"{data.path}.dvc"
            path.parent.mkdir(parents=True, exist_ok=True)
            out = {"md5": data.digest.md5, "path": path.stem}
            if hash_name(data) == "md5":  # how DVC 3 marks its own; DVC 2 had no mark
                out["hash"] = "md5"
            path.write_text(json.dumps({"outs": [out]}), encoding="utf-8")  # which is YAML, too
    return tuple(f"{path} was not tracked in the sources" for path in lost)


def _detail(record: LineageRecord, tree: Tree) -> str:
    names = ", ".join(data.name for data in record.data)
    files = len(record.code.source.files) if record.code.source else 0
    return f"data {names} by digest; {count(files, 'source file')} from {tree.origin}"


def _provided(record: LineageRecord, here: DvcProject, cache: Path) -> Iterator[tuple[DatasetSnapshot, str]]:
    """Yield each input with what is wrong with it; nothing where it is there."""
    known = [data for data in record.data if data.digest.md5]
    folders: dict[str, set[str]] = {}
    for path, digest in _named(record):
        if digest.md5 and digest.md5.endswith(".dir"):
            folders.setdefault(path, set()).add(digest.md5)
    named = [named_data(data) for data in known]
    for data, found in zip(known, provision(here, named, cache, folders=folders, copies=True), strict=True):
        equal = found.state is StoredState.EQUAL
        yield data, "" if equal else f"{data.name} is {found.state}: {found.detail}"
    for data in record.data:
        if data not in known:
            yield data, f"{data.name} ({data.path}) has no MD5 in the record, by which DVC keeps it"


def named_data(data: DatasetSnapshot) -> NamedData:
    """Return an input as the room of datasets looks for it."""
    md5, sha256 = data.digest.md5 or "", data.digest.sha256
    return NamedData(path=data.path, md5=md5, sha256=sha256, hash_name=hash_name(data))


def _named(record: LineageRecord) -> Iterator[tuple[str, DigestSet]]:
    yield from ((data.path, data.digest) for data in record.data)
    for stage in record.stages:
        yield from ((used.path, used.digest) for used in stage.deps)
        yield from ((out.path, out.digest) for out in stage.outs)


def _substituted(
    record: LineageRecord, substitutes: Mapping[str, Path], cache: Path
) -> tuple[LineageRecord, Mapping[str, Path]]:
    data = []
    for each in record.data:
        path = substitutes.get(each.name)
        if path is None:
            data.append(each)
            continue
        if not path.is_file():
            raise DatasetError("the file that is to be an input is not there", where=str(path), fix="--with NAME=FILE")
        digests, signature = digest_file(path, ("md5", "sha256"))
        PrivateCache(cache, copies=True).link(StoredObject(digests["md5"], "md5"), path)
        digest = DigestSet(md5=digests["md5"], sha256=digests["sha256"])
        data.append(replace(each, digest=digest, size=signature.size, files=1))
    return replace(record, data=tuple(data)), {name: substitutes[name] for name in substitutes}


PREFIX = "lineage-replay-"
"""The beginning of the names of these folders."""


@contextmanager
def private_folder(keep: Path | None = None) -> Iterator[Path]:
    """Make a folder that only this user can read, lock it, and remove it at the end.

    A process that is killed leaves its folder behind; it is locked no more, and the next process removes it.

    Args:
        keep: make it here instead, and leave it for inspection.

    Raises:
        NotFoundError: `keep` is there already and not empty.
    """
    if keep is not None:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise NotFoundError("the folder is not empty", where=str(keep), fix="name a new one with --keep")
        yield keep.resolve()
        return
    clear_left_folders()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    try:
        with lock_folder(folder):
            yield folder
    finally:
        _remove(folder)


def clear_left_folders() -> int:
    """Remove the folders of processes that were killed; return how many there were."""
    count = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.getuid() and not is_locked(folder):
                _remove(folder)
                count += 1
    return count


def _remove(folder: Path) -> None:
    # What was placed for training is read-only, folders too.
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(parent, name)
            if not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
