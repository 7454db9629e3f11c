"""Split, the stage `split`: by time. The newest months test, those before them validate, the rest trains.

A random split would let a model see the afternoon of a storm whose morning it is tested on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines import DatasetError
from lineage_pipelines.flights.tables import DELIVER, read_table, write_table

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSettings:
    """The section `split` of params.yaml."""

    validation_months: int
    test_months: int


def split(features: Path, settings: SplitSettings) -> dict[str, int]:
    """Split `flights.parquet` of a folder into train, validation and test beside it; return the rows of each.

    Raises:
        DatasetError: too few months, or a table that cannot be read or written.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    table = read_table(features / "flights.parquet")
    months = sorted(table["month"].unique().to_pylist())
    rows = {}
    for part, chosen in zip(PARTS, assign(months, settings), strict=True):
        selected = table.filter(pc.is_in(table["month"], pa.array(chosen)))
        write_table(selected, features / f"{part}.parquet")
        rows[part] = len(selected)
    return rows


def assign(months: Sequence[str], settings: SplitSettings) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """Return the months that train, validate and test.

    Args:
        months: the oldest first.
        settings: how many validate and test.

    Raises:
        DatasetError: a part would have no month.
    """
    test, validation = settings.test_months, settings.validation_months
    if test < 1 or validation < 1:
        raise DatasetError("validation and test need a month each", where="params.yaml: split")
    if len(months) <= test + validation:
        raise DatasetError(
            f"{len(months)} months of data: {validation} to validate, {test} to test, none left to train",
            fix=f"{DELIVER} a later month, so that there are {test + validation + 1} or more",
        )
    newest = len(months) - test
    return months[: newest - validation], months[newest - validation : newest], months[newest:]
