"""Strict, fast YAML reader for DVC's metafiles: bytes to plain values, with the line of every key.

Scalars follow YAML 1.2 as ruamel.yaml reads and writes it, which is what DVC uses.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from lineage_pipelines.errors import DatasetError

_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_FLOAT = re.compile(
    r"""[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+
    |[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN)""",
    re.VERBOSE,
)
_INT = re.compile(r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9_]+)")
_NUMBER_STARTS = frozenset("-+.0123456789")
_BASES = {"0b": 2, "0o": 8, "0x": 16}

Scalar = None | bool | int | float | str


def resolve_plain(text: str) -> Scalar:
    """Return what an unquoted word stands for.

    Raises:
        ValueError: it looks like a number but is not one, such as `0x_`.
    """
    if text[:1] in _NUMBER_STARTS:
        return _number(text)
    if text in _NULL:
        return None
    return _BOOL.get(text, text)


def _number(text: str) -> Scalar:
    if _FLOAT.fullmatch(text):
        return to_float(text)
    if _INT.fullmatch(text):
        return to_int(text)
    return text


def to_int(text: str) -> int:
    """Read a YAML integer: decimal (leading zeros allowed), `0b`, `0o` or `0x`, with underscores."""
    digits = text.replace("_", "").lower()
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    return sign * int(digits, _BASES.get(digits[:2], 10))


def to_float(text: str) -> float:
    """Read a YAML float; `.inf` and `.nan` are floats too."""
    digits = text.replace("_", "").lower()
    return float(digits.replace(".inf", "inf").replace(".nan", "nan"))


def to_bool(text: str) -> bool:
    """Read a YAML boolean.

    Raises:
        ValueError: it is not a boolean.
    """
    if text not in _BOOL:
        raise ValueError(text)
    return _BOOL[text]


MAX_BYTES = 128 * 2**20
MAX_DEPTH = 100
MAX_NODES = 10_000_000

_FIX = "correct the file, or restore it with `git checkout -- FILE`"
_PREFIX = "tag:yaml.org,2002:"
_TAGGED: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": to_int,
    "float": to_float,
    "bool": to_bool,
    "null": lambda _: None,
    "timestamp": str,
}
_CONFLICT = re.compile(rb"^<{7} .*?^={7}\s*$.*?^>{7} ", re.MULTILINE | re.DOTALL)


class YamlError(DatasetError):
    """Bytes that are not the YAML we accept; `line` is 1-based, 0 when unknown."""

    def __init__(self, what: str, *, file: str, line: int = 0, fix: str = _FIX) -> None:
        super().__init__(what, where=f"{file}:{line}" if line else file, fix=fix)
        self.file = file
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: its value and where each key stands."""

    file: str
    value: Any
    """Mappings with text keys where the file has text keys; an empty file is an empty mapping, as for DVC."""
    _lines: dict[int, dict[Any, int]] = field(default_factory=dict, repr=False)

    def line(self, *path: object) -> int:
        """Return the line (1-based) of the last key of `path` that exists; 1 for the document itself."""
        value, line = self.value, 1
        for key in path:
            known = self._lines.get(id(value), {})
            if key not in known:
                break
            line = known[key]
            value = value[key]
        return line


def read_yaml(data: bytes, *, file: str) -> Document:
    """Parse one YAML document.

    Args:
        data: the file's bytes.
        file: what to call the file in errors.

    Raises:
        YamlError: the bytes are not valid, or not plain data.
    """
    if len(data) > MAX_BYTES:
        raise YamlError(f"the file has {len(data):,} bytes, more than {MAX_BYTES:,}", file=file)
    if (conflict := _CONFLICT.search(data)) is not None:
        line = data.count(b"\n", 0, conflict.start()) + 1
        raise YamlError("the file holds Git conflict markers", file=file, line=line, fix="resolve the conflict")
    folder = _Folder(file)
    try:
        value = folder.fold(yaml.CSafeLoader(_decode(data, file)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(f"not valid YAML: {_reason(error)}", file=file, line=mark.line + 1 if mark else 0) from error
    except yaml.YAMLError as error:
        raise YamlError(f"not valid YAML: {str(error).splitlines()[0]}", file=file) from error
    return Document(file, {} if value is None else value, folder.lines)


def _reason(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.context, error.problem) if part)


def _decode(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlError("the file is not UTF-8", file=file, line=line, fix="save it as UTF-8") from error


_MERGE = object()
_NO_KEY = object()


@dataclass(slots=True)
class _Open:
    """A container that is being read."""

    value: Any
    anchor: str | None
    first_node: int
    start: Any
    """The event that opened it."""
    lines: dict[Any, int] = field(default_factory=dict)
    key: Any = _NO_KEY
    merged: list[dict[Any, Any]] = field(default_factory=list)


class _Folder:
    """Folds parser events into one value."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[int, dict[Any, int]] = {}
        self.nodes = 0
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.stack: list[_Open] = []
        self.documents: list[Any] = []

    def fold(self, parser: Any) -> Any:  # noqa: ANN401  # the loader's event methods have no stub
        """Consume every event and return the value of the only document; None when there is none."""
        handlers = {
            yaml.DocumentStartEvent: self._document,
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
        }
        try:
            while type(event := parser.get_event()) is not yaml.StreamEndEvent:
                if (handler := handlers.get(type(event))) is not None:
                    handler(event)
        finally:
            parser.dispose()
        return self.documents[0] if self.documents else None

    def _fail(self, what: str, event: Any) -> YamlError:  # noqa: ANN401
        return YamlError(what, file=self.file, line=event.start_mark.line + 1)

    def _document(self, event: Any) -> None:  # noqa: ANN401
        if self.documents:
            raise self._fail("the file holds more than one YAML document", event)

    def _scalar(self, event: Any) -> None:  # noqa: ANN401
        self._count(1, event)
        plain = event.implicit[0] and event.tag is None
        if plain and event.value == "<<" and self._wants_key():
            self.stack[-1].key = _MERGE
            return
        if plain and (":" in event.value or "?" in event.value) and self.stack and self.stack[-1].start.flow_style:
            # Valid YAML, but the older libyaml below DVC stops at it, with a message that does not say where.
            what = f"{event.value[:80]!r} has ':' or '?' inside brackets without quotes, which DVC refuses"
            raise YamlError(what, file=self.file, line=event.start_mark.line + 1, fix="put it in quotes")
        try:
            value = resolve_plain(event.value) if plain else self._tagged(event)
        except ValueError as error:
            raise self._fail(f"not a number: {event.value[:40]!r}", event) from error
        self._keep_anchor(event.anchor, value, 1)
        self._add(value, event)

    def _tagged(self, event: Any) -> Any:  # noqa: ANN401
        if event.tag is None or event.tag == "!":
            return event.value
        convert = _TAGGED.get(event.tag.removeprefix(_PREFIX))
        if convert is None:
            raise self._fail(f"the tag {event.tag[:80]!r} is not plain data", event)
        return convert(event.value)

    def _start(self, event: Any) -> None:  # noqa: ANN401
        self._count(1, event)
        if len(self.stack) >= MAX_DEPTH:
            raise self._fail(f"nested deeper than {MAX_DEPTH}", event)
        mapping = type(event) is yaml.MappingStartEvent
        if self._wants_key():
            raise self._fail("a key is not a plain word", event)
        if event.tag not in (None, "!", _PREFIX + ("map" if mapping else "seq")):
            raise self._fail(f"the tag {event.tag[:80]!r} is not plain data", event)
        opened = _Open({} if mapping else [], event.anchor, self.nodes, event)
        self.anchors.pop(event.anchor, None)
        self.stack.append(opened)
        self.lines[id(opened.value)] = opened.lines

    def _end(self, _: Any) -> None:  # noqa: ANN401
        done = self.stack.pop()
        if done.merged:
            # The mapping's own keys win, then the earlier merged mapping.
            own = dict(done.value)
            done.value.clear()
            for merged in reversed(done.merged):
                done.value.update(merged)
            done.value.update(own)
        self._keep_anchor(done.anchor, done.value, self.nodes - done.first_node + 1)
        self._add(done.value, done.start)

    def _alias(self, event: Any) -> None:  # noqa: ANN401
        if event.anchor not in self.anchors:
            raise self._fail(f"the alias *{event.anchor[:40]} stands before or inside what it names", event)
        value, size = self.anchors[event.anchor]
        self._count(size, event)
        self._add(value, event)

    def _count(self, nodes: int, event: Any) -> None:  # noqa: ANN401
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise self._fail(f"the aliases expand to more than {MAX_NODES:,} values", event)

    def _keep_anchor(self, anchor: str | None, value: Any, size: int) -> None:  # noqa: ANN401
        if anchor is not None:
            self.anchors[anchor] = (value, size)

    def _wants_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is _NO_KEY

    def _add(self, value: Any, event: Any) -> None:  # noqa: ANN401
        if not self.stack:
            self.documents.append(value)
            return
        parent = self.stack[-1]
        if isinstance(parent.value, list):
            parent.lines[len(parent.value)] = event.start_mark.line + 1
            parent.value.append(value)
        elif parent.key is _NO_KEY:
            self._add_key(parent, value, event)
        elif parent.key is _MERGE:
            parent.merged.extend(self._mappings(value, event))
            parent.key = _NO_KEY
        else:
            parent.value[parent.key] = value
            parent.key = _NO_KEY

    def _add_key(self, parent: _Open, key: Any, event: Any) -> None:  # noqa: ANN401
        if isinstance(key, dict | list):
            raise self._fail("a key is not a plain word", event)
        if key in parent.lines:
            first = parent.lines[key]
            raise self._fail(f"the key {str(key)[:80]!r} is given twice, first in line {first}", event)
        parent.lines[key] = event.start_mark.line + 1
        parent.key = key

    def _mappings(self, value: Any, event: Any) -> list[dict[Any, Any]]:  # noqa: ANN401
        found = value if isinstance(value, list) else [value]
        if not all(isinstance(item, dict) for item in found):
            raise self._fail("`<<` merges mappings only", event)
        return found
