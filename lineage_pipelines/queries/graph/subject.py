"""Subject of an impact question: from what the user types to a digest, path, revision, package or version."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.git.public_url import public_address
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.index.impact_index import ImpactQuery
from lineage_pipelines.errors import ArtifactError, DatasetError, NotFoundError
from lineage_pipelines.queries.graph.lineage_graph import LineageGraph, Node, NodeKind
from lineage_pipelines.queries.refs import is_version, resolve
from lineage_pipelines.records.values.digest import Digest

if TYPE_CHECKING:
    from lineage_pipelines.datasets.pipeline.pipeline_graph import Stage


class SubjectKind(StrEnum):
    """What was asked about."""

    CONTENT = "content"
    """Bytes, by MD5 or SHA-256."""
    PATH = "path"
    """A file or folder, in whatever content it ever had."""
    REVISION = "revision"
    PACKAGE = "package"
    ORIGIN = "origin"
    """The repository or URL that data was imported from."""
    VERSION = "version"
    """A version of a model, whose file others read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that versions may have used, and what is known of it before any of them is read."""

    kind: SubjectKind
    text: str
    """In words: `data/raw/2013-07.csv`, `scikit-learn==1.9.1`."""
    hexes: frozenset[str] = frozenset()
    """Its MD5s (without `.dir`) and SHA-256s."""
    path: str | None = None
    folders: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Tracked directories that hold it, by path (empty for any) and MD5: how it is called inside."""
    inside: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """MD5 of the file inside such a directory, where the subject is one file."""
    doubtful: frozenset[tuple[str, str]] = frozenset()
    """Tracked directories that may hold it: their listing is gone."""
    revisions: frozenset[str] = frozenset()
    origin: str | None = None
    """The address that data was imported from."""
    environments: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each list of packages that it is in: how it is called there."""
    entities: frozenset[int] = frozenset()
    """Entities in the index of the catalog, where digests and the path do not identify it."""
    weaker: tuple[str, ...] = ()
    """What could not be checked."""

    @property
    def query(self) -> ImpactQuery:
        """The query for the versions that used it."""
        hexes = {*self.hexes, *(md5 for folder, md5 in self.folders if not folder)}
        return ImpactQuery(hexes=hexes, path=self.path, entities=self.entities)

    def what(self, node: Node) -> str | None:
        """Return how a node is called when it is the subject, or holds it; None when it is not."""
        if node.kind is NodeKind.VERSION:
            return None
        md5 = (node.digest.md5 or "").removesuffix(".dir") if node.digest else ""
        sha256 = (node.digest.sha256 or "") if node.digest else ""
        if not self.hexes.isdisjoint({md5, sha256}) or self._is_path(node.path) or node.revision in self.revisions:
            return node.label
        if self.origin is not None and node.origin == self.origin:
            return node.label
        if node.kind is NodeKind.ENVIRONMENT:
            return self.environments.get(sha256)
        if node.kind is NodeKind.CLOSURE:
            return next((path for path, hex_ in node.files if hex_ in self.hexes or self._is_path(path)), None)
        return self._inside(node, md5)

    def content_of(self, node: Node) -> str | None:
        """Return the MD5 (else SHA-256) of the subject where it is a node, or lies in it; None without one."""
        if node.digest is None or node.kind in (NodeKind.REVISION, NodeKind.ENVIRONMENT):
            return None
        md5 = (node.digest.md5 or "").removesuffix(".dir")
        held = self.inside.get((node.path or "", md5)) or self.inside.get(("", md5))
        return held or md5 or node.digest.sha256

    def _is_path(self, path: str | None) -> bool:
        return bool(self.path and path and (path == self.path or path.startswith(f"{self.path}/")))

    def _inside(self, node: Node, md5: str) -> str | None:
        if not node.path or not md5:
            return None
        for key in ((node.path, md5), ("", md5)):
            if key in self.folders:
                return f"{node.path}/{self.folders[key]}"
            if key in self.doubtful:
                return f"{node.path}, which may hold it: its listing is gone"
        return None

    def is_doubtful(self, graph: LineageGraph) -> bool:
        """Return whether a version counts as using it only because a listing is gone."""
        found = [node for node in graph.nodes.values() if self.what(node) is not None]
        return all(self._doubted(node) for node in found) if found else False

    def _doubted(self, node: Node) -> bool:
        md5 = (node.digest.md5 or "").removesuffix(".dir") if node.digest else ""
        return not self._is_path(node.path) and (node.path, md5) in self.doubtful


_REMEMBERED = 2_000
"""How many lists of packages are remembered; each takes some 10 kB."""


class Listings:
    """The listings that DVC's cache of a project keeps; none without a project.

    Args:
        project_dir: a folder of the DVC project, or None.
    """

    def __init__(self, project_dir: Path | None) -> None:
        self._project_dir = project_dir

    @cached_property
    def _cache(self) -> Path | None:
        from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject

        if self._project_dir is None:
            return None
        try:
            return DvcProject(self._project_dir).cache_dir
        except DatasetError:  # not a DVC project, or one that cannot be read: answers are weaker
            return None

    def files(self, md5: str) -> Mapping[str, str] | None:
        """Return path and MD5 of the files of a directory; None where its listing is gone or altered."""
        from lineage_pipelines.datasets.metafiles.directory_listing import read_listing

        name = md5.removesuffix(".dir")
        for place in ("files/md5/", ""):  # the second as DVC 2 had it
            path = self._cache / f"{place}{name[:2]}/{name[2:]}.dir" if self._cache else None
            if path is not None and path.is_file():
                try:
                    return dict(read_listing(path, md5))
                except DatasetError:
                    return None
        return None

    def holding(self, prefix: str) -> Iterator[tuple[str, str, str]]:
        """Yield directory MD5, path inside and MD5 of each file whose MD5 begins so, in every listing of the cache."""
        if self._cache is None or len(prefix) > 32:  # noqa: PLR2004  # an MD5 has so many characters
            return
        pattern_of_md5 = re.compile(rb'"md5":\s*"' + prefix.encode())
        for pattern in ("files/md5/??/*.dir", "??/*.dir"):
            for path in sorted(self._cache.glob(pattern)):
                name = path.parent.name + path.name.removesuffix(".dir")
                if re.fullmatch(r"[0-9a-f]{32}", name) and pattern_of_md5.search(path.read_bytes()):
                    found = self.files(name) or {}
                    yield from ((name, inside, md5) for inside, md5 in found.items() if md5.startswith(prefix))

    def maker(self, path: str) -> "Stage | None":
        """Return the stage of the project's dvc.yaml that makes a file; None where none does, or it cannot be read."""
        from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject

        if self._project_dir is None:
            return None
        try:
            stages = DvcProject(self._project_dir).graph().stages
        except DatasetError:
            return None
        return next((stage for stage in stages if path in {output.path for output in stage.outs}), None)


def plain_name(package: str) -> str:
    """Return a distribution's name as PEP 503 normalises it."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(package)


def read_packages(store: ArtifactStore | None, hex_: str) -> Mapping[str, str] | None:
    """Return name and version of every package of a list; None where the list is gone or altered.

    A list is read and parsed once in a process, while its file stays as it is; from an object store, each time.
    """
    if store is None:
        return None
    place = Path(store.url_of(Digest("sha256", hex_)))
    try:
        found = place.stat()
    except OSError:
        return _parsed(store, hex_)
    state = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return _remembered(store.url, hex_, state)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(url: str, hex_: str, _state: tuple[int, ...]) -> Mapping[str, str] | None:
    return _parsed(ArtifactStore(url), hex_)


def _parsed(store: ArtifactStore, hex_: str) -> Mapping[str, str] | None:
    try:
        text = store.read(Digest("sha256", hex_)).decode("utf-8", "replace")
    except ArtifactError:
        return None
    lines = (line.partition(" @ ")[0].partition("==") for line in text.splitlines())
    # Most lists have most of their words in common.
    return {intern(plain_name(name)): intern(version) for name, _, version in lines}


_HEX = re.compile(r"(?:sha256:|md5:)?([0-9a-f]{6,64})(?:\.dir)?", re.IGNORECASE)
_PACKAGE = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:==(\S+))?")
_UNSAYABLE = re.compile("[\\0\ud800-\udfff]")
"""What no record can hold, and no database be asked for."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a subject is looked for, besides the catalog.

    Args:
        artifacts: the store of the lists of packages; without it packages are known by what models need alone.
        project_dir: the DVC project, for files inside tracked directories.
    """

    artifacts: ArtifactStore | None = None
    project_dir: Path | None = None


def find_subject(catalog: Catalog, text: str, places: Places) -> Subject:
    """Return what a person asked about.

    Raises:
        NotFoundError: no record names it, or it may be several things; the message says what is near.
        CatalogError: the catalog cannot be read.
    """
    if found := _HEX.fullmatch(text):
        return _digest(catalog, found[1].lower(), places)
    if _UNSAYABLE.search(text):
        raise nearest(catalog, text, places.artifacts, Listings(places.project_dir))
    if imported := _origin(catalog, text):
        return imported
    if "==" in text:
        subject = _package(catalog, text, places)
    elif is_version(catalog, text):
        return _version(catalog, text)
    else:
        subject = _path(catalog, _relative(text, places.project_dir), places) or _package(catalog, text, places)
    if subject is None:
        raise nearest(catalog, text, places.artifacts, Listings(places.project_dir))
    return subject


def _origin(catalog: Catalog, text: str) -> Subject | None:
    """Return an address that data was imported from."""
    url = public_address(text)
    number = catalog.index.origin_number(url) if url else None
    if number is None:
        return None
    return Subject(kind=SubjectKind.ORIGIN, text=str(url), origin=url, entities=frozenset({number}))


def _version(catalog: Catalog, text: str) -> Subject:
    entry = resolve(catalog, text)
    hexes = _same(catalog, entry.record.artifact.digest.hex)
    return Subject(kind=SubjectKind.VERSION, text=f"the model file of {entry.ref}", hexes=hexes)


# Digests


def _digest(catalog: Catalog, prefix: str, places: Places) -> Subject:
    inside = list(Listings(places.project_dir).holding(prefix))
    named = catalog.index.by_prefix(prefix)
    found = sorted({*(each.name for each in named), *(md5 for _, _, md5 in inside)})
    if len(found) > 1 and prefix not in found:
        raise _ambiguous(catalog, prefix, found)
    if not found:
        raise _unknown(catalog, prefix)
    name = prefix if prefix in found else found[0]
    for each in named:
        if each.name == name and each.kind in ("revision", "record", "model"):
            return _one(catalog, each.kind, name, each.id)
        if each.name == name:
            break
    hexes = _same(catalog, name)
    holding = [(("", folder), path, md5) for folder, path, md5 in inside if md5 in hexes]
    return Subject(
        kind=SubjectKind.CONTENT,
        text=max(hexes, key=len),
        hexes=hexes,
        folders={key: path for key, path, _ in holding},
        inside={key: md5 for key, _, md5 in holding},
    )


def _same(catalog: Catalog, hex_: str) -> frozenset[str]:
    """Return the MD5 and SHA-256 of some content."""
    files = catalog.index.files_of([hex_])
    return frozenset({hex_, *(name for file in files for name in (file.md5.removesuffix(".dir"), file.sha256) if name)})


def _one(catalog: Catalog, kind: str, name: str, number: int) -> Subject:
    if kind == "revision":
        revisions = frozenset({name})
        return Subject(
            kind=SubjectKind.REVISION, text=f"commit {name}", revisions=revisions, entities=frozenset({number})
        )
    return _version(catalog, catalog.log.versions_at([number])[0].ref)


def _unknown(catalog: Catalog, prefix: str) -> NotFoundError:
    return NotFoundError(
        f"nothing that a record names begins with {prefix}",
        where=catalog.url,
        fix="ask with a path, a package, or a digest that lineage show prints; a file inside a tracked directory is "
        "found by its MD5 where DVC's cache has the directory's listing",
    )


def _ambiguous(catalog: Catalog, prefix: str, found: list[str]) -> NotFoundError:
    shown = ", ".join(found[:5])
    return NotFoundError(f"several things begin with {prefix}", where=catalog.url, fix=f"say which: {shown}")


# Paths


def _relative(text: str, project_dir: Path | None) -> str:
    path = Path(os.path.normpath(text))
    if path.is_absolute() and project_dir is not None and path.is_relative_to(project_dir):
        path = path.relative_to(project_dir)
    return path.as_posix()


def _path(catalog: Catalog, path: str, places: Places) -> Subject | None:
    """Return a file or folder; also one inside a tracked directory, which only the directory's listing knows."""
    above = ["/".join(path.split("/")[:end]) for end in range(1, path.count("/") + 1)]
    folders: dict[tuple[str, str], list[int]] = {}
    for file in catalog.index.files_at(above) if above else ():
        if file.md5.endswith(".dir"):
            folders.setdefault((file.path, file.md5.removesuffix(".dir")), []).append(file.id)
    holding, doubtful = _in_folders(path, list(folders), Listings(places.project_dir))
    if not holding and not doubtful and not catalog.index.has_path(path):
        return None
    gone = f"the listings of {len(doubtful)} directories that may hold it are not in DVC's cache" if doubtful else ""
    return Subject(
        kind=SubjectKind.PATH,
        text=path,
        path=path,
        folders={key: name for key, (name, _) in holding.items()},
        inside={key: md5 for key, (_, md5) in holding.items() if md5 is not None},
        doubtful=doubtful,
        entities=frozenset(number for key in (*holding, *doubtful) for number in folders[key]),
        weaker=(gone,) if gone else (),
    )


def _in_folders(
    path: str, folders: Sequence[tuple[str, str]], listings: Listings
) -> tuple[Mapping[tuple[str, str], tuple[str, str | None]], frozenset[tuple[str, str]]]:
    """Return the directories that hold a path, with its name inside and its MD5, and those whose listing is gone.

    A folder inside has no MD5 of its own.
    """
    holding: dict[tuple[str, str], tuple[str, str | None]] = {}
    doubtful: set[tuple[str, str]] = set()
    for folder, md5 in folders:
        inside = path[len(folder) + 1 :]
        files = listings.files(md5)
        if files is None:
            doubtful.add((folder, md5))
        elif any(name == inside or name.startswith(f"{inside}/") for name in files):
            holding[folder, md5] = (inside, files.get(inside))
    return holding, frozenset(doubtful)


# Packages


def _package(catalog: Catalog, text: str, places: Places) -> Subject | None:
    asked = _PACKAGE.fullmatch(text)
    if asked is None:
        return None
    name, version_asked = plain_name(asked[1]), asked[2]
    lists, gone = catalog.index.package_lists(), 0
    environments: dict[str, str] = {}
    entities: set[int] = set()
    for hex_, (number, newest) in lists.items():
        packages = read_packages(places.artifacts, hex_)
        gone += packages is None
        version = (packages if packages is not None else _needed(catalog, newest)).get(name)
        if version is not None and version_asked in (None, version):
            environments[hex_] = f"{name}=={version}"
            entities.add(number)
    if not entities:
        return None
    weaker = f"{gone} of {len(lists)} lists of packages are not in the artifact store: of those, what the models need"
    return Subject(
        kind=SubjectKind.PACKAGE,
        text=f"{name}=={version_asked}" if version_asked else name,
        environments=environments,
        entities=frozenset(entities),
        weaker=(weaker,) if gone else (),
    )


def _needed(catalog: Catalog, newest: int) -> Mapping[str, str]:
    """Return what the newest model needs that was trained with a list of packages which is gone."""
    needed = [
        text.partition("==")
        for entry in catalog.log.versions_at([newest])
        for text in entry.record.artifact.requirements
    ]
    return {plain_name(name): version for name, _, version in needed}


_LIMIT = 5
_MAX_INSIDE = 2_000
"""So many files of a directory are looked at for names that are near."""


def nearest(catalog: Catalog, text: str, artifacts: ArtifactStore | None, listings: Listings) -> NotFoundError:
    """Return the error that names what the newest versions used and is called much like it."""
    found = {name for summary in catalog.models() for name in _names(catalog, summary.name, artifacts, listings)}
    names = sorted(found - {text})
    version_asked = plain_name(text.partition("==")[0]) if "==" in text else text
    near = difflib.get_close_matches(version_asked, names, n=_LIMIT, cutoff=0.5)
    same = [name for name in names if name.partition("==")[0] == version_asked]
    shown = ", ".join(dict.fromkeys([*same, *near][:_LIMIT]))
    fix = f"near it: {shown}" if shown else "ask with a path, a digest, a commit, a package==version or model@7"
    if stage := listings.maker(text):
        read = next((dep.path for dep in stage.deps if dep.producers), None)
        ask = f"; ask for what it reads: lineage impact {read}" if read else ""
        fix = f"the stage {stage.address} of {stage.file} makes it, and no recorded training used it{ask}"
    return NotFoundError(f"no version is known to have used {text[:140]!r}", where=catalog.url, fix=fix)


def _names(catalog: Catalog, model: str, artifacts: ArtifactStore | None, listings: Listings) -> Iterator[str]:
    entry = catalog.latest(model)
    if entry is None:
        return
    record = entry.record
    yield model
    yield from (snapshot.path for snapshot in record.data)
    for used in (used for stage in record.stages for used in stage.deps):
        yield used.path
        md5 = used.digest.md5 or ""
        inside = listings.files(md5) if md5.endswith(".dir") else None
        yield from (f"{used.path}/{name}" for name in islice(inside or (), _MAX_INSIDE))
    yield from (out.path for stage in record.stages for out in stage.outs)
    yield from (file.path for file in record.code.source.files) if record.code.source else ()
    packages = read_packages(artifacts, record.environment.packages.hex)
    listed = [f"{name}=={version}" for name, version in packages.items()] if packages else ()
    yield from listed or record.artifact.requirements
