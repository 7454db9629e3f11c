"""Pins: keeping data that must not be lost: a second store that `dvc gc` does not know, and a copy on the remote.

`dvc gc -w` removes every object that the workspace does not name, also those that the model in production was trained
on; nothing inside a project can forbid it. So the objects are linked once more, below `.dvc/lineage-pins`, in the same
layout: a hard link takes no space and keeps the bytes when the cache's name for them goes. It is no copy: who writes to
the object in place alters both, which is found because every object is hashed. A copy is what the remote is for.
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
from lineage_pipelines.datasets.workspace.object_search import Search
from lineage_pipelines.datasets.workspace.private_cache import PrivateCache
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.system.atomic_file import TEMPORARY, replace_file
from lineage_pipelines.system.file_lock import hold_lock

_IGNORED = b"# Made by lineage pin: data of models that are or were in production. Git keeps none of it.\n*\n"
"""A folder that ignores itself, as `.dvc/.gitignore` is DVC's own and may be written anew by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What was pinned, or would be."""

    states: tuple[StoredData, ...] = ()
    """How each of the data stands, in the order that was given; what is not `equal` is not pinned, or not whole."""
    objects: int = 0
    """How many objects are pinned now, listings too."""
    size: int = 0
    """Bytes of them."""
    added: int = 0
    added_size: int = 0
    replaced: tuple[str, ...] = ()
    """Of these the pin had been altered; it is right now. MD5s."""
    copied: int = 0
    """How many are copies, because no hard link could be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What was sent to the default remote, or would be."""

    remote: str
    objects: int
    """How many it was asked for."""
    lacked: tuple[str, ...]
    """Those it did not have."""
    lacks: tuple[str, ...]
    """Those it does not have now."""
    withheld: tuple[str, ...] = ()
    """Paths that are not to be pushed (`push: false`)."""


class Pinning:
    """Pins data of one project.

    Args:
        project: the DVC project.
        folders: for each path of a directory that records name, its MD5s: data may be a part of one.
        dry_run: whether to look only.
        progress: called with how many files were read so far, from any thread.

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
        self._project = project
        self._folders = folders
        self._dry_run = dry_run
        self._progress = progress
        self._store = _PinStore(project.root, pretend=dry_run)
        self._pushable: dict[StoredObject, int] = {}
        self._withheld: tuple[str, ...] = ()

    def pin(self, wanted: Sequence[NamedData]) -> Pinned:
        """Link every object of some data into the project's second store; what is there already is looked at again.

        An object that DVC's cache lacks is copied from the workspace or the remote. May be called again, also after
        it was killed.

        Raises:
            DatasetError: the store cannot be written. Data that is not there is an answer.
        """
        withheld = {one for one in wanted if not self._may_push(one.path)}
        states: dict[NamedData, StoredData] = {}
        held: dict[StoredObject, int] = {}
        with self._store.kept():
            for some in ([one for one in wanted if one not in withheld], [one for one in wanted if one in withheld]):
                search = Search(self._project, self._folders, self._store)
                found = search.run(some, partial(self._tell, len(held)))
                states |= dict(zip(some, found, strict=True))
                held |= search.held
                if some and some[0] not in withheld:
                    self._pushable = search.held
        self._withheld = tuple(sorted({one.path for one in withheld}))
        return self._store.pinned(tuple(states[one] for one in wanted), held)

    def push(self) -> Pushed | None:
        """Send what the default remote lacks of the pinned data; None when the project has no default remote.

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

    def _tell(self, before: int, count: int) -> None:
        self._progress(before + count)

    def _may_push(self, path: str) -> bool:
        try:
            return owner_of(self._project.graph(), path)[1].push
        except DatasetError:  # tracked no more; then nothing forbids it
            return True


class _PinStore(PrivateCache):
    """The second store; counts what comes into it."""

    def __init__(self, root: Path, *, pretend: bool) -> None:
        super().__init__(pins_folder(root))
        self._pretend = pretend
        self._lock = Lock()
        self._added: dict[StoredObject, None] = {}
        self._replaced: list[str] = []
        self._copied = 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Hold the store: one process fills it at a time, and clears away what a killed one left."""
        if self._pretend:
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
        """Give an object a second name; copy it where the file systems do not allow that."""
        if self._pretend:
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
        """As the cache's; looking only, the bytes go into a temporary folder and are forgotten."""
        if self._pretend:
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

    def pinned(self, states: tuple[StoredData, ...], held: Mapping[StoredObject, int]) -> Pinned:
        """Say what came of it."""
        return Pinned(
            states=states,
            objects=len(held),
            size=sum(held.values()),
            added=len(self._added),
            added_size=sum(held.get(one, 0) for one in self._added),
            replaced=tuple(sorted(set(self._replaced))),
            copied=self._copied,
        )
