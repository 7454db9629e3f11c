import contextlib
import math
import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lineage_pipelines.datasets.metafiles import yaml_reader
from lineage_pipelines.datasets.metafiles.yaml_reader import MAX_DEPTH, YamlError, read_yaml


def read(text: str) -> Any:
    return read_yaml(text.encode(), file="dvc.lock").value


def as_dvc(text: str) -> Any:
    return YAML(typ="safe").load(text) or {}


def alike(ours: Any, theirs: Any) -> bool:
    """Equal in value and type, where dates are text for us."""
    if isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(alike(ours[key], theirs[key]) for key in theirs)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    if isinstance(theirs, float) and math.isnan(theirs):
        return isinstance(ours, float) and math.isnan(ours)
    if type(theirs).__name__ in ("date", "datetime", "TimeStamp"):
        return isinstance(ours, str)
    return bool(ours == theirs) and type(ours) is type(theirs)


# fmt: off
WORDS = [
    "yes", "no", "on", "off", "y", "n", "true", "True", "TRUE", "false", "tRue", "null",
    "~", "Null", "NULL", "nil", "1", "-1", "+1", "0", "00", "012", "0o12", "0x1F",
    "0b101", "1_000", "1e3", "1e-3", "1.0", ".5", "5.", "-.5", "1.5e+3", ".inf", "-.inf", "+.inf",
    ".nan", ".NaN", "1:30", "12:30:45", "1.2.3", "1e", "0x", "2020-01-01", "2020-01-01T10:00:00Z", "a:b", "3.14",
    "0.1e1",
    "+.5", "1__0", "9999999999999999999999", "é", "x-y", "a.b", "C:\\\\x",
]
# fmt: on


@pytest.mark.parametrize("word", WORDS)
def test_a_word_means_what_it_means_to_dvc(word: str) -> None:
    text = f"a: {word}\n"
    assert alike(read(text), as_dvc(text))


@given(st.text(alphabet="0123456789+-._eExXob:nNaAfFtTrRuUlLsSyY~", min_size=1, max_size=8))
def test_any_word_means_what_it_means_to_dvc(word: str) -> None:
    text = f"a: {word}\n"
    try:
        theirs = as_dvc(text)
    except (YAMLError, ValueError):
        with contextlib.suppress(YamlError):
            read(text)
        return
    assert alike(read(text), theirs)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_what_dvc_writes_is_read_as_dvc_reads_it(value: Any) -> None:
    from dvc.utils.serialize import dumps_yaml

    text = dumps_yaml({"value": value})
    assert alike(read(text), as_dvc(text))


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_clear_error(data: bytes) -> None:
    with contextlib.suppress(YamlError):
        read_yaml(data, file="x.dvc")


@given(st.text(alphabet="ab:-[]{},&*!|>?'\"#% \n\t<=0", max_size=60))
def test_any_text_gives_a_value_or_a_clear_error(text: str) -> None:
    with contextlib.suppress(YamlError):
        read(text)


MERGES = """
base: &base {a: 1, b: 2}
other: &other {b: 3, c: 4}
one: {<<: *base, b: 9}
list: {<<: [*base, *other], d: 5}
"""


def test_merge_keys_and_aliases() -> None:
    assert read(MERGES) == as_dvc(MERGES)
    assert list(read(MERGES)["list"]) == list(as_dvc(MERGES)["list"])


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_file_is_an_empty_mapping(text: str) -> None:
    assert read(text) == {}


def test_a_byte_order_mark_is_not_content() -> None:
    assert read_yaml(b"\xef\xbb\xbfa: 1\n", file="x.dvc").value == {"a": 1}


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "the key 'a' is given twice, first in line 1"),
        ("a:\n  b: 1\n  b: 1\n", 3, "the key 'b' is given twice, first in line 2"),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n", 2, "the file holds Git conflict markers"),
        ("a: [1, 2\nb: 3\n", 2, "not valid YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
        ("a: !!python/object:os.system x\n", 1, "the tag 'tag:yaml.org,2002:python/object:os.system' is not plain"),
        ("a: &x\n  b: *x\n", 2, "the alias *x stands before or inside what it names"),
        ("a: *nothing\n", 1, "the alias *nothing stands before or inside what it names"),
        ("a: 1\n---\nb: 2\n", 2, "the file holds more than one YAML document"),
        ("? [a]\n: b\n", 1, "a key is not a plain word"),
        ("a: {<<: [1]}\n", 1, "`<<` merges mappings only"),
        ("a: !!int x\n", 1, "not a number: 'x'"),
        ("a:\n\tb: 1\n", 2, "not valid YAML: while scanning for the next token"),
        (BOMB, 7, "the aliases expand to more than 10,000,000 values"),
        ("[" * 1_000_000, 1, f"nested deeper than {MAX_DEPTH}"),
        ("- " * 100_000 + "a", 1, f"nested deeper than {MAX_DEPTH}"),
    ],
)
def test_what_is_refused_is_told_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(YamlError) as caught:
        read(text)
    assert caught.value.what.startswith(what)
    assert caught.value.line == line
    assert caught.value.where == f"dvc.lock:{line}"
    assert caught.value.fix


def test_bytes_that_are_not_utf8_are_told_with_their_line() -> None:
    with pytest.raises(YamlError, match="not UTF-8") as caught:
        read_yaml(b"a: 1\nb: \xff\n", file="dvc.yaml")
    assert caught.value.line == 2


def test_a_huge_file_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(YamlError, match="more than"):
        read_yaml(b"#" * (128 * 2**20 + 1), file="dvc.lock")


def test_lines_of_keys_and_items() -> None:
    document = read_yaml(b"stages:\n  a:\n    deps:\n    - x\n    - y\n", file="dvc.yaml")
    assert document.line("stages", "a") == 2
    assert document.line("stages", "a", "deps", 1) == 5
    assert document.line("stages", "nothing", "deps") == 1
    assert document.line() == 1


_NO_SCALAR = re.compile(r"-|.*:|[-+]?(?:\.|0[box])?_+(?:[eE][-+]?[0-9]+)?")
"""Markers of YAML's own structure, and numbers without a digit, which both readers refuse."""


@pytest.mark.parametrize(
    ("alphabet", "most"), [("5.e+_", 5), ("05._E-", 4), ("018_.boxA", 4), ("01:-TZ", 4), (".infINaA-", 4)]
)
def test_every_short_word_means_what_it_means_to_dvc(alphabet: str, most: int) -> None:
    words = ("".join(letters) for size in range(1, most + 1) for letters in product(alphabet, repeat=size))
    scalars = [word for word in words if not _NO_SCALAR.fullmatch(word)]
    text = "".join(f"- {word}\n" for word in scalars)
    both = zip(scalars, read(text), as_dvc(text), strict=True)
    assert [(word, ours) for word, ours, theirs in both if not alike(ours, theirs)] == []


def test_the_greatest_depth_is_read() -> None:
    value = read("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for _ in range(MAX_DEPTH - 1):
        (value,) = value
    assert value == []
    with pytest.raises(YamlError, match="nested deeper"):
        read("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("a", 1),
        ("[]", 1),
        ("[a, b]", 3),
        ("a: b", 3),
        ("a: &x [1, 2]\nb: *x", 9),
        ("a: &x 1\nb: [*x, *x]", 7),
        ("a: &x {b: &y [1]}\nc: [*x, *y]", 14),
        ("a: &x {b: 1}\nc: {<<: *x, d: 2}", 13),
    ],
)
def test_every_value_counts_as_often_as_it_is_expanded(text: str, nodes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "MAX_NODES", nodes)
    read(text)
    monkeypatch.setattr(yaml_reader, "MAX_NODES", nodes - 1)
    with pytest.raises(YamlError, match=f"the aliases expand to more than {nodes - 1} values"):
        read(text)
