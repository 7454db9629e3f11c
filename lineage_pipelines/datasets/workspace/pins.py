"""Pins: a second store for data that must not be lost, which `dvc gc` does not know, and a copy on the remote.

`dvc gc -w` removes every object that the workspace does not use, including those that the model in production was
trained on; nothing inside a project can prevent that. So the objects get a second name below `.dvc/lineage-pins`, in
the same layout: a hard link takes no space and keeps the bytes when the cache's name for them is removed. It is no
copy: a program that writes to the object in place alters both, which is noticed because every object is hashed. The
copy is on the remote.
"""

import contextlib
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

from lineage_pipelines.datasets.content.cache_layout import object_folder, pins_folder
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.metafile_index import owner_of
from lineage_pipelines.datasets.workspace.data_state import NamedData, StoredData, StoredObject
from lineage_pipelines.datasets.workspace.file_copy import unwritable
from lineage_pipelines.datasets.workspace.object_search import CacheFill
from lineage_pipelines.datasets.workspace.private_cache import PrivateCache
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.system.atomic_file import TEMPORARY, replace_file
from lineage_pipelines.system.file_lock import hold_lock

_IGNORED = b"# Made by lineage pin: data of models that are or were in production, not for Git.\n*\n"
"""A folder that ignores itself, because `.dvc/.gitignore` is DVC's own and DVC may rewrite it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What was pinned, or would be."""

    states: tuple[StoredData, ...] = ()
    """The state of each of the data, in the order given; data that is not `equal` is not pinned, or not completely."""
    objects: int = 0
    """Number of objects that are pinned now, listings too."""
    size: int = 0
    """Bytes of these objects."""
    added: int = 0
    added_size: int = 0
    replaced: tuple[str, ...] = ()
    """MD5s of objects whose pin had been altered, and has been put right."""
    copied: int = 0
    """Number of copies, made where the file system allows no hard link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What was sent to the default remote, or would be."""

    remote: str
    objects: int
    """Number of objects that it should have."""
    lacked: tuple[str, ...]
    """MD5s of the objects that it did not have before."""
    lacks: tuple[str, ...]
    """MD5s of the objects that it does not have now."""
    withheld: tuple[str, ...] = ()
    """Paths that are not to be pushed (`push: false`)."""


class Pinning:
    """Pins the data of one project.

    Args:
        project: the DVC project.
        folders: for each recorded directory, its MD5s: data may be a part of one.
        dry_run: whether to report only, without writing.
        progress: called with the number of files read so far, from any thread.

    Raises:
        DatasetError: the project's configuration cannot be read.
    """

    def __init__(
        self,
        project: DvcProject,
        *,
        folders: Mapping[str, Collection[str]],
        dry_run: bool = False,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._project = project.with_loaded_graph()
        self._folders = folders
        self._dry_run = dry_run
        self._progress = progress
        self._store = _PinStore(project.root, dry_run=dry_run)
        self._pushable: dict[StoredObject, int] = {}
        self._withheld: tuple[str, ...] = ()

    def pin(self, data: Sequence[NamedData]) -> Pinned:
        """Link every object of some data into the project's second store; check again what is in it already.

        An object that DVC's cache lacks is copied from the workspace or the remote. May be called again, also after
        the process was killed.

        Returns:
            What was pinned; missing data is not an error.

        Raises:
            DatasetError: the store cannot be written.
        """
        withheld = {one for one in data if not self._may_push(one.path)}
        states: dict[NamedData, StoredData] = {}
        held: dict[StoredObject, int] = {}
        with self._store.locked():
            for group in ([one for one in data if one not in withheld], [one for one in data if one in withheld]):
                search = CacheFill(self._project, self._folders, self._store)
                results = search.run(group, partial(self._report, len(held)))
                states |= dict(zip(group, results, strict=True))
                held |= search.held
                if group and group[0] not in withheld:
                    self._pushable = search.held
        self._withheld = tuple(sorted({one.path for one in withheld}))
        return self._store.result(tuple(states[one] for one in data), held)

    def push(self) -> Pushed | None:
        """Upload the pinned objects that the default remote lacks.

        Returns:
            What was uploaded; None if the project has no default remote.

        Raises:
            DatasetError: the remote cannot be reached.
        """
        from lineage_pipelines.datasets.dvc_api import push_objects
        from lineage_pipelines.datasets.dvc_config import read_settings

        remote = read_settings(self._project.root).remote
        if remote is None:
            return None
        names: dict[str, set[str]] = defaultdict(set)
        for one in self._pushable:
            names[one.hash_name].add(one.md5)
        stores = {hash_name: object_folder(self._store.base, hash_name) for hash_name in names}
        lacked, lacks = push_objects(self._project.root, stores, names, dry_run=self._dry_run)
        return Pushed(
            remote=remote,
            objects=len(self._pushable),
            lacked=tuple(sorted(lacked)),
            lacks=tuple(sorted(lacks)),
            withheld=self._withheld,
        )

    def _report(self, before: int, count: int) -> None:
        self._progress(before + count)

    def _may_push(self, path: str) -> bool:
        try:
            return owner_of(self._project.graph(), path)[1].push
        except DatasetError:  # no longer tracked, so nothing forbids it
            return True


class _PinStore(PrivateCache):
    """The second store; counts what is added to it."""

    def __init__(self, root: Path, *, dry_run: bool) -> None:
        super().__init__(pins_folder(root))
        self._dry_run = dry_run
        self._lock = Lock()
        self._added: dict[StoredObject, None] = {}
        self._replaced: list[str] = []
        self._copied = 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the store, which one process fills at a time, and remove the temporary files of a killed one."""
        if self._dry_run:
            yield
            return
        lock = self.base / "lock"
        with contextlib.ExitStack() as stack:
            try:
                if not (self.base / ".gitignore").exists():  # before anything that Git could see
                    replace_file(self.base / ".gitignore", _IGNORED)
                stack.enter_context(hold_lock(lock))
            except OSError as error:
                raise unwritable(lock, 0, error) from error
            self._clear()
            yield

    def _clear(self) -> None:
        for pattern in (f"??/{TEMPORARY}*", f"files/md5/??/{TEMPORARY}*"):
            for path in self.base.glob(pattern):
                with contextlib.suppress(OSError):
                    path.unlink()

    def link(self, one: StoredObject, source: Path) -> None:
        """Give an object a second name; copy it where the file system does not allow that."""
        if self._dry_run:
            self._count(one)
            return
        with self.new(one) as (path, keep):
            try:
                os.link(source, path, follow_symlinks=False)
            except OSError:
                self.copy(one, source, path)
                with self._lock:
                    self._copied += 1
            keep()

    @contextmanager
    def new(self, one: StoredObject) -> Iterator[tuple[Path, Callable[[], None]]]:
        """As in the cache; in a dry run the bytes go into a temporary folder and are discarded."""
        if self._dry_run:
            with tempfile.TemporaryDirectory(prefix="lineage-pin-") as folder:
                yield Path(folder) / "object", lambda: self._count(one)
            return
        with super().new(one) as (path, put):

            def keep() -> None:
                self._count(one)
                put()

            yield path, keep

    def _count(self, one: StoredObject) -> None:
        with self._lock:
            if os.path.lexists(self.place(one)):
                self._replaced.append(one.md5)
            else:
                self._added[one] = None

    def result(self, states: tuple[StoredData, ...], held: Mapping[StoredObject, int]) -> Pinned:
        """Return what was pinned."""
        return Pinned(
            states=states,
            objects=len(held),
            size=sum(held.values()),
            added=len(self._added),
            added_size=sum(held.get(one, 0) for one in self._added),
            replaced=tuple(sorted(set(self._replaced))),
            copied=self._copied,
        )
