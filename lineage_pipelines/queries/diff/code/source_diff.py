"""Two versions of one source file: the unified diff, bounded, and whether the code itself is the same.

A diff is made in one direction, by content, and turned round where the other is asked for: the lines added one way
are exactly the lines removed the other way.
"""

import ast
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lineage_pipelines.queries.diff.stored_sources import parse_source

MOST_LINES = 400
"""Of one file's diff."""
_MOST_WIDTH = 500
_MOST_WORK = 25_000_000
"""Lines times lines that are matched with each other; beyond it what lies between the first and the last difference
counts as replaced."""
_CONTEXT = 3
_NO_END = "\\ No newline at end of file"
_Code = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True)
class TextDiff:
    """A unified diff, and how many lines it adds and removes in all."""

    patch: str
    added: int
    removed: int


def diff_texts(path: str, before: bytes | None, after: bytes | None, *, most_lines: int = MOST_LINES) -> TextDiff:
    """Return the unified diff of a file; None stands for no file.

    Args:
        path: the file's name in the head of the diff.
        before: the bytes on the left.
        after: the bytes on the right.
        most_lines: of what follows the head; a line that says so takes the place of the others. Long lines are cut.
    """
    if b"\0" in (before or b"") or b"\0" in (after or b""):
        return TextDiff(f"{path} is no text", 0, 0)
    left, right = _lines(before), _lines(after)
    codes = _matched(left, right) if (before or b"") <= (after or b"") else _turned(_matched(right, left))
    changed = [code for code in codes if code[0] != "equal"]
    shown = list(_hunks(left, right, codes))
    head = [
        "--- /dev/null" if before is None else f"--- a/{path}",
        "+++ /dev/null" if after is None else f"+++ b/{path}",
    ]
    more = len(shown) - most_lines
    cut = [f"… {more:,} more {'line is' if more == 1 else 'lines are'} not shown"] if more > 0 else []
    patch = "\n".join([*head, *shown[:most_lines], *cut, ""])
    return TextDiff(
        patch if changed else "", sum(code[4] - code[3] for code in changed), sum(code[2] - code[1] for code in changed)
    )


def _lines(data: bytes | None) -> list[str]:
    """The lines, of which a last one without an end of line says so."""
    lines = (data or b"").decode("utf-8", "backslashreplace").split("\n")
    last = lines.pop()
    return [*lines, f"{last}\n{_NO_END}"] if last else lines


def _matched(left: Sequence[str], right: Sequence[str]) -> list[_Code]:
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    middle = (left[start : len(left) - end], right[start : len(right) - end])
    codes: list[_Code] = [("equal", 0, start, 0, start)] if start else []
    codes += [(tag, a + start, b + start, c + start, d + start) for tag, a, b, c, d in _opcodes(*middle)]
    ends = (len(left) - end, len(left), len(right) - end, len(right))
    return [*codes, ("equal", *ends)] if end else codes


def _opcodes(left: Sequence[str], right: Sequence[str]) -> Sequence[_Code]:
    if len(left) * len(right) > _MOST_WORK:
        return [("replace", 0, len(left), 0, len(right))]
    return difflib.SequenceMatcher(None, left, right).get_opcodes()


def _turned(codes: Sequence[_Code]) -> list[_Code]:
    other = {"insert": "delete", "delete": "insert"}
    return [(other.get(tag, tag), c, d, a, b) for tag, a, b, c, d in codes]


def _hunks(left: Sequence[str], right: Sequence[str], codes: Sequence[_Code]) -> Iterator[str]:
    for hunk in _grouped(codes):
        first, last = hunk[0], hunk[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@"
        for tag, a, b, c, d in hunk:
            if tag == "equal":
                yield from _marked(" ", left[a:b])
                continue
            yield from _marked("-", left[a:b])
            yield from _marked("+", right[c:d])


def _grouped(codes: Sequence[_Code]) -> Iterator[list[_Code]]:
    """Changes with three lines around them; between those further apart a new hunk begins."""
    hunk: list[_Code] = []
    for place, (tag, a, b, c, d) in enumerate(codes):
        if tag != "equal":
            hunk.append((tag, a, b, c, d))
            continue
        is_last, before, after = place == len(codes) - 1, min(_CONTEXT, b - a), max(b - _CONTEXT, a)
        if hunk and (is_last or b - a > 2 * _CONTEXT):
            yield [*hunk, (tag, a, a + before, c, c + before)]
            hunk = []
        if not is_last:
            hunk = [*hunk, (tag, a, b, c, d)] if hunk else [(tag, after, b, d - (b - after), d)]
    if any(code[0] != "equal" for code in hunk):
        yield hunk


def _range(start: int, end: int) -> str:
    length = end - start
    begin = start + 1 if length else start
    return f"{begin}" if length == 1 else f"{begin},{length}"


def _marked(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        text, *no_end = line.split("\n")
        yield mark + (text if len(text) <= _MOST_WIDTH else f"{text[:_MOST_WIDTH]}…")
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
