"""Source diff: two versions of one source file, as a unified diff of bounded length, and whether the code is the same.

A diff is made in one direction, by content, and turned round where the other is asked for: the lines added one way
are exactly the lines removed the other way.
"""

import ast
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lineage_pipelines.capture.sources.import_statements import parse_source

MAX_LINES = 400
"""Of one file's diff."""
_MAX_WIDTH = 500
_MAX_WORK = 400_000_000
"""Lines times lines that are matched with each other; a larger file counts as replaced."""
_CONTEXT = 3
_NO_END = "\\ No newline at end of file"
_Code = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True)
class TextDiff:
    """A unified diff, and how many lines it adds and removes in all."""

    patch: str
    added: int
    removed: int


def diff_texts(path: str, before: bytes | None, after: bytes | None, *, max_lines: int = MAX_LINES) -> TextDiff:
    """Return the unified diff of a file; None stands for no file.

    Args:
        path: the file's name in the head of the diff.
        before: the bytes on the left.
        after: the bytes on the right.
        max_lines: of what follows the head; a line with the number of the others takes their place. Long lines are cut.
    """
    if b"\0" in (before or b"") or b"\0" in (after or b""):
        return TextDiff(f"{path} is no text", 0, 0)
    left, right = _lines(before), _lines(after)
    hunks = _hunks(left, right) if (before or b"") <= (after or b"") else _turned(_hunks(right, left))
    shown = [line for hunk in hunks for line in _written(hunk, left, right)]
    head = [
        "--- /dev/null" if before is None else f"--- a/{path}",
        "+++ /dev/null" if after is None else f"+++ b/{path}",
    ]
    more = len(shown) - max_lines
    cut = [f"… {more:,} more {'line is' if more == 1 else 'lines are'} not shown"] if more > 0 else []
    patch = "\n".join([*head, *shown[:max_lines], *cut, ""]) if hunks else ""
    changed = [code for hunk in hunks for code in hunk if code[0] != "equal"]
    return TextDiff(patch, sum(code[4] - code[3] for code in changed), sum(code[2] - code[1] for code in changed))


def _lines(data: bytes | None) -> list[str]:
    """The lines; a last one without an end of line is followed by Git's note on it."""
    lines = (data or b"").decode("utf-8", "backslashreplace").split("\n")
    last = lines.pop()
    return [*lines, f"{last}\n{_NO_END}"] if last else lines


def _hunks(left: Sequence[str], right: Sequence[str]) -> list[list[_Code]]:
    if left == right:
        return []
    if len(left) * len(right) > _MAX_WORK:
        return [[("replace", 0, len(left), 0, len(right))]]
    return list(difflib.SequenceMatcher(None, left, right).get_grouped_opcodes(_CONTEXT))


def _turned(hunks: Sequence[Sequence[_Code]]) -> list[list[_Code]]:
    return [[(tag, c, d, a, b) for tag, a, b, c, d in hunk] for hunk in hunks]


def _written(hunk: Sequence[_Code], left: Sequence[str], right: Sequence[str]) -> Iterator[str]:
    first, last = hunk[0], hunk[-1]
    yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@"
    for tag, a, b, c, d in hunk:
        if tag == "equal":
            yield from _marked(" ", left[a:b])
            continue
        yield from _marked("-", left[a:b])
        yield from _marked("+", right[c:d])


def _range(start: int, end: int) -> str:
    length = end - start
    begin = start + 1 if length else start
    return f"{begin}" if length == 1 else f"{begin},{length}"


def _marked(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        text, *no_end = line.split("\n")
        yield mark + (text if len(text) <= _MAX_WIDTH else f"{text[:_MAX_WIDTH]}…")
        yield from no_end


def same_code(before: bytes, after: bytes) -> bool:
    """Return whether two Python files differ in comments and layout alone: their syntax is the same.

    A docstring is not layout: it is part of the program, and becomes the text of a launch form.
    """
    trees = [parse_source(data) for data in (before, after)]
    if trees[0] is None or trees[1] is None:
        return False
    try:
        return ast.dump(trees[0]) == ast.dump(trees[1])
    except RecursionError:
        return False
