"""Where a place in a patch is: file and line, for messages about it."""

import re

from lineage_pipelines.capture.blobs import plain_path

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def locate(patch: bytes, offset: int) -> str:
    """Return `file:line` of the byte at `offset`; the new line number, or the old one of a removed line."""
    path, old, new, old_left, new_left = "the patch", 0, 0, 0, 0
    start = 0
    for line in patch.split(b"\n"):
        in_hunk = old_left > 0 or new_left > 0
        here = start <= offset <= start + len(line)
        start += len(line) + 1
        if not in_hunk:
            if line.startswith(b"diff --git "):
                path, old, new = _path(line), 0, 0
            elif hunk := _HUNK.match(line):
                old, old_left, new, new_left = (int(n) if n is not None else 1 for n in hunk.groups())
            if here:
                return path
            continue
        mark = line[:1]
        if here:
            return f"{path}:{old if mark == b'-' else new}"
        old, old_left = (old + 1, old_left - 1) if mark in b"- " else (old, old_left)
        new, new_left = (new + 1, new_left - 1) if mark in b"+ " else (new, new_left)
    return path


def _path(line: bytes) -> str:
    """The new path of `diff --git a/PATH b/PATH`; without renames both are equal."""
    names = line[len(b"diff --git ") :]
    name = names[len(names) // 2 + 1 :]
    if name.startswith(b'"'):
        name = _ESCAPE.sub(_unescape, name[1:-1])
    return plain_path(name[2:].decode("utf-8", "surrogateescape"))


def _unescape(match: "re.Match[bytes]") -> bytes:
    code = match[1]
    return bytes([int(code, 8)]) if code.isdigit() else _LETTERS.get(code, code)
