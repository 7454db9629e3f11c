"""From what a person types to a subject: a digest, a file or folder, a revision, a package, or a version."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.artifacts import ArtifactStore
from lineage_pipelines.catalog import Catalog
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.graph.holders import Listings, plain_name, read_packages
from lineage_pipelines.queries.graph.nearest import nearest
from lineage_pipelines.queries.graph.subject import Subject, SubjectKind
from lineage_pipelines.queries.refs import resolve

_HEX = re.compile(r"(?:sha256:|md5:)?([0-9a-f]{6,64})(?:\.dir)?", re.IGNORECASE)
_PACKAGE = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:==(\S+))?")
_UNSAYABLE = re.compile("[\\0\ud800-\udfff]")
"""What no record can hold, and no database be asked for."""
_VERSION = re.compile(r"[a-z0-9][a-z0-9._-]*@\S+")


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
    if "==" in text:
        subject = _package(catalog, text, places)
    elif _VERSION.fullmatch(text) or catalog.latest(text) is not None:
        return _version(catalog, text)
    else:
        subject = _path(catalog, _relative(text, places.project_dir), places) or _package(catalog, text, places)
    if subject is None:
        raise nearest(catalog, text, places.artifacts, Listings(places.project_dir))
    return subject


def _version(catalog: Catalog, text: str) -> Subject:
    entry = resolve(catalog, text)
    hexes = _same(catalog, entry.record.artifact.digest.hex)
    return Subject(kind=SubjectKind.VERSION, text=f"the model file of {entry.ref}", hexes=hexes)


# Digests


def _digest(catalog: Catalog, prefix: str, places: Places) -> Subject:
    inside = list(Listings(places.project_dir).holding(prefix))
    named = catalog.beginning(prefix)
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
    folders = {("", folder): path for folder, path, md5 in inside if md5 in hexes}
    return Subject(kind=SubjectKind.CONTENT, text=max(hexes, key=len), hexes=hexes, folders=folders)


def _same(catalog: Catalog, hex_: str) -> frozenset[str]:
    """Return the MD5 and SHA-256 of some content."""
    files = catalog.files_of([hex_])
    return frozenset({hex_, *(name for file in files for name in (file.md5.removesuffix(".dir"), file.sha256) if name)})


def _one(catalog: Catalog, kind: str, name: str, number: int) -> Subject:
    if kind == "revision":
        revisions = frozenset({name})
        return Subject(
            kind=SubjectKind.REVISION, text=f"commit {name}", revisions=revisions, entities=frozenset({number})
        )
    return _version(catalog, catalog.at([number])[0].ref)


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
    path = Path(text)
    if path.is_absolute() and project_dir is not None and path.is_relative_to(project_dir):
        path = path.relative_to(project_dir)
    return path.as_posix()


def _path(catalog: Catalog, path: str, places: Places) -> Subject | None:
    """Return a file or folder; also one inside a tracked directory, which only the directory's listing knows."""
    above = ["/".join(path.split("/")[:end]) for end in range(1, path.count("/") + 1)]
    folders: dict[tuple[str, str], list[int]] = {}
    for file in catalog.files_at(above) if above else ():
        if file.md5.endswith(".dir"):
            folders.setdefault((file.path, file.md5.removesuffix(".dir")), []).append(file.id)
    holding, doubtful = _in_folders(path, list(folders), Listings(places.project_dir))
    if not holding and not doubtful and not catalog.is_named(path):
        return None
    gone = f"the listings of {len(doubtful)} directories that may hold it are not in DVC's cache" if doubtful else ""
    return Subject(
        kind=SubjectKind.PATH,
        text=path,
        path=path,
        folders=holding,
        doubtful=doubtful,
        entities=frozenset(number for key in (*holding, *doubtful) for number in folders[key]),
        weaker=(gone,) if gone else (),
    )


def _in_folders(
    path: str, folders: Sequence[tuple[str, str]], listings: Listings
) -> tuple[Mapping[tuple[str, str], str], frozenset[tuple[str, str]]]:
    """Return the directories that hold a path, with its name inside, and those that nobody has a listing of."""
    holding: dict[tuple[str, str], str] = {}
    doubtful: set[tuple[str, str]] = set()
    for folder, md5 in folders:
        inside = path[len(folder) + 1 :]
        files = listings.files(md5)
        if files is None:
            doubtful.add((folder, md5))
        elif any(name == inside or name.startswith(f"{inside}/") for name in files):
            holding[folder, md5] = inside
    return holding, frozenset(doubtful)


# Packages


def _package(catalog: Catalog, text: str, places: Places) -> Subject | None:
    asked = _PACKAGE.fullmatch(text)
    if asked is None:
        return None
    name, wanted = plain_name(asked[1]), asked[2]
    lists, gone = catalog.package_lists(), 0
    environments: dict[str, str] = {}
    entities: set[int] = set()
    for hex_, (number, newest) in lists.items():
        packages = read_packages(places.artifacts, hex_)
        gone += packages is None
        version = (packages if packages is not None else _needed(catalog, newest)).get(name)
        if version is not None and wanted in (None, version):
            environments[hex_] = f"{name}=={version}"
            entities.add(number)
    if not entities:
        return None
    weaker = f"{gone} of {len(lists)} lists of packages are not in the artifact store: of those, what the models need"
    return Subject(
        kind=SubjectKind.PACKAGE,
        text=f"{name}=={wanted}" if wanted else name,
        environments=environments,
        entities=frozenset(entities),
        weaker=(weaker,) if gone else (),
    )


def _needed(catalog: Catalog, newest: int) -> Mapping[str, str]:
    """Return what the newest model needs that was trained with a list of packages which is gone."""
    needed = [text.partition("==") for entry in catalog.at([newest]) for text in entry.record.artifact.requirements]
    return {plain_name(name): version for name, _, version in needed}
