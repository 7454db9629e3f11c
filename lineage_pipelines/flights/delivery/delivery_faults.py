"""Faults of a delivery, as upstream mistakes make them: deterministic, and only in the month that is named."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from lineage_pipelines import DatasetError
from lineage_pipelines.flights.delivery.source import check_month

AIRPORTS = ("EWR", "JFK", "LGA")
"""The airports that flights leave from."""

_FORMS = "celsius:2013-07 (a month's weather in Celsius) or duplicates:2013-07:LGA (an airport's rows twice)"


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in one month."""

    kind: str
    """`celsius` or `duplicates`."""
    month: str
    airport: str | None = None
    """Whose rows are duplicated."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `celsius:MONTH` or `duplicates:MONTH:AIRPORT`.

        Raises:
            DatasetError: it is neither.
        """
        kind, *words = text.split(":")
        match kind, words:
            case "celsius", [month]:
                return cls(kind, check_month(month))
            case "duplicates", [month, airport] if airport in AIRPORTS:
                return cls(kind, check_month(month), airport)
        raise DatasetError(f"not a fault: {text[:60]!r}", fix=f"write {_FORMS}; airports: {', '.join(AIRPORTS)}")

    @property
    def table(self) -> str:
        """The table that it spoils."""
        return "weather" if self.kind == "celsius" else "flights"

    def spoil(self, data: bytes) -> bytes:
        """Return a month's CSV with the mistake in it."""
        if self.airport is None:
            return _each_field(data, ("temp", "dewp"), _celsius)
        return _twice(data, self.airport)


def _each_field(data: bytes, columns: tuple[str, ...], change: Callable[[str], str]) -> bytes:
    header, *lines = data.decode().splitlines()
    places = [header.split(",").index(column) for column in columns]
    changed = [header]
    for line in lines:
        fields = line.split(",")
        for place in places:
            fields[place] = change(fields[place])
        changed.append(",".join(fields))
    return ("\n".join(changed) + "\n").encode()


def _celsius(fahrenheit: str) -> str:
    return fahrenheit if fahrenheit == "NA" else f"{(float(fahrenheit) - 32) * 5 / 9:.2f}"


def _twice(data: bytes, airport: str) -> bytes:
    """As a sender does who appends one airport's batch, times out, and appends it again."""
    header, *lines = data.splitlines(keepends=True)
    place = header.strip().split(b",").index(b"origin")
    return data + b"".join(line for line in lines if line.split(b",")[place] == airport.encode())
