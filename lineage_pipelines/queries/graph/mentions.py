"""Records that name a path, a revision or a list of packages: what the index of content does not answer.

The log is read once, and only a record whose bytes hold what is looked for is parsed: 10^5 versions take
a few seconds.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from lineage_pipelines.catalog import Catalog

_PACKAGES = re.compile(rb'"packages":"sha256:([0-9a-f]{64})"')


class Named(NamedTuple):
    """A file as a record names it."""

    path: str
    md5: str
    """With `.dir` for a directory; empty where it is not known."""
    sha256: str
    git: bool
    """Whether it is kept in Git, or may be."""


def predicates(catalog: Catalog, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, Any]]:
    """Yield place and predicate of each record whose bytes match; what cannot be read is left to `lineage verify`."""
    for entry in catalog.walk("record"):
        if pattern.search(entry.body):
            yield entry.seq, parse(entry.body)


def parse(body: bytes) -> Any:  # noqa: ANN401  # JSON of any shape
    """Return a record's predicate, unchecked; an empty one where it cannot be read."""
    try:
        statement = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return statement.get("predicate") or {} if isinstance(statement, dict) else {}


def path_pattern(paths: Sequence[str], beneath: str) -> re.Pattern[bytes]:
    """Return what a record's bytes hold that names one of the paths, or anything at or beneath one."""
    exact = [b'"path":' + _quoted(path) for path in paths]
    return re.compile(b"|".join(re.escape(text) for text in (*exact, b'"path":' + _quoted(beneath)[:-1])))


def _quoted(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")


def files_of(said: Any) -> Iterator[Named]:  # noqa: ANN401  # JSON of any shape
    """Yield every file that a predicate names: data, what stages read and wrote, the source that was reached."""
    for one in (*said.get("data", ()), *_parts_of_stages(said)):
        digest = one.get("digest", {})
        git = one.get("origin", "") in ("git", "external", "untracked")
        yield Named(str(one.get("path", "")), digest.get("md5", ""), digest.get("sha256", ""), git)
    for file in said.get("code", {}).get("source", {}).get("files", ()):
        yield Named(str(file["path"]), "", str(file["sha256"]), git=True)


def _parts_of_stages(said: Any) -> Iterator[Any]:  # noqa: ANN401
    for stage in said.get("stages", ()):
        yield from stage.get("deps", ())
        yield from stage.get("outs", ())


def package_lists(catalog: Catalog) -> dict[str, list[int]]:
    """Return the SHA-256 of each list of packages with the places of the records that name it."""
    found: dict[str, list[int]] = {}
    for entry in catalog.walk("record"):
        names = {name.decode() for name in _PACKAGES.findall(entry.body)}
        if len(names) > 1:  # a parameter may be called so, too
            said = parse(entry.body).get("environment", {}).get("packages", "")
            names &= {str(said).removeprefix("sha256:")}
        for name in names:
            found.setdefault(name, []).append(entry.seq)
    return found
