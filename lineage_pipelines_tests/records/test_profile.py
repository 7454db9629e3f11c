"""Profiles of every version and detail are read; a whole one is written again as it was."""

from dataclasses import replace

import pytest

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.profile import (
    VERSION,
    ColumnKind,
    ColumnProfile,
    Profile,
    ProfileVersionError,
    decode_profile,
    encode_profile,
    profile_budget,
)

_VERSION_1 = (
    b'{"columns":[{"distinct":2,"kind":"number","max":3,"mean":2,"min":1,"name":"n","nulls":1,"other":0,'
    b'"quantiles":[1,3],"std":1,"type":"int64","values":[[1,2],[3,2]]}],"detail":0,"duplicates":2,"rows":5,"version":1}'
)
_VERSION_2 = (
    b'{"columns":[{"content":"00112233445566778899aabbccddeeff","distinct":2,"kind":"boolean","name":"b","nulls":0,'
    b'"other":0,"type":"bool","values":[[true,2],[false,1]]},{"content":"ffeeddccbbaa99887766554433221100","distinct":1,'
    b'"infinite":1,"kind":"number","max":0.5,"mean":0.5,"min":0.5,"name":"f","nulls":1,"quantiles":[0.5,0.5],"std":0,'
    b'"type":"double"}],"detail":0,"duplicates":0,"rows":3,"rows_digest":"0123456789abcdef0123456789abcdef","version":2}'
)


def test_version_1_is_read() -> None:
    profile = decode_profile(_VERSION_1)
    (column,) = profile.columns
    assert (profile.version, profile.seen, profile.rows_digest) == (1, 5, None)
    assert (column.kind, column.min, column.quantiles, column.content) == (ColumnKind.NUMBER, 1, (1.0, 3.0), None)
    assert (column.values, column.lists_all) == (((1, 2), (3, 2)), True)


@pytest.mark.parametrize("data", [_VERSION_1, _VERSION_2])
def test_what_was_read_is_written_as_it_was(data: bytes) -> None:
    assert encode_profile(decode_profile(data)) == data


def test_columns_have_the_names_of_the_schema() -> None:
    columns = decode_profile(_VERSION_2, ["b", "f with a long name"]).columns
    assert [column.name for column in columns] == ["b", "f with a long name"]


@pytest.mark.parametrize(
    ("width", "detail", "digits"),
    [(50, 0, 32), (200, 1, 16), (300, 2, 16), (500, 3, 16), (800, 4, 8), (2000, 5, 6), (7000, 5, 0), (20_000, 6, 0)],
)
def test_of_every_detail_what_is_left_is_read(
    monkeypatch: pytest.MonkeyPatch, width: int, detail: int, digits: int
) -> None:
    monkeypatch.setattr("lineage_pipelines.records.statement.profile.BYTES_A_COLUMN", 0)
    names = [f"column {place}" for place in range(width)]
    every = ColumnProfile(nulls=3, distinct=1000, quantiles=tuple(0.5 + i for i in range(41)), histogram=(5,) * 20)
    columns = [
        replace(every, name=name, type="double", content=f"{place:032x}"[::-1]) for place, name in enumerate(names)
    ]
    data = encode_profile(Profile(rows=1000, columns=tuple(columns)))
    assert len(data) <= profile_budget(width)
    profile = decode_profile(data, names)
    assert profile.detail == detail
    assert [column.name for column in profile.columns] == (names if detail < 6 else [])
    for column, whole in zip(profile.columns, columns, strict=False):
        assert (column.nulls, column.distinct) == (3, 1000)
        assert (column.content or "") == (whole.content or "")[:digits]
        assert len(column.quantiles or ()) == {0: 41, 1: 21, 2: 11}.get(detail, 0)


@pytest.mark.parametrize("width", [10, 300, 800])
def test_a_wider_table_may_take_more(width: int) -> None:
    every = ColumnProfile(nulls=3, distinct=1000, quantiles=tuple(0.5 + i for i in range(41)), histogram=(5,) * 20)
    columns = tuple(replace(every, name=f"s{place}", content=f"{place:032x}") for place in range(width))
    assert decode_profile(encode_profile(Profile(rows=1000, columns=columns))).detail == 0
    assert profile_budget(10) < profile_budget(800) <= profile_budget(100_000) == 1_000_000


def test_another_version_is_refused() -> None:
    with pytest.raises(ProfileVersionError, match=f"version {VERSION + 1}"):
        decode_profile(_VERSION_2.replace(b'"version":2', b'"version":%d' % (VERSION + 1)))


@pytest.mark.parametrize("columns", [b"7", b'[{"nulls":"x"}]', b'{"nulls":[1],"distinct":[1,2]}', b'{"nulls":7}'])
def test_damaged_columns_are_refused(columns: bytes) -> None:
    with pytest.raises(RecordError):
        decode_profile(b'{"version":2,"rows":1,"detail":5,"columns":%s}' % columns)
