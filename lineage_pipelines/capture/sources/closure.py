"""Source closure: the project's source files that a training function can reach by its imports.

`code_version` and the code layer of the record are made from it.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lineage_pipelines.capture.gaps import Blobs, Gaps, plain_path
from lineage_pipelines.capture.sources.entry_function import Entry, find_entry, source_text
from lineage_pipelines.capture.sources.extra_sources import expand_sources
from lineage_pipelines.capture.sources.import_cache import ImportCache
from lineage_pipelines.capture.sources.import_statements import Import, Imports
from lineage_pipelines.capture.sources.module_finder import Module, ModuleFinder
from lineage_pipelines.capture.sources.source_reader import FreshSourceReader, SourceMemory, SourceReader
from lineage_pipelines.records.statement.code import SourceClosure, SourceFile
from lineage_pipelines.records.values.digest import Digest, sha256sum_lines
from lineage_pipelines.records.values.phrase import some_of


class ImportWalk:
    """One walk; afterwards it can say what it could not follow."""

    def __init__(self, root: Path, entry: Entry, sources: SourceReader) -> None:
        """Prepare to walk from `entry` over the files under `root`, reading them through `sources`."""
        self._root = os.path.realpath(root)
        self._entry = entry
        self._sources = sources
        roots = [entry.import_root or self._root, self._root, os.path.join(self._root, "src")]  # noqa: PTH118
        self._finder = ModuleFinder(self._root, roots)
        self._modules: dict[str, Module] = {}
        self.starts_inside = entry.file is not None and self._finder.is_project_file(entry.file)

    def files(self) -> dict[str, str]:
        """Return every project file that can be imported, as path relative to the root → absolute path."""
        waiting = list(self._first())
        while waiting:
            module = waiting.pop()
            key = module.file or module.name
            if key not in self._modules:
                self._modules[key] = module
                waiting += self._imported_by(module)
        files = (module.file for module in self._modules.values() if module.file is not None)
        return {self._relative(file): file for file in files if self._finder.is_project_file(file)}

    def gaps(self, changed: Sequence[str]) -> Iterator[str]:
        """Yield what is missing; `changed` are the files that differ from what this process had loaded."""
        name = self._entry.name
        if self._entry.file is None:
            yield f"code.source: {name} has no source file (a notebook or an interactive session)"
        elif not self.starts_inside:
            yield f"code.source: {name} is defined outside the project, in an installed package"
        elif not self._entry.importable:
            yield f"code.source: {name} is defined in a script and cannot be imported again; move it into a module"
        for why, names in self._troubles(changed):
            if names:
                yield f"code.source: {some_of(sorted(names))} {why}"

    def _troubles(self, changed: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
        yield "changed on disk after this process had loaded it", self._own(changed)
        own = {name: self._sources.sources[file].imports for file, name in self._names(self._sources.sources)}
        yield "cannot be parsed, its imports are not followed", [name for name, found in own.items() if found.broken]
        computed = [f"{name}:{line}" for name, found in own.items() for line in found.computed]
        yield "imports a module by a computed name, which is not followed", computed
        compiled = [module.name for module in self._modules.values() if module.compiled]
        yield "is compiled, its source is not recorded", compiled
        yield "cannot be read", self._own(self._sources.unreadable)

    def _own(self, files: Iterable[str]) -> list[str]:
        return [name for _, name in self._names(files)]

    def _names(self, files: Iterable[str]) -> Iterator[tuple[str, str]]:
        # Files outside the project are not named: their paths belong to this machine.
        return ((file, self._relative(file)) for file in files if self._finder.is_project_file(file))

    def _relative(self, path: str) -> str:
        name = path.removeprefix(self._root.rstrip(os.sep) + os.sep)
        return plain_path(name.replace(os.sep, "/"))

    def _first(self) -> Iterator[Module]:
        file = self._entry.file
        if file is not None:
            name = self._entry.place
            is_package = file.endswith(f"{os.sep}__init__.py")
            yield Module(name, file, (os.path.dirname(file),) if is_package else ())  # noqa: PTH120
            yield from self._with_parents(name.rpartition(".")[0])

    def _with_parents(self, name: str) -> Iterator[Module]:
        while name:
            module = self._finder.find(name)
            if module is not None:
                yield module
            name = name.rpartition(".")[0]

    def _imported_by(self, module: Module) -> Iterator[Module]:
        for each in self._imports(module).imports:
            base = _absolute(module, each)
            if base:
                yield from self._with_parents(base)
                for name in self._taken(base, each):
                    yield from filter(None, [self._finder.find(f"{base}.{name}")])

    def _taken(self, base: str, each: Import) -> Iterable[str]:
        """The names that may be submodules of what is imported."""
        package = self._finder.find(base)
        if package is None or not package.folders:
            return ()
        return self._imports(package).exported if each.names == ("*",) else each.names

    def _imports(self, module: Module) -> Imports:
        source = self._sources.get(module.file) if module.file is not None else None
        return source.imports if source is not None else Imports()


def _absolute(module: Module, each: Import) -> str | None:
    """The absolute name of what `from` names, or None when the dots lead out of every package."""
    if each.level == 0:
        return each.module
    parts = module.package.split(".") if module.package else []
    if each.level > len(parts):
        return None
    return ".".join([*parts[: len(parts) - each.level + 1], *([each.module] if each.module else [])])


def source_closure(
    entry: Callable[..., object],
    *,
    root: Path,
    extra_sources: Sequence[Path] = (),
    memory: SourceMemory | None = None,
) -> tuple[SourceClosure | None, Blobs, Gaps]:
    """Return the project's files that a function can import, their contents as blobs, and what is missing.

    This library is not a file of the project, wherever it lies; see `recorder`.

    Args:
        entry: the training function.
        root: the project's root; paths are relative to it.
        extra_sources: files and folders that matter beside what is imported (SQL, templates), under `root`.
        memory: the memory that `code_digest` was given, to report files that changed after they were loaded.

    Raises:
        CaptureError: an extra source is not there or not under `root`.
    """
    function = find_entry(entry)
    sources = FreshSourceReader(memory or SourceMemory())
    walk = ImportWalk(root, function, sources)
    paths = walk.files() | expand_sources(root, extra_sources)
    contents = {name: sources.contents[path] for name, path in sorted(paths.items()) if sources.get(path) is not None}
    gaps = tuple(walk.gaps(sources.changed()))
    if function.file is None and not contents:
        return None, {}, gaps
    blobs, copies, unstored = _blobs(contents)
    files = tuple(
        SourceFile(path=name, sha256=hashlib.sha256(data).hexdigest(), masked=copies.get(name))
        for name, data in contents.items()
    )
    digest = Digest.of(sha256sum_lines((file.path, file.sha256) for file in files))
    return SourceClosure(entry=function.name, files=files, digest=digest), blobs, (*gaps, *unstored)


def code_digest(
    entry: Callable[..., object],
    *,
    root: Path,
    extra_sources: Sequence[Path] = (),
    memory: SourceMemory | None = None,
    keep: Path | None = None,
) -> str:
    """Return the hex digest of a function and every project file it can import, for Dagster's `code_version`.

    Equal on every machine and checkout: relative paths and contents count; line ends, clocks and the current folder
    do not. Cheap enough for load time: an unchanged file is not read again through one memory.

    Args:
        entry: the training function.
        root: the project's root.
        extra_sources: files and folders that matter beside what is imported, under `root`.
        memory: what this process knows of source files already.
        keep: a file in which to keep what the sources import, so that the next process parses only what changed.

    Raises:
        CaptureError: an extra source is not there or not under `root`.
    """
    function = find_entry(entry)
    sources = SourceReader(memory or SourceMemory(), ImportCache(keep))
    walk = ImportWalk(root, function, sources)
    paths = walk.files() | expand_sources(root, extra_sources)
    found = {name: source for name, path in paths.items() if (source := sources.get(path)) is not None}
    sources.mark_loaded()
    parts = [
        f"{function.name}\n".encode(),
        sha256sum_lines((name, source.text_sha256) for name, source in found.items()),
    ]
    if not walk.starts_inside:
        outside = sources.get(function.file) if function.file is not None else None
        parts.append(outside.text_sha256.encode() if outside is not None else source_text(entry).encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _blobs(contents: dict[str, bytes]) -> tuple[Blobs, Mapping[str, Digest], Gaps]:
    """Return what is stored, the digest of the masked copy of each file that has one, and what is not stored."""
    from lineage_pipelines.capture.secrets import mask_secrets  # its patterns take time to compile

    blobs: dict[Digest, bytes] = {}
    copies: dict[str, Digest] = {}
    gaps: list[str] = []
    for name, data in contents.items():
        masked, offsets = mask_secrets(data, name)
        lines = dict.fromkeys(data.count(b"\n", 0, offset) + 1 for offset in offsets)
        places = some_of([f"{name}:{line}" for line in lines])
        if masked is None:
            gaps.append(f"code.source: {name} withheld, it holds what looks like a secret at {places}")
            continue
        if places:
            gaps.append(f"code.source: {name} masked, it holds what looks like a secret at {places}")
            copies[name] = Digest.of(masked)
        blobs[Digest.of(masked)] = masked
    return blobs, copies, tuple(gaps)
