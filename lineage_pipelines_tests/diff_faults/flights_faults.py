"""Faults of the flights pipeline: deliveries as upstream teams spoil them, and changes of its own code and settings."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import lineage_pipelines
from lineage_pipelines_tests.diff_faults.faults import (
    Fault,
    both,
    command,
    edit,
    library,
    machine,
    prepared_with,
    setting,
    unchanged,
)
from lineage_pipelines_tests.diff_faults.flights_world import (
    DELAY,
    FEATURES,
    FIRST,
    LAST,
    NEXT,
    delivery,
    month_file,
)
from lineage_pipelines_tests.diff_faults.worlds import Draft

if TYPE_CHECKING:
    import pandas as pd

_MAY = 5
_HOME = Path(lineage_pipelines.__file__).parents[1]
_DELAY_TEXT = (_HOME / DELAY).read_text()
_FEATURES_TEXT = (_HOME / FEATURES).read_text()
Change = Callable[["pd.DataFrame"], "pd.DataFrame"]


def _table(name: str, change: Change, *months: int) -> Callable[[Draft], None]:
    def inject(draft: Draft) -> None:
        for month in months or range(FIRST, LAST + 1):
            path = month_file(name, month)
            draft.tables[path] = change(draft.tables[path])

    return inject


def _number(column: str, change: Callable[[float], float]) -> Change:
    def apply(table: "pd.DataFrame") -> "pd.DataFrame":
        text = table[column].map(lambda each: each if each in ("NA", "") else f"{change(float(each)):g}")
        return table.assign(**{column: text})

    return apply


def _several(*changes: Change) -> Change:
    def apply(table: "pd.DataFrame") -> "pd.DataFrame":
        for change in changes:
            table = change(table)
        return table

    return apply


def _celsius(fahrenheit: float) -> float:
    return round((fahrenheit - 32) * 5 / 9, 2)


def _repeat_airport(table: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    return pd.concat([table, table[table["origin"] == "LGA"]])


def _twice(table: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    return pd.concat([table, table])


def _moved_by_a_row(column: str) -> Change:
    def apply(table: "pd.DataFrame") -> "pd.DataFrame":
        values = table[column].tolist()
        return table.assign(**{column: [values[-1], *values[:-1]]})

    return apply


def _hours_later(table: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    moved = pd.to_datetime(table["time_hour"], utc=True) + pd.Timedelta(hours=5)
    return table.assign(time_hour=moved.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _every(number: int, column: str, value: str) -> Change:
    """Write a value into every so many-th row."""

    def apply(table: "pd.DataFrame") -> "pd.DataFrame":
        values = [value if i % number == 0 else each for i, each in enumerate(table[column])]
        return table.assign(**{column: values})

    return apply


def _missing_first_month(draft: Draft) -> None:
    for name in ("flights", "weather"):
        del draft.tables[month_file(name, FIRST)]


def _grown(draft: Draft) -> None:
    draft.tables = delivery(NEXT)


def _other_test_month(draft: Draft) -> None:
    """The newest month is delivered with another month's flights in it: only the test data is made of it."""
    later = delivery(NEXT)[month_file("flights", NEXT)]
    draft.tables[month_file("flights", LAST)] = later.assign(month=str(LAST))


def _train_in_another_order(root: Path) -> None:
    from pyarrow import parquet

    path = root / "data/features/train.parquet"
    parquet.write_table(parquet.read_table(path).sort_by([("carrier", "descending")]), path)


def _tested_on_train(root: Path) -> None:
    (root / "data/features/test.parquet").write_bytes((root / "data/features/train.parquet").read_bytes())


def _train_compressed_otherwise(root: Path) -> None:
    from pyarrow import parquet

    path = root / "data/features/train.parquet"
    parquet.write_table(parquet.read_table(path), path, compression="gzip")


def _after(change: Callable[[Path], None]) -> Callable[[Draft], None]:
    def inject(draft: Draft) -> None:
        draft.afterwards = change

    return inject


def _fault(name: str, inject: Callable[[Draft], None], *accepted: tuple[str, ...]) -> Fault:
    return Fault(world="flights", name=name, inject=inject, accepted=accepted)


_TEMPERATURES = (("data", "train.temp"), ("data", "train.dewp"))
_WEATHER_AGAINST = (("data", "train", "in other rows"), *_TEMPERATURES)
_PARAMETER = ("parameters", "learning_rate", "0.3")

FAULTS = [
    _fault("nothing at all", unchanged, ("nothing", "")),
    _fault(
        "a month of weather in Celsius",
        _table("weather", _several(_number("temp", _celsius), _number("dewp", _celsius)), _MAY),
        *_TEMPERATURES,
    ),
    _fault(
        "all weather in Celsius",
        _table("weather", _several(_number("temp", _celsius), _number("dewp", _celsius))),
        ("data", "train.temp", "× 0.5556", "°F to °C"),
        ("data", "train.dewp", "× 0.5556", "°F to °C"),
    ),
    _fault(
        "wind in km/h",
        _table("weather", _number("wind_speed", lambda mph: mph * 1.609344)),
        ("data", "train.wind_speed", "× 1.609"),
    ),
    _fault(
        "temperatures with the other sign",
        _table("weather", _number("temp", lambda degrees: -degrees)),
        ("data", "train.temp", "the other sign"),
    ),
    _fault("tested on the rows of train", _after(_tested_on_train), ("data", "test", "all rows", "in train as well")),
    _fault(
        "another metric is reported",
        edit(
            DELAY,
            _DELAY_TEXT,
            "measure=lateness_metrics,",
            'measure=lambda *given: {**lateness_metrics(*given), "half": 0.5},',
        ),
        ("evaluation", "code", "half", "reported now"),
    ),
    _fault("an airport's month twice", _table("flights", _repeat_airport, _MAY), ("data", "train", "repeat")),
    _fault("a month twice", _table("flights", _twice, _MAY), ("data", "train", "repeat")),
    _fault(
        "a month truncated",
        _table("flights", lambda table: table[table["day"].astype(int) <= 10], _MAY),
        ("data", "train", "fewer"),
        ("data", "train.date"),
        ("data", "train.month"),
    ),
    _fault(
        "the first month missing",
        _missing_first_month,
        ("data", "train", "fewer"),
        ("data", "train.date"),
        ("data", "train.month", "gone"),
    ),
    _fault(
        "a month's lateness in hours",
        _table("flights", _number("arr_delay", lambda m: round(m / 60)), _MAY),
        ("data", "train.arr_delay"),
    ),
    _fault(
        "lateness moved by a row",
        _table("flights", _moved_by_a_row("arr_delay")),
        ("data", "train", "in other rows"),
        ("data", "train", "the rows are others"),
        ("data", "train.arr_delay"),
    ),
    _fault(
        "weather five hours late",
        _table("weather", _hours_later),
        *_WEATHER_AGAINST,
        ("data", "train", "the rows are others"),
        ("data", "train.humid"),
        ("data", "train.wind_speed"),
        ("data", "train.wind_sector"),
    ),
    _fault(
        "a carrier is gone",
        _table("flights", lambda table: table[table["carrier"] != "B6"]),
        ("data", "train", "fewer", "carrier = B6"),
        ("data", "train.carrier", "B6 is gone"),
    ),
    _fault(
        "a carrier under a new name",
        _table("flights", lambda table: table.assign(carrier=table["carrier"].replace("MQ", "Q9"))),
        ("data", "train.carrier", "MQ is written Q9"),
    ),
    _fault(
        "no pressure in a third of the hours",
        _table("weather", _every(3, "pressure", "NA")),
        ("data", "train.pressure", "missing 10.7 % → 42.3 %"),
    ),
    _fault("visibility says -999", _table("weather", _every(9, "visib", "-999")), ("data", "train.visib")),
    _fault(
        "no flights below 500 miles",
        _table("flights", lambda table: table[table["distance"].astype(int) > 500]),
        ("data", "train.distance"),
        ("data", "train", "fewer"),
    ),
    _fault("another test month", _other_test_month, ("evaluation", "test")),
    _fault("train in another order", _after(_train_in_another_order), ("data", "train", "same rows")),
    _fault("train compressed otherwise", _after(_train_compressed_otherwise), ("data", "train", "same rows")),
    _fault("a month more", _grown, ("data", "train", "more"), ("data", "train.month", "is new")),
    _fault("a month more and a parameter", both(_grown, setting("learning_rate", 0.3)), _PARAMETER),
    _fault(
        "a month more, in Celsius",
        both(_grown, _table("weather", _several(_number("temp", _celsius), _number("dewp", _celsius)), NEXT - 2)),
        *_TEMPERATURES,
    ),
    _fault("a parameter", setting("learning_rate", 0.3), _PARAMETER),
    _fault(
        "a default in the code",
        edit(DELAY, _DELAY_TEXT, "Field(gt=0)] = 0.1", "Field(gt=0)] = 0.3"),
        (*_PARAMETER, "default"),
    ),
    _fault("the training function", edit(DELAY, _DELAY_TEXT, "C=c, max", "C=2 * c, max"), ("code", DELAY)),
    _fault(
        "a comment",
        edit(DELAY, _DELAY_TEXT, "    return [*logistic", "    # In this order.\n    return [*logistic"),
        ("code", DELAY, "comments or layout"),
        ("nothing", ""),
    ),
    _fault(
        "a parameter of the preparation",
        prepared_with("features", "holiday_cap_days", 2),
        ("preparation", "features", "holiday_cap_days"),
    ),
    _fault(
        "code of the preparation",
        edit(FEATURES, _FEATURES_TEXT, "% (24 * 60)", "% (12 * 60)"),
        ("preparation", "features", FEATURES),
        ("code", FEATURES),  # the training code reaches the file as well, and the step gave out the same
    ),
    _fault(
        "a command of the preparation",
        command("clean", "python -O -m lineage_pipelines.flights clean"),
        ("preparation", "clean", "command"),
    ),
    _fault("an older scikit-learn", library("scikit-learn", "1.3.2"), ("environment", "scikit-learn", "1.3.2")),
    _fault("the seed", setting("seed", 8), ("parameters", "seed")),
    _fault(
        "threads",
        machine("threads", {"cpus": 16, "openblas": 16}),
        ("environment", "threads.cpus"),
        ("environment", "threads.openblas"),
    ),
    _fault("Python's patch release", machine("python", "CPython 3.11.9"), ("environment", "python", "3.11.9")),
]
