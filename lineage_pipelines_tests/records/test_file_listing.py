"""The listing of a folder: the same bytes in any order, read back as it was; damaged bytes are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.file_listing import ListedFile, count_kinds, decode_listing, encode_listing
from lineage_pipelines_tests.strategies import md5, texts

FILES = st.lists(
    st.builds(ListedFile, texts, md5, st.none() | st.integers(0, 2**53 - 1)),
    unique_by=lambda file: file.path,
    max_size=5,
)


@given(FILES)
def test_a_listing_reads_back_as_it_was(files: list[ListedFile]) -> None:
    data = encode_listing(files)
    assert encode_listing(files[::-1]) == data
    assert decode_listing(data) == tuple(sorted(files, key=lambda file: file.path))


@pytest.mark.parametrize("rows", ["1", '[[1,"a"]]', '[["a"]]', '["ab"]'])
def test_damaged_bytes_are_refused(rows: str) -> None:
    with pytest.raises(RecordError):
        decode_listing(f'{{"files":{rows}}}'.encode())
    with pytest.raises(RecordError):
        decode_listing(b"[]")


def test_rare_kinds_are_counted_together() -> None:
    files = [ListedFile(f"{number}.k{number}", "") for number in range(30)] + [ListedFile("a.NPY", "")] * 3
    kinds = count_kinds(files)
    assert len(kinds) == 21
    assert (kinds[".npy"], kinds["other"]) == (3, 11)
