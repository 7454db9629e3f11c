"""Names, digests and times: small values with one form each."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.values.codec import format_time, parse_time
from lineage_pipelines.records.values.digest import Digest, DigestSet
from lineage_pipelines.records.values.model_name import check_model_name
from lineage_pipelines_tests.strategies import digests, model_names, moments


@given(digests)
def test_a_digest_reads_as_it_is_written(digest: Digest) -> None:
    assert Digest.parse(str(digest)) == digest


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:AB", "md5:" + "0" * 31, "sha1:" + "0" * 40, "0" * 64, "sha256:" + "G" * 64]
)
def test_other_text_is_not_a_digest(text: str) -> None:
    with pytest.raises(RecordError):
        Digest.parse(text)


def test_the_md5_of_a_directory_keeps_its_suffix() -> None:
    assert DigestSet(md5="0" * 32 + ".dir").md5 == "0" * 32 + ".dir"
    with pytest.raises(RecordError):
        DigestSet(sha256="0" * 64 + ".dir")


@given(model_names)
def test_a_model_name_is_returned_as_it_is(name: str) -> None:
    assert check_model_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "Flight", "-x", ".x", "x.", "a..b", "x" * 129, "flüge", "a b", "a\n", "٣", "a\0", "🛫"]
)
def test_a_bad_model_name_is_refused_with_a_good_one(name: str) -> None:
    with pytest.raises(RecordError, match="not a model name") as caught:
        check_model_name(name)
    suggestion = caught.value.fix.rsplit("'", 2)[-2]
    assert check_model_name(suggestion) == suggestion


@given(moments)
def test_a_time_reads_as_it_is_written(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment


@given(moments.filter(lambda m: m.year > 1970), st.integers(-14 * 60, 14 * 60))
def test_a_time_is_written_in_utc(moment: datetime, minutes: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert format_time(elsewhere) == format_time(moment)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(RecordError, match="zone"):
        format_time(datetime(2013, 1, 1))  # noqa: DTZ001
    assert format_time(datetime(2013, 1, 1, tzinfo=UTC)) == "2013-01-01T00:00:00.000000Z"
