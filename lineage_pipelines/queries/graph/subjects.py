"""From what a person types to a subject: a digest, a file or folder, a revision, a package, or a version."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_pipelines.artifacts import ArtifactStore
from lineage_pipelines.catalog import Catalog
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.graph.holders import Listings, plain_name, read_packages
from lineage_pipelines.queries.graph.mentions import files_of, package_lists, parse, path_pattern, predicates
from lineage_pipelines.queries.graph.nearest import nearest
from lineage_pipelines.queries.graph.subject import Subject, SubjectKind
from lineage_pipelines.queries.refs import resolve

_HEX = re.compile(r"(?:sha256:|md5:)?([0-9a-f]{6,64})(?:\.dir)?", re.IGNORECASE)
_PACKAGE = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:==(\S+))?")
_VERSION = re.compile(r"[a-z0-9][a-z0-9._-]*@\S+")
_SIBLINGS_IN = 3
"""In how many of the newest records a file's other digest is looked for."""


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
    if "==" in text:
        subject = _package(catalog, text, places)
    elif _VERSION.fullmatch(text) or any(model.name == text for model in catalog.models()):
        return _version(catalog, text)
    else:
        subject = _path(catalog, _relative(text, places.project_dir), places) or _package(catalog, text, places)
    if subject is None:
        raise nearest(catalog, text, places.artifacts, Listings(places.project_dir))
    return subject


def _version(catalog: Catalog, text: str) -> Subject:
    entry = resolve(catalog, text)
    hexes = frozenset({entry.record.artifact.digest.hex})
    return Subject(kind=SubjectKind.VERSION, text=f"the model file of {entry.ref}", hexes=hexes)


# Digests


def _digest(catalog: Catalog, prefix: str, places: Places) -> Subject:
    inside = list(Listings(places.project_dir).holding(prefix))
    found = sorted({*catalog.contents(prefix), *(md5 for _, _, md5 in inside)})
    if len(found) > 1 and prefix not in found:
        raise _ambiguous(catalog, prefix, found)
    if not found:
        return _elsewhere(catalog, prefix)
    hexes, code = _siblings(catalog, prefix if prefix in found else found[0])
    folders = {("", folder): name for folder, name, md5 in inside if md5 in hexes}
    seqs = _closures_with(catalog, hexes) if code else frozenset()
    text = max(hexes, key=len)
    return Subject(kind=SubjectKind.CONTENT, text=text, hexes=hexes, folders=folders, seqs=seqs)


def _siblings(catalog: Catalog, hex_: str) -> tuple[frozenset[str], bool]:
    """Return the MD5 and SHA-256 of some content, and whether it may be source code, too."""
    hexes, code = {hex_}, False
    for entry in catalog.at([name.seq for name in catalog.using([hex_], limit=_SIBLINGS_IN)]):
        for file in files_of(parse(entry.body)):
            names = {file.md5.removesuffix(".dir"), file.sha256} - {""}
            if hex_ in names:
                hexes |= names
                code = code or file.git
    return frozenset(hexes), code


def _closures_with(catalog: Catalog, hexes: frozenset[str]) -> frozenset[int]:
    pattern = re.compile(b"|".join(hex_.encode() for hex_ in sorted(hexes)))
    found = predicates(catalog, pattern)
    return frozenset(seq for seq, said in found if any(file.sha256 in hexes for file in files_of(said)))


def _elsewhere(catalog: Catalog, prefix: str) -> Subject:
    """Find what begins so and is no data: a commit, a source file, a record, a model file."""
    found: dict[tuple[SubjectKind, str], set[int]] = {}
    for seq, said in predicates(catalog, re.compile(b'[":]' + prefix.encode())):
        for key in _named(said):
            if key[1].startswith(prefix):
                found.setdefault(key, set()).add(seq)
    for entry in catalog.walk("record"):
        if entry.digest.startswith(prefix):
            found.setdefault((SubjectKind.VERSION, entry.digest), set()).add(entry.seq)
    if len(found) > 1:
        raise _ambiguous(catalog, prefix, sorted(name for _, name in found))
    for (kind, name), seqs in found.items():
        return _one(catalog, kind, name, frozenset(seqs))
    raise NotFoundError(
        f"nothing that a record names begins with {prefix}",
        where=catalog.url,
        fix="ask with a path, a package, or a digest that lineage show prints; a file inside a tracked directory is "
        "found by its MD5 where DVC's cache has the directory's listing",
    )


def _one(catalog: Catalog, kind: SubjectKind, name: str, seqs: frozenset[int]) -> Subject:
    if kind is SubjectKind.VERSION:
        return _version(catalog, catalog.at(sorted(seqs))[0].ref)
    if kind is SubjectKind.REVISION:
        return Subject(kind=kind, text=f"commit {name}", revisions=frozenset({name}), seqs=seqs)
    return Subject(kind=kind, text=name, hexes=frozenset({name}), seqs=seqs)


def _named(said: Any) -> Iterator[tuple[SubjectKind, str]]:  # noqa: ANN401  # JSON of any shape
    yield SubjectKind.REVISION, str(said.get("code", {}).get("revision") or "")
    yield SubjectKind.VERSION, str(said.get("artifact", {}).get("digest") or "").partition(":")[2]
    yield from ((SubjectKind.CONTENT, file.sha256) for file in files_of(said))


def _ambiguous(catalog: Catalog, prefix: str, found: list[str]) -> NotFoundError:
    shown = ", ".join(found[:5])
    return NotFoundError(f"several things begin with {prefix}", where=catalog.url, fix=f"say which: {shown}")


# Paths


def _relative(text: str, project_dir: Path | None) -> str:
    path = Path(text)
    if path.is_absolute() and project_dir is not None and path.is_relative_to(project_dir):
        path = path.relative_to(project_dir)
    return path.as_posix()


def _path(catalog: Catalog, path: str, places: Places) -> Subject | None:
    above = ["/".join(path.split("/")[:end]) for end in range(1, path.count("/") + 1)]
    direct: set[int] = set()
    folders: dict[tuple[str, str], set[int]] = {}
    for seq, said in predicates(catalog, path_pattern(above, path)):
        for file in files_of(said):
            if file.path == path or file.path.startswith(f"{path}/"):
                direct.add(seq)
            elif file.path in above and file.md5.endswith(".dir"):
                folders.setdefault((file.path, file.md5.removesuffix(".dir")), set()).add(seq)
    return _in_folders(path, direct, folders, Listings(places.project_dir))


def _in_folders(
    path: str, direct: set[int], folders: dict[tuple[str, str], set[int]], listings: Listings
) -> Subject | None:
    holding: dict[tuple[str, str], str] = {}
    doubtful: set[tuple[str, str]] = set()
    for folder, md5 in folders:
        inside = path[len(folder) + 1 :]
        files = listings.files(md5)
        if files is None:
            doubtful.add((folder, md5))
        elif any(name == inside or name.startswith(f"{inside}/") for name in files):
            holding[folder, md5] = inside
    if not direct and not holding and not doubtful:
        return None
    seqs = direct.union(*(folders[key] for key in (*holding, *doubtful)))
    gone = f"the listings of {len(doubtful)} directories that may hold it are not in DVC's cache" if doubtful else ""
    return Subject(
        kind=SubjectKind.PATH,
        text=path,
        path=path,
        folders=holding,
        doubtful=frozenset(doubtful),
        seqs=frozenset(seqs),
        weaker=(gone,) if gone else (),
    )


# Packages


def _package(catalog: Catalog, text: str, places: Places) -> Subject | None:
    asked = _PACKAGE.fullmatch(text)
    if asked is None:
        return None
    name, wanted = plain_name(asked[1]), asked[2]
    lists, gone = package_lists(catalog), 0
    environments: dict[str, str] = {}
    seqs: set[int] = set()
    for hex_, named_by in lists.items():
        packages = read_packages(places.artifacts, hex_)
        gone += packages is None
        version = (packages if packages is not None else _needed(catalog, named_by)).get(name)
        if version is not None and wanted in (None, version):
            environments[hex_] = f"{name}=={version}"
            seqs.update(named_by)
    if not seqs:
        return None
    weaker = f"{gone} of {len(lists)} lists of packages are not in the artifact store: of those, what the models need"
    return Subject(
        kind=SubjectKind.PACKAGE,
        text=f"{name}=={wanted}" if wanted else name,
        environments=environments,
        seqs=frozenset(seqs),
        weaker=(weaker,) if gone else (),
    )


def _needed(catalog: Catalog, seqs: list[int]) -> dict[str, str]:
    """Return what a model needs that was trained with a list of packages which is gone."""
    entries = catalog.at(seqs[-1:])
    needed = [text.partition("==") for entry in entries for text in entry.record.artifact.requirements]
    return {plain_name(name): version for name, _, version in needed}
