"""Which distributions the training code imports, found by the modules that each of them installs."""

import importlib.metadata
import re
from collections.abc import Iterable, Iterator, Sequence

from lineage_pipelines.capture.sources.imports import read_imports
from lineage_pipelines.queries.diff.sources import Blobs, read_blob
from lineage_pipelines.records import LineageRecord

_SEPARATORS = re.compile(r"[-_.]+")
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
    owners: dict[str, set[str]] = {}
    for name in names:
        for module in () if name in found else _modules(name):
            owners.setdefault(module, set()).add(name)
    known = [file for record in records if record.code.source for file in record.code.source.files]
    hexes = {file.sha256 for file in known if file.path.endswith(".py")}
    sources = [read_blob(blobs, sha256) for sha256 in sorted(hexes)] if owners else []
    imported = _search((data for data in sources if data is not None), set(owners))
    found |= {name for module in imported for name in owners[module]}
    lost = sum(data is None for data in sources)
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


def _modules(name: str) -> set[str]:
    """The top-level modules that a distribution installs."""
    plain = _normal(name)
    return {plain.replace("-", "_"), plain.partition("-")[0] if plain.startswith("google-") else plain} | {
        *_MODULES.get(plain, ()),
        *_installed(plain),
    }


def _installed(name: str) -> Iterator[str]:
    try:
        distribution = importlib.metadata.distribution(name)
        declared = (distribution.read_text("top_level.txt") or "").split()
        listed = "" if declared else distribution.read_text("RECORD") or ""
    except (importlib.metadata.PackageNotFoundError, ValueError, OSError):
        return
    yield from declared
    for line in dict.fromkeys(line.split(",", 1)[0].partition("/")[::2] for line in listed.splitlines()):
        top, rest = line
        module = top if rest else top.removesuffix(".py") if top.endswith(".py") else ""
        if module.isidentifier():
            yield module


def _search(sources: Iterable[bytes], wanted: set[str]) -> set[str]:
    """Those of the modules that some source imports.

    Reading syntax takes time, so that a file is read only when a line of it looks like an import of one of them.
    """
    found: set[str] = set()
    likely = _pattern(wanted)
    for data in sources:
        if wanted == found:
            break
        if likely is None or not likely.search(data):
            continue
        tops = {each.module.partition(".")[0] for each in read_imports(data).imports if not each.level}
        if new := (tops & wanted) - found:
            found |= new
            likely = _pattern(wanted - found)
    return found


def _pattern(modules: set[str]) -> "re.Pattern[bytes] | None":
    names = b"|".join(re.escape(module).encode() for module in sorted(modules))
    line = rb"^[^\n#]*\b(?:from|import|import_module|__import__)\b[^\n]*\b(?:" + names + rb")\b"
    return re.compile(line, re.MULTILINE) if modules else None
