"""File history: the commit by which a `.dvc` file came to name the data that it names now."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from lineage_pipelines.capture.gaps import Gaps
from lineage_pipelines.records.statement.dataset import Delivery
from lineage_pipelines.records.values.phrase import some_of
from lineage_pipelines.system.git_command import GitError, run_git

_LOG = (
    *("log", "--format=%x00%H%x00%D%x00%an%x00%aI%x00", "--decorate=full", "--patch", "--unified=0", "--text"),
    *("--no-renames", "--relative", "--src-prefix=a/", "--dst-prefix=b/"),
)
_FIELDS = 5
"""Of a commit in the output, its differences last."""
_BOUNDARY = "grafted"
"""What Git says of the oldest commit of a shallow clone, which seems to add everything."""
_MAX_BYTES = 64 * 1024 * 1024
_LONGEST_NAME = 200


def find_deliveries(root: Path, wanted: Mapping[str, str]) -> tuple[Mapping[str, Delivery], Gaps]:
    """Return the commits that brought the data that `.dvc` files name, in one call of Git, and what is missing.

    Args:
        root: the folder that the files are relative to.
        wanted: file to the MD5 that it names.
    """
    if not wanted:
        return {}, ()
    pattern = "|".join(sorted(set(wanted.values())))
    try:
        output = run_git(root, [*_LOG, f"-G{pattern}", "--", *sorted(wanted)], limit=_MAX_BYTES)
    except GitError as error:
        return {}, (f"sources.delivery: {error}",)
    latest: dict[str, _Commit | None] = {}
    for commit in _commits(output):
        for file, lines in commit.lines.items():
            signs = {line[:1] for line in lines if wanted.get(file, "\n") in line}
            if signs and file not in latest:
                # If it only removed the MD5, and the work tree has it again, then that is not committed.
                latest[file] = commit if "+" in signs else None
    shallow = [file for file, commit in latest.items() if commit is not None and commit.is_boundary]
    lost = [file for file in wanted if latest.get(file) is None]
    gaps = [
        *_gap(lost, "not committed as it is now"),
        *_gap(shallow, "the clone is too shallow to tell by which commit"),
    ]
    found = {file: commit.delivery for file, commit in latest.items() if commit is not None and not commit.is_boundary}
    return found, tuple(gaps)


def _gap(files: Sequence[str], reason: str) -> Iterator[str]:
    if files:
        yield f"sources.delivery: {some_of(sorted(files))}: {reason}"


class _Commit(NamedTuple):
    delivery: Delivery
    is_boundary: bool
    lines: Mapping[str, Sequence[str]]
    """File to the lines that were added and removed, with their sign."""


def _commits(output: bytes) -> Iterator[_Commit]:
    """Yield the commits of a log, the latest first."""
    fields = output.decode("utf-8", "replace").split("\0")[1:]
    for start in range(0, len(fields) - _FIELDS + 1, _FIELDS):
        revision, decorations, author, date, patch = fields[start : start + _FIELDS]
        delivery = Delivery(revision=revision, author=author[:_LONGEST_NAME], date=datetime.fromisoformat(date))
        yield _Commit(delivery, _BOUNDARY in decorations.split(", "), _changed_lines(patch))


def _changed_lines(patch: str) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    file, in_header = "", True
    for line in patch.split("\n"):
        if line.startswith("diff --git "):
            file, in_header = "", True
        elif line.startswith("@@"):
            in_header = False
        elif in_header and line.startswith(("--- ", "+++ ")) and not line.endswith("/dev/null"):
            file = _unquote(line[4:].removesuffix("\t"))[2:]
        elif not in_header and line[:1] in ("+", "-"):
            found.setdefault(file, []).append(line)
    return found


def _unquote(path: str) -> str:
    """Return a path as Git writes it in a patch: with bytes beyond ASCII in octal, between quotes."""
    if not re.fullmatch(r'".*"', path):
        return path
    return path[1:-1].encode("ascii", "replace").decode("unicode_escape").encode("latin-1").decode("utf-8", "replace")
