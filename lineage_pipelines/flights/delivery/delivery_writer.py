"""Delivery writer: the raw data as an upstream team sends it, one CSV a month and three reference tables.

First in the flow. What is delivered is what `data/raw.dvc` pins. Each file is replaced as a whole and only when it
differs; a delivery that fails leaves the one before it.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines import DatasetError
from lineage_pipelines.flights.delivery.delivery_faults import Fault
from lineage_pipelines.flights.delivery.source import REFERENCES, months_through, read_months, read_reference

_MONTHLY = ("flights", "weather")
_DELIVERED = re.compile(r"(?:flights|weather)-\d{4}-\d{2}\.csv")
_TEMPORARY = ".deliver-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a delivery did, by file name."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


def deliver(
    through: str, to: Path, faults: Sequence[Fault] = (), *, tell: Callable[[str], None] = lambda _: None
) -> Delivery:
    """Write the months up to `through` into the folder `to`, and remove later ones from it.

    Args:
        through: the newest month, `2013-06`.
        to: the folder; it is made when it is missing, and other files in it are left alone.
        faults: mistakes to make, each in a month that is delivered.
        tell: called with a line of progress at each table.

    Raises:
        DatasetError: a month outside the source, the source missing, or a folder that cannot be written.
    """
    months = months_through(through)
    for fault in faults:
        if fault.month not in months:
            raise DatasetError(
                f"a fault in {fault.month}, which is not delivered", fix=f"deliver --through {fault.month}"
            )
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that every file moves within one file system.
        with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=to.parent) as folder:
            fresh = Path(folder)
            _write_all(months, faults, fresh, tell)
            to.mkdir(exist_ok=True)
            return _replace(fresh, to)
    except OSError as error:
        raise DatasetError(
            f"the delivery cannot be written: {error.strerror or error}",
            where=str(to),
            fix="choose a folder that can be written, with --to",
        ) from error


def _write_all(months: Sequence[str], faults: Iterable[Fault], into: Path, tell: Callable[[str], None]) -> None:
    for table in _MONTHLY:
        tell(f"{table}: {months[0]} to {months[-1]}")
        content = read_months(table)
        for month in months:
            (into / f"{table}-{month}.csv").write_bytes(_spoiled(content[month], table, month, faults))
    for table in REFERENCES:
        (into / f"{table}.csv").write_bytes(read_reference(table))


def _spoiled(data: bytes, table: str, month: str, faults: Iterable[Fault]) -> bytes:
    for fault in faults:
        if (fault.table, fault.month) == (table, month):
            data = fault.spoil(data)
    return data


def _replace(fresh: Path, to: Path) -> Delivery:
    written, unchanged = [], []
    for path in sorted(fresh.iterdir()):
        if _same(path, to / path.name):
            unchanged.append(path.name)
        else:
            path.replace(to / path.name)
            written.append(path.name)
    delivered = {*written, *unchanged}
    later = sorted(p for p in to.iterdir() if _DELIVERED.fullmatch(p.name) and p.name not in delivered)
    for path in later:
        path.unlink()
    return Delivery(written=tuple(written), unchanged=tuple(unchanged), removed=tuple(p.name for p in later))


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()
