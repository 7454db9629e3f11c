"""Recorded checkout: one whose dvc.lock and `.dvc` files have the digests of a record, whatever its commit.

The digests come from the record and the files from the checkout, so that the code of one version can be run on the
data of another. Only for a throwaway clone: its metafiles are rewritten, in the way DVC writes them.
"""

import io
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_pipelines.datasets.content.hashing import MD5_UNIX, directory_md5, listing_json
from lineage_pipelines.datasets.metafiles.directory_listing import part_md5
from lineage_pipelines.datasets.metafiles.metafile_entries import plain
from lineage_pipelines.datasets.metafiles.path_rules import Locator
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.metafile_index import lock_file, owner_of
from lineage_pipelines.datasets.pipeline.pipeline_graph import Stage, TrackedFile
from lineage_pipelines.datasets.workspace.data_state import StoredObject
from lineage_pipelines.datasets.workspace.private_cache import PrivateCache
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, StageInput, StageOutput, StageRun, hash_name
from lineage_pipelines.system.atomic_file import replace_file

_OF_OTHER_CONTENT = ("files", "version_id", "etag", "checksum", "cloud")
"""Keys of an entry that describe earlier content, beside its MD5 and sizes."""


def use_cache(root: Path, cache: Path) -> None:
    """Give a checkout its own DVC cache and site cache.

    Only its `.dvc/config.local` is written; other options in it are preserved. `DVC_SITE_CACHE_DIR` in the environment
    overrides the site cache.

    Args:
        root: the DVC root of the checkout.
        cache: the folder that `provision` filled.

    Raises:
        DatasetError: DVC cannot read the configuration, or it cannot be written.
    """
    from lineage_pipelines.datasets.dvc_config import edit_local_config

    site = root / ".dvc" / "tmp" / "site"
    edit_local_config(
        root,
        {
            # Links into that cache would lead on to the project's own objects.
            "cache": {"dir": str(cache.absolute()), "type": "reflink,copy"},
            "core": {"site_cache_dir": str(site.absolute())},
        },
    )


def write_recorded(root: Path, stages: Sequence[StageRun], data: Sequence[DatasetSnapshot]) -> tuple[str, ...]:
    """Write the digests of a record into the dvc.lock and `.dvc` files of a checkout.

    Afterwards `place` gives the recorded bytes of each of `data`. Call `use_cache` first: for a part of a tracked
    directory, the listing of that directory is read from the checkout's cache; if it is missing, a listing of just
    the recorded parts is written.

    Args:
        root: the DVC root of the checkout.
        stages: the preparation, as the record of the data has it, sources first.
        data: the inputs of the training.

    Returns:
        The paths of `data` that the checkout does not track, or cannot name.

    Raises:
        DatasetError: the checkout's pipeline cannot be resolved, or its files cannot be written.
    """
    state = _State(DvcProject(root))
    for run in stages:
        state.take_run(run)
    wholes = _wholes(stages, data)
    for path, claim in wholes.items():
        state.take_whole(path, claim)
    lost = state.take_parts(data, wholes)
    state.save()
    return tuple(dict.fromkeys(lost))


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a record states about a path."""

    md5: str
    hash_name: str
    size: int | None = None
    files: int | None = None

    @property
    def is_dir(self) -> bool:
        return self.md5.endswith(".dir")


def _claim(entry: StageInput | StageOutput | DatasetSnapshot) -> _Claim | None:
    if entry.digest.md5 is None:
        return None
    return _Claim(entry.digest.md5, hash_name(entry), entry.size, entry.files)


def _wholes(stages: Sequence[StageRun], data: Sequence[DatasetSnapshot]) -> Mapping[str, _Claim]:
    """Return the content of each path: from the data, else from the stage that wrote it, else from a reader."""
    entries: list[StageInput | StageOutput | DatasetSnapshot] = []
    # A superseded input differs from what its stage has recorded.
    entries += [dep for run in stages for dep in run.deps if dep.origin.startswith(("tracked:", "stage:"))]
    entries += [out for run in stages for out in run.outs]
    entries += data
    return {one.path: claim for one in entries if (claim := _claim(one)) is not None}


class _State:
    """The metafiles of a checkout while they are changed."""

    def __init__(self, project: DvcProject) -> None:
        self._project = project
        self._graph = project.graph()
        self._locator = Locator(str(project.root))
        self._documents: dict[str, Any] = {}
        self._before: dict[str, bytes] = {}

    def take_run(self, run: StageRun) -> None:
        """Write the run of a stage into its entry: command, parameters, inputs. Skip a stage that no longer exists."""
        stage = self._graph.stage(run.name)
        if stage is None:
            return
        entry = self._entry(stage)
        if _joined(entry.get("cmd")) != run.command:
            entry["cmd"] = run.command
        for dep in run.deps:
            if (claim := _claim(dep)) is not None:
                self._put(entry, "deps", dep.path, stage.wdir, claim)
        params = {self._written(file, stage.wdir): plain(values) for file, values in run.params.items()}
        if params and entry.get("params") != params:
            entry["params"] = params

    def take_whole(self, path: str, claim: _Claim) -> None:
        """Set the digest of a path that a stage or a `.dvc` file owns; of others nothing is recorded there."""
        node = self._owner(path)
        if node is not None and path in {out.path for out in node.outs}:
            self._put(self._holder(node), "outs", path, node.wdir, claim)

    def take_parts(self, data: Sequence[DatasetSnapshot], wholes: Mapping[str, _Claim]) -> list[str]:
        """Set the digests of directories of which the data is a part; return what could not be named."""
        parts: dict[str, dict[str, _Claim]] = {}
        lost = []
        for snapshot in data:
            claim, node = _claim(snapshot), self._owner(snapshot.path)
            if claim is None or node is None:
                lost.append(snapshot.path)
            elif snapshot.path not in {out.path for out in node.outs}:
                owner = owner_of(self._graph, snapshot.path)[1].path
                parts.setdefault(owner, {})[posixpath.relpath(snapshot.path, owner)] = claim
        for owner, inside in parts.items():
            lost += [f"{owner}/{part}" for part in self._take_parts_of(owner, inside, wholes.get(owner))]
        return lost

    def _take_parts_of(self, owner: str, parts: Mapping[str, _Claim], whole: _Claim | None) -> list[str]:
        if self._holds(whole or self._recorded(owner), parts):
            return []
        hash_name = next(iter(parts.values())).hash_name
        files: dict[str, str] = {}
        lost = []
        for part, claim in parts.items():
            listed = self._listed(part, claim)
            if listed is None or claim.hash_name != hash_name or any(files.get(k, v) != v for k, v in listed.items()):
                lost.append(part)
            else:
                files |= listed
        if files:
            made = _Claim(directory_md5(files.items()), hash_name, files=len(files))
            PrivateCache(self._project.cache_dir).write(StoredObject(made.md5, hash_name), listing_json(files.items()))
            self.take_whole(owner, made)
        return lost

    def _holds(self, whole: _Claim | None, parts: Mapping[str, _Claim]) -> bool:
        listing = self._project.listing(whole.md5, whole.hash_name) if whole is not None and whole.is_dir else None
        if listing is None:
            return False
        known = dict(listing)
        return all(part_md5(known, part) == claim.md5 for part, claim in parts.items())

    def _listed(self, part: str, claim: _Claim) -> Mapping[str, str] | None:
        if not claim.is_dir:
            return {part: claim.md5}
        listing = self._project.listing(claim.md5, claim.hash_name)
        return None if listing is None else {f"{part}/{path}": md5 for path, md5 in listing}

    def _recorded(self, owner: str) -> _Claim | None:
        try:
            found = self._project.recorded(owner)
        except DatasetError:  # nothing is recorded yet
            return None
        md5 = found.content.md5
        return None if md5 is None else _Claim(md5, found.content.hash_name)

    def _owner(self, path: str) -> Stage | TrackedFile | None:
        try:
            return owner_of(self._graph, path)[0]
        except DatasetError:
            return None

    # The files

    def _holder(self, node: Stage | TrackedFile) -> Any:  # noqa: ANN401  # a mapping that remembers its layout
        return self._document(node.file) if isinstance(node, TrackedFile) else self._entry(node)

    def _entry(self, stage: Stage) -> Any:  # noqa: ANN401
        document = self._document(lock_file(stage.file))
        if not document:
            document["schema"] = "2.0"
        stages = document.setdefault("stages", {}) if "schema" in document else document
        return stages.setdefault(stage.name, {"cmd": stage.command})

    def _document(self, file: str) -> Any:  # noqa: ANN401
        if file not in self._documents:
            path = self._project.root / file
            self._documents[file] = (_yaml().load(path.read_bytes()) if path.exists() else None) or {}
            self._before[file] = _written(self._documents[file])
        return self._documents[file]

    def _put(self, holder: Any, section: str, path: str, wdir: str, claim: _Claim) -> None:  # noqa: ANN401
        entries = holder.setdefault(section, [])
        for entry in entries:
            if self._place(str(entry.get("path")), wdir) == path:
                if (entry.get("md5"), entry.get("hash", MD5_UNIX)) != (claim.md5, claim.hash_name):
                    _set(entry, claim)
                return
        entry = {"path": self._written(path, wdir)}
        _set(entry, claim)
        entries.append(entry)

    def _place(self, text: str, wdir: str) -> str:
        return self._locator.locate(text, posixpath.join(str(self._project.root), wdir)).path

    def _written(self, path: str, wdir: str) -> str:
        return path if "://" in path or path.startswith("/") else posixpath.relpath(path, wdir)

    def save(self) -> None:
        """Write the files whose content changed.

        Raises:
            DatasetError: one cannot be written.
        """
        for file, document in self._documents.items():
            path, now = self._project.root / file, _written(document)
            if now == self._before[file]:
                continue
            try:
                replace_file(path, now)
            except OSError as error:
                fix = "give this user the right to write to the checkout"
                raise DatasetError(f"cannot write the file: {error.strerror}", where=str(path), fix=fix) from error


def _set(entry: Any, claim: _Claim) -> None:  # noqa: ANN401
    for key in _OF_OTHER_CONTENT:
        entry.pop(key, None)
    # DVC 3 names the hash; without a name it is DVC 2's.
    for key, value in (
        ("hash", None if claim.hash_name == MD5_UNIX else claim.hash_name),
        ("md5", claim.md5),
        ("size", claim.size),
        ("nfiles", claim.files if claim.is_dir else None),
    ):
        if value is None:
            entry.pop(key, None)
        else:
            entry[key] = value


def _joined(command: object) -> object:
    return "\n".join(map(str, command)) if isinstance(command, list) else command


def _written(document: Any) -> bytes:  # noqa: ANN401
    stream = io.BytesIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


def _yaml() -> Any:  # noqa: ANN401
    """Return what reads and writes YAML as DVC does, comments included."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    yaml.preserve_quotes = True
    return yaml
