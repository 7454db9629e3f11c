"""Which distributions the training code imports, found by the modules that each of them installs."""

import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from lineage_pipelines.capture.sources.imports import read_imports
from lineage_pipelines.queries.diff.sources import Blobs, read_blob
from lineage_pipelines.records import LineageRecord

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
