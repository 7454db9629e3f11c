"""Read audit: the environment variables and data files that a training reads beside what its record holds.

Files are seen by an audit hook of the interpreter, variables by a class of `os.environ` that notes who asks. Neither
sees what a library written in C reads by itself, nor child processes. Names are noted, never values.
"""

import contextlib
import functools
import os
import sys
import sysconfig
import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextvars import ContextVar
from importlib.util import source_from_cache
from pathlib import Path, PurePosixPath
from typing import Any

from lineage_pipelines.capture.gaps import plain_path
from lineage_pipelines.records.statement.code import SourceFile
from lineage_pipelines.records.statement.training_run import UndeclaredReads

_MAX_FILES = 100
"""More files than these are named by their folders."""
_SYSTEM = ("/proc", "/sys", "/dev", "/usr/share", "/usr/lib", "/lib", "/etc/localtime", "/etc/ssl", "/etc/os-release")
_CACHES = frozenset({"fonts", "fontconfig", "matplotlib", "locale", "zoneinfo"})
"""Folders outside the project that installed libraries read."""
_OURS = frozenset({".git", ".lineage"})
"""Folders of the project that its tools read."""
_LIBRARY_CODE = (".so", ".pyd", ".dll", ".dylib")
_OWN_VARIABLES = (
    *("DAGSTER_", "DVC_", "LINEAGE_", "MLFLOW_"),
    *("KMP_", "OMP_", "GOMP_", "OPENBLAS_", "MKL_", "BLIS_", "NUMEXPR_"),
)
"""What installed code reads for itself: the tools around a training, and numerical libraries, whose threads are
recorded. Scikit-learn sets some of the latter when it is imported."""
_OF_ENVIRON = frozenset(each.__code__.co_filename for each in (os.getenv, os.path.expandvars, Mapping.get))
"""Code through which a variable is asked for: the one that asks is further up."""


class _Reads:
    """What one training has read so far."""

    def __init__(self) -> None:
        self.variables: set[str] = set()
        self.files: set[str] = set()
        self.written: set[str] = set()
        self.copied: deque[str] = deque()
        """Variables that a copy of the whole environment is about to ask for, one after the other."""
        self.earlier: frozenset[int | None] = frozenset()
        """Threads that ran before the training did."""

    def opened(self, path: Any, mode: Any, flags: Any) -> None:  # noqa: ANN401  # whatever `open` was given
        if isinstance(path, int):
            return
        name = str(Path(os.fsdecode(path)).absolute())
        # os.open has flags, open both.
        for_writing = flags & (os.O_WRONLY | os.O_RDWR) if mode is None else not set("wax+").isdisjoint(mode)
        if for_writing and name not in self.files:
            self.written.add(name)
        elif name not in self.written and not _is_library(name):
            self.files.add(name)

    def asked(self, name: str, *, is_set: bool) -> None:
        if self.copied and self.copied[0] == name:
            self.copied.popleft()
            return
        frame: Any = sys._getframe(2)  # noqa: SLF001  # nothing else is fast enough to be on during training
        while frame is not None and frame.f_code.co_filename in _OF_ENVIRON:
            frame = frame.f_back
        asking = frame.f_code.co_filename if frame is not None else ""
        if not _is_library(asking) or (is_set and not _is_standard(asking) and not name.startswith(_OWN_VARIABLES)):
            self.variables.add(name)


class _Audit:
    """The hook, which cannot be removed from an interpreter, and whose reads are noted at the moment."""

    def __init__(self) -> None:
        self.current: ContextVar[_Reads | None] = ContextVar("lineage_reads", default=None)
        self._running: list[_Reads] = []
        self._environ: tuple[Any, type] = os.environ, type(os.environ)
        self._lock = threading.Lock()

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not self._running:
            return
        reads = self.reads()
        if reads is not None:
            with contextlib.suppress(TypeError, ValueError, OSError):
                reads.opened(*arguments)

    def reads(self) -> _Reads | None:
        """The reads of the training that this thread works for: its own, or the only one that may have started it."""
        found = self.current.get()
        if found is None and len(self._running) == 1 and threading.get_native_id() not in self._running[0].earlier:
            return self._running[0]
        return found

    @contextlib.contextmanager
    def noting(self, reads: _Reads) -> Iterator[None]:
        reads.earlier = frozenset(thread.native_id for thread in threading.enumerate())
        with self._lock:
            self._running.append(reads)
            if len(self._running) == 1:
                self._environ = os.environ, type(os.environ)
                with contextlib.suppress(TypeError):  # something else is in its place
                    os.environ.__class__ = _noting_environ(type(os.environ))
        token = self.current.set(reads)
        try:
            yield
        finally:
            self.current.reset(token)
            with self._lock:
                self._running.remove(reads)
                if not self._running:
                    environ, kind = self._environ
                    environ.__class__ = kind


@functools.cache
def _audit() -> _Audit:
    """The one of this process, which is made when the first training begins."""
    audit = _Audit()
    sys.addaudithook(audit.hook)
    return audit


@functools.cache
def _noting_environ(kind: type) -> Any:  # noqa: ANN401  # mypy knows no bases that are values
    class NotingEnviron(kind):  # type: ignore[misc]
        """`os.environ` while a training is running."""

        def __getitem__(self, name: str) -> str:
            reads = _audit().reads()
            if reads is not None and isinstance(name, str):
                reads.asked(name, is_set=self.encodekey(name) in self._data)
            return super().__getitem__(name)  # type: ignore[no-any-return]

        def keys(self) -> Any:  # noqa: ANN401
            # What `dict(os.environ)` and `{**os.environ}` begin with: a copy for a child process asks for all of them.
            reads = _audit().reads()
            if reads is not None:
                reads.copied = deque(self)
            return super().keys()

        def copy(self) -> dict[str, str]:
            return {self.decodekey(name): self.decodevalue(value) for name, value in self._data.items()}

        def items(self) -> Any:  # noqa: ANN401
            return self.copy().items()

        def values(self) -> Any:  # noqa: ANN401
            return self.copy().values()

    return NotingEnviron


class ReadAudit:
    """Notes what one training reads.

    Args:
        root: the folder that paths are relative to.
        sources: the recorded source files, relative to it.
    """

    def __init__(self, root: Path, sources: Iterable[SourceFile]) -> None:
        self._root = Path(os.path.realpath(root))
        self._known = {os.path.realpath(root / file.path) for file in sources}
        self._inputs: tuple[str, ...] = ()
        self._reads = _Reads()

    @contextlib.contextmanager
    def running(self, folder: Path) -> Iterator[None]:
        """Note the reads of this thread, and of those it starts.

        Args:
            folder: what lies in it is not noted: the inputs, whose bytes the record has.
        """
        self._inputs = _both_names([str(folder)])
        with _audit().noting(self._reads):
            yield

    def result(self) -> UndeclaredReads:
        """Return the names of what was read and is in no other part of the record."""
        variables = {plain_path(name) for name in self._reads.variables}
        if os.environ.get("PYTHONHASHSEED", "random") != "random":  # read when the interpreter started
            variables.add("PYTHONHASHSEED")
        paths = {os.path.realpath(_source(path)) for path in self._reads.files}
        names = (self._name(path) for path in paths if self._counts(path))
        return UndeclaredReads(environment=tuple(sorted(variables)), files=_at_most(names))

    def _counts(self, path: str) -> bool:
        if path in self._known or path.endswith(_LIBRARY_CODE) or _within(path, self._inputs) or _is_library(path):
            return False
        if _within(path, (str(self._root),)):
            return _OURS.isdisjoint(Path(path).relative_to(self._root).parts) and Path(path).is_file()
        return _CACHES.isdisjoint(path.split("/")) and not _within(path, _SYSTEM) and Path(path).is_file()

    def _name(self, path: str) -> str:
        for folder, begins in ((str(self._root), ""), (os.path.realpath(Path.home()), "~/")):
            if _within(path, (folder,)):
                return plain_path(begins + os.path.relpath(path, folder))
        return plain_path(path)


def _source(path: str) -> str:
    """The source of a module whose compiled form was read."""
    if path.endswith(".pyc"):
        with contextlib.suppress(ValueError):
            return source_from_cache(path)
    return path


def _at_most(names: Iterable[str]) -> tuple[str, ...]:
    """Names in order; where they are too many, the deepest are replaced by their folders, `images/`."""
    found = set(names)
    while len(found) > _MAX_FILES:
        deepest = max(len(PurePosixPath(name).parts) for name in found)
        if deepest == 1:
            return tuple(sorted(found)[:_MAX_FILES])
        folded = {f"{PurePosixPath(name).parent}/" for name in found if len(PurePosixPath(name).parts) == deepest}
        found = folded | {name for name in found if len(PurePosixPath(name).parts) < deepest}
    return tuple(sorted(found))


def _within(path: str, folders: Collection[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


@functools.cache
def _library_folders() -> Mapping[bool, tuple[str, ...]]:
    """The folders of the standard library (True), and those of all other installed code and of this library (False)."""
    paths = sysconfig.get_paths()
    standard = {paths["stdlib"], paths["platstdlib"]}
    site = {paths["purelib"], paths["platlib"], str(Path(__file__).parents[1])}
    site |= {path for path in sys.path if path.rpartition("/")[2] in ("site-packages", "dist-packages")}
    if sys.prefix != sys.base_prefix:
        site.add(sys.prefix)
    return {True: _both_names(standard), False: _both_names(site)}


def _both_names(folders: Iterable[str]) -> tuple[str, ...]:
    return tuple({name for folder in folders for name in (folder, os.path.realpath(folder))})


@functools.lru_cache(maxsize=10_000)
def _is_library(path: str) -> bool:
    return _is_standard(path) or _within(path, _library_folders()[False])


@functools.lru_cache(maxsize=10_000)
def _is_standard(path: str) -> bool:
    folders = _library_folders()
    installed = _within(path, folders[False])
    return path.startswith("<frozen ") or (_within(path, folders[True]) and not installed)
