"""Environment changes: which libraries and what of the machine differ, imported libraries first."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from lineage_pipelines.capture.sources.import_statements import read_imports
from lineage_pipelines.queries.diff.alignment import kind_of, paired
from lineage_pipelines.queries.diff.changes import EnvironmentChange, PackageChange
from lineage_pipelines.queries.diff.stored_sources import Blobs, read_blob
from lineage_pipelines.records.statement.code import Environment
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import Json


def compare_environment(first: LineageRecord, second: LineageRecord, blobs: Blobs) -> EnvironmentChange:
    """Compare the installed libraries, the interpreter and the machine.

    Lists of libraries with one digest are not compared; one is read for what is the same. A library counts as
    imported when a stored source of either version imports it, or when the model file needs it.

    Args:
        first: the version on the left.
        second: the version on the right.
        blobs: the lists of packages and the stored sources.
    """
    before, after = first.environment, second.environment
    facts = dict(_facts(before, after))
    if before.packages == after.packages:
        same = dict(_lines(blobs(before.packages) or b""))
        return EnvironmentChange(identical=not facts, unchanged=before.package_count, same=same, facts=facts)
    lists = [blobs(environment.packages) for environment in (before, after)]
    if lists[0] is None or lists[1] is None:
        side = "either" if lists[0] is lists[1] else "the first" if lists[0] is None else "the second"
        weaker = f"the list of packages of {side} version is not kept, so which of them differ is not known"
        return EnvironmentChange(identical=False, facts=facts, weaker=weaker)
    changed, same = _packages(lists[0], lists[1])
    imported, weaker = _imported([change.name for change in changed], first, second, blobs)
    marked = (_marked(change, imported) for change in changed)
    ordered = tuple(sorted(marked, key=lambda change: (not change.imported, change.name)))
    return EnvironmentChange(
        identical=False, packages=ordered, unchanged=len(same), same=same, facts=facts, weaker=weaker
    )


def _facts(before: Environment, after: Environment) -> Iterator[tuple[str, tuple[Json, Json]]]:
    for name in ("python", "platform", "cpu"):
        yield from _fact(name, getattr(before, name), getattr(after, name))
    for name in sorted({*before.threads, *after.threads}):
        yield from _fact(f"threads.{name}", before.threads.get(name), after.threads.get(name))
    locks = [str(environment.lock) if environment.lock else None for environment in (before, after)]
    yield from _fact("lock", *locks)
    yield from _fact("lock_file", before.lock_file, after.lock_file)


def _fact(name: str, before: Json, after: Json) -> Iterator[tuple[str, tuple[Json, Json]]]:
    if before != after:
        yield name, (before, after)


def _packages(before: bytes, after: bytes) -> tuple[list[PackageChange], dict[str, str]]:
    pairs = paired(_lines(before), _lines(after), lambda line: line[0])
    changed = [pair for pair in pairs if pair.before != pair.after]
    changes = [
        PackageChange(
            name=pair.name,
            kind=kind_of(pair.before, pair.after),
            before=pair.before[1] if pair.before else None,
            after=pair.after[1] if pair.after else None,
        )
        for pair in changed
    ]
    return changes, {pair.name: pair.before[1] for pair in pairs if pair.before and pair.before == pair.after}


def _lines(listed: bytes) -> list[tuple[str, str]]:
    """Name, and version with what it came from: the same version of another commit is another library."""
    lines = listed.decode("utf-8", "backslashreplace").split("\n")
    return [(name, version) for name, _, version in (line.partition("==") for line in lines) if name]


def _imported(
    names: Sequence[str], first: LineageRecord, second: LineageRecord, blobs: Blobs
) -> tuple[frozenset[str], str]:

    return find_imported(names, (first, second), blobs)


def _marked(change: PackageChange, imported: frozenset[str]) -> PackageChange:
    return replace(change, imported=change.name in imported)


_SEPARATORS = re.compile(r"[-_.]+")
_WORD = re.compile(rb"\w+")
_TOP = re.compile(rb"^([A-Za-z_][A-Za-z0-9_]*)(?=/|\.py,)", re.MULTILINE)
_MODULES = {
    "attrs": ("attr", "attrs"),
    "beautifulsoup4": ("bs4",),
    "msgpack-python": ("msgpack",),
    "opencv-python": ("cv2",),
    "opencv-python-headless": ("cv2",),
    "pillow": ("PIL",),
    "protobuf": ("google",),
    "psycopg2-binary": ("psycopg2",),
    "pyjwt": ("jwt",),
    "python-dateutil": ("dateutil",),
    "pyyaml": ("yaml",),
    "scikit-image": ("skimage",),
    "scikit-learn": ("sklearn",),
    "typing-extensions": ("typing_extensions",),
}
"""Distributions whose modules have another name, for those that are not installed where the question is asked."""


def find_imported(names: Sequence[str], records: Sequence[LineageRecord], blobs: Blobs) -> tuple[frozenset[str], str]:
    """Return which of some distributions are imported by stored sources or needed by the model file.

    What a distribution installs is taken from the one that is installed here, if it is; from its name otherwise.

    Args:
        names: distributions, as a list of packages has them.
        records: the versions whose sources and requirements count.
        blobs: the stored sources.

    Returns:
        the distributions, and what could not be looked at, in words.
    """
    needed = {_normal(line.partition("==")[0]) for record in records for line in record.artifact.requirements}
    found = {name for name in names if _normal(name) in needed}
    rest = [name for name in names if name not in found]
    known = [file for record in records if record.code.source for file in record.code.source.files]
    hexes = {file.sha256 for file in known if file.path.endswith(".py")}
    read = [read_blob(blobs, sha256) for sha256 in sorted(hexes)] if rest else []
    sources = {data: _mentioned(data) for data in read if data is not None}
    owners: dict[str, set[str]] = {}
    likely = frozenset(word.decode("utf-8", "replace") for words in sources.values() for word in words)
    for name in rest:
        for module in _modules(name, likely):
            owners.setdefault(module, set()).add(name)
    imported = _search(sources, set(owners))
    found |= {name for module in imported for name in owners[module]}
    lost = sum(data is None for data in read)
    return frozenset(found), _weaker(lost, without=any(record.code.source is None for record in records))


def _weaker(lost: int, *, without: bool) -> str:
    if not lost and not without:
        return ""
    what = (
        "the sources of a version are not recorded"
        if without
        else f"{lost:,} {'source file is' if lost == 1 else 'source files are'} not kept"
    )
    return f"{what}, so that more of the libraries may be imported"


def _normal(name: str) -> str:
    return _SEPARATORS.sub("-", name.strip()).lower()


def _mentioned(source: bytes) -> frozenset[bytes]:
    """Every word on a line that may import something: no module that is imported is missing among them."""
    lines = (line for line in source.split(b"\n") if b"import" in line)
    return frozenset(word for line in lines for word in _WORD.findall(line))


def _modules(name: str, likely: frozenset[str]) -> set[str]:
    """Those top-level modules of a distribution that sources may import."""
    plain = _normal(name)
    guessed = {plain.replace("-", "_"), plain.partition("-")[0] if plain.startswith("google-") else plain}
    guessed |= {*_MODULES.get(plain, ())}
    return (guessed | _installed(plain)) & likely


@cache
def _installed(name: str) -> frozenset[str]:
    """The modules that a distribution installs, of the one that is installed here; read once a process."""
    folder = _folders().get(name)
    try:
        if folder is None:
            return frozenset()
        declared = folder / "top_level.txt"
        if declared.exists():
            return frozenset(declared.read_text(encoding="utf-8", errors="replace").split())
        listed = (folder / "RECORD").read_bytes()
    except OSError:
        return frozenset()
    return frozenset(top.decode() for top in _TOP.findall(listed))


@cache
def _folders() -> Mapping[str, Path]:
    """Where the facts of each installed distribution are, by its plain name: one look into each folder of the path.

    `importlib.metadata` looks again for every name, which takes a quarter of a second for two hundred of them.
    """
    found: dict[str, Path] = {}
    for place in sys.path:
        try:
            there = list(Path(place or ".").iterdir())
        except OSError:
            continue
        for path in there:
            if path.suffix in (".dist-info", ".egg-info"):
                found.setdefault(_normal(path.stem.partition("-")[0]), path)
    return found


def _search(sources: Mapping[bytes, frozenset[bytes]], wanted: set[str]) -> set[str]:
    """Those of the modules that some source imports.

    Reading syntax takes time, so that a source is read only when a line of it looks like an import of one of them.
    """
    left = {module.encode(): module for module in wanted}
    found: set[str] = set()
    for data, words in sources.items():
        if words.isdisjoint(left):
            continue
        tops = {each.module.partition(".")[0] for each in read_imports(data).imports if not each.level}
        new = tops.intersection(left.values())
        found |= new
        for module in new:
            del left[module.encode()]
    return found
