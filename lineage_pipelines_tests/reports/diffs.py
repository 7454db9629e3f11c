"""Comparisons of two versions, built by hand: a rich one, an identical one, one measured differently, a hostile one."""

import dataclasses
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from lineage_pipelines.queries.diff.changes import (
    Bins,
    CodeChange,
    ColumnChange,
    DatasetChange,
    EnvironmentChange,
    EvaluationChange,
    Evidence,
    FileChange,
    Kind,
    MetricChange,
    OverlapChange,
    PackageChange,
    ParameterChange,
    SchemaChange,
    StageChange,
)
from lineage_pipelines.queries.diff.explanation.ranking import Differences, rank
from lineage_pipelines.queries.diff.rows.row_change import (
    CellChange,
    Effect,
    EffectKind,
    GroupKind,
    RowChange,
    RowGroup,
    Way,
)
from lineage_pipelines.queries.diff.version_diff import Decided, VersionDiff, VersionSide
from lineage_pipelines.records.statement.dataset import Column
from lineage_pipelines_tests.samples import digest

BEGIN = datetime(2013, 7, 2, 6, 0, tzinfo=UTC)
PATCH = "\n".join(
    [
        "--- a/flights/clean.py",
        "+++ b/flights/clean.py",
        "@@ -40,9 +40,12 @@ def clean(raw):",
        "     hours = read_hours(raw)",
        "-    hours = hours.dropna()",
        "+    hours = hours.drop_duplicates()",
        "+    if hours.empty:",
        "+        raise FlightError('no weather')",
        *(f"     line {number}" for number in range(20)),
        "",
    ]
)
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "\"><svg/onload=alert(3)>'`|",
    "[click](javascript:alert(4)) ![x](https://evil.invalid/x.png) | a | b |",
    "```\n# not a heading\n```\n~~~~ @someone",
    "\x1b[31mred\x1b[0m\x1b]8;;https://evil.invalid\x07link\x07\r\b",
    "\u202eevil\u2066\u200f\ufeff",
    '=HYPERLINK("https://evil.invalid";"x")',
    "</style></script></pre></details><style>body{background:url(https://evil.invalid/y)}</style>",
    "javascript:alert(5)//https://evil.invalid/",
    "long-" * 3000,
)


def side(version: int, *aliases: str) -> VersionSide:
    """One version of the model flight_delay."""
    return VersionSide(
        ref=f"flight_delay@{version}",
        digest=digest(f"record {version}"),
        model="flight_delay",
        version=version,
        recorded=BEGIN + timedelta(days=version),
        aliases=aliases,
    )


def _bins(low: float, high: float, peak: float) -> Bins:
    shape = (max(0.0, 1 - abs((i + 0.5) / 20 - peak) * 3) for i in range(20))
    return Bins(low=low, high=high, counts=tuple(round(5000 * each**2) for each in shape))


def _columns() -> tuple[ColumnChange, ...]:
    temp = ColumnChange(
        column="temp",
        facts={"mean": (71.31, 22.14), "std": (9.2, 5.1), "min": (48.02, 8.9), "max": (100.04, 37.8)},
        psi=9.1,
        distance=0.98,
        ratio=0.5556,
        offset=-17.78,
        bins=(_bins(48.0, 100.0, 0.5), _bins(8.9, 37.8, 0.45)),
    )
    carrier = ColumnChange(
        column="carrier",
        facts={"distinct": (16, 15)},
        psi=0.34,
        distance=0.08,
        values=(("MQ", 0.081, 0.0), ("EV", 0.16, 0.19), ("UA", 0.171, 0.186), ("OO", 0.0, 0.0004)),
        vanished=("MQ",),
        appeared=("OO",),
    )
    late = ColumnChange(column="late", facts={"rate": (0.231, 0.308)}, psi=0.12, values=(("true", 0.231, 0.308),))
    wind = ColumnChange(
        column="wind_speed",
        facts={"nulls": (0.001, 0.06)},
        psi=0.02,
        bins=(_bins(0, 40, 0.25), _bins(0, 42, 0.26)),
    )
    return temp, carrier, late, wind


def _group(column: str, kind: GroupKind, values: tuple[str, ...], rows: int, of: int) -> RowGroup:
    return RowGroup(column=column, kind=kind, values=values, rows=rows, of=of, touched=rows)


def _data() -> tuple[DatasetChange, ...]:
    train = DatasetChange(
        name="train",
        kind=Kind.CHANGED,
        evidence=Evidence.DATA,
        path="data/features/train.parquet",
        role=("train", "train"),
        digest=("b6a756c6aa01", "833d449712bb"),
        rows=(105_475, 133_603),
        duplicates=(0, 4_312),
        schema=(
            SchemaChange(kind=Kind.ADDED, column="departures", after=Column(name="departures", type="int32")),
            SchemaChange(
                kind=Kind.CHANGED,
                column="gust",
                before=Column(name="wind_gust", type="double"),
                after=Column(name="gust", type="double"),
                renamed_from="wind_gust",
            ),
        ),
        columns=_columns(),
        row_change=RowChange(
            key=("flight", "sched_dep"),
            added=28_128,
            removed=0,
            changed=2_226,
            same=103_249,
            columns={"temp": 2_226, "dewp": 2_226},
            cells=(
                CellChange(
                    columns=("temp", "dewp"),
                    rows=2_226,
                    effect=Effect(kind=EffectKind.SCALED, ratio=5 / 9, offset=-160 / 9),
                    group=_group("time_hour", GroupKind.VALUE, ("2013-06",), 2_226, 2_226),
                ),
                CellChange(
                    columns=("tailnum",), rows=900, effect=Effect(kind=EffectKind.CASE, way=Way.UPPER, digits=None)
                ),
            ),
            added_group=_group("time_hour", GroupKind.RANGE, ("2013-07-01", ""), 28_128, 28_128),
            shifted={"wind_speed": 1},
        ),
    )
    raw = DatasetChange(
        name="raw",
        kind=Kind.CHANGED,
        evidence=Evidence.PROFILES,
        path="data/raw",
        files=(15, 17),
        digest=("aa01", "bb02"),
        changed_files=("~ 2013-06/weather.csv", "+ 2013-07/flights.csv", "+ 2013-07/weather.csv"),
        weaker="the data is gone from cache and remote",
    )
    return train, raw, _same_data("validation", 28_128), _same_data("test", 27_075)


def _same_data(name: str, rows: int) -> DatasetChange:
    path = f"data/features/{name}.parquet"
    both = ("918e9e7fa30a", "918e9e7fa30a")
    return DatasetChange(name=name, kind=Kind.IDENTICAL, path=path, role=(name, name), digest=both, rows=(rows, rows))


def _code() -> CodeChange:
    return CodeChange(
        identical=False,
        revision=("1fbf3095b540aa", "9ac8cd00b441ff"),
        dirty=(False, True),
        commits=("9ac8cd00b441 Ada: Deliver July", "5c0ffee1d00d Bea: Drop repeated hours"),
        commit_count=2,
        files=(
            FileChange(path="flights/clean.py", kind=Kind.CHANGED, patch=PATCH, lines=(3, 1)),
            FileChange(path="flights/tables.py", kind=Kind.CHANGED, only_layout=True, patch="-x\n+x  # said\n"),
            FileChange(path="flights/departures.py", kind=Kind.ADDED),
        ),
        unchanged=134,
        same=("flights/params.py", "flights/train.py"),
    )


def _environment() -> EnvironmentChange:
    return EnvironmentChange(
        identical=False,
        packages=(
            PackageChange(name="scikit-learn", kind=Kind.CHANGED, before="1.8.0", after="1.9.1", imported=True),
            PackageChange(name="ruff", kind=Kind.REMOVED, before="0.11.2"),
        ),
        unchanged=199,
        same={"numpy": "2.2.1", "scipy": "1.15.0"},
        facts={"threads.openmp": (2, 8)},
    )


def _evaluation(*, same: bool = True, noise: float | None = 0.004) -> EvaluationChange:
    slices = (
        ("origin=LGA", 0.7511, 0.6102, 8_100, -0.0421),
        ("origin=EWR", 0.7480, 0.7021, 9_736, -0.0165),
        ("carrier=UA", 0.7385, 0.7300, 4_885, -0.0015),
        ("origin=JFK", 0.7320, 0.7512, 9_239, 0.0065),
    )
    return EvaluationChange(
        same_data=same,
        same_code=same,
        snapshot=("test", "test"),
        metrics=(
            MetricChange(name="roc_auc", before=0.75635, after=0.67857, noise=noise),
            MetricChange(name="average_precision", before=0.5976, after=0.48576, noise=noise),
            MetricChange(name="brier", before=0.17459, after=0.1775, noise=noise),
            MetricChange(name="minutes_mae", before=24.6, after=31.2),
            MetricChange(name="late_share", before=0.308, after=0.308),
        ),
        slices=tuple(
            MetricChange(name="roc_auc", slice=name, before=a, after=b, rows=(rows, rows), contribution=share)
            for name, a, b, rows, share in slices
        ),
        checks={"no_worse_roc_auc": (True, False), "unique_rows": (True, False)},
        unchanged_checks=5,
        same_checks={"min_roc_auc": True},
    )


def ranked(diff: VersionDiff) -> VersionDiff:
    """The same comparison, with the changes that its parts are."""
    found = Differences(
        data=diff.data,
        sources=diff.sources,
        overlaps=diff.overlaps,
        stages=diff.stages,
        code=diff.code,
        environment=diff.environment,
        parameters=diff.parameters,
        evaluation=diff.evaluation,
        facts=diff.facts,
    )
    return dataclasses.replace(diff, changes=rank(found))


def rich() -> VersionDiff:
    """Everything differs in some way, and much does not."""
    return ranked(
        VersionDiff(
            first=side(4, "production"),
            second=side(5),
            changes=(),
            data=_data(),
            stages=(
                StageChange(
                    name="split",
                    kind=Kind.CHANGED,
                    command=("python -m flights split", "python -m flights split"),
                    inputs=("~ data/features/flights.parquet",),
                ),
                StageChange(
                    name="clean",
                    kind=Kind.CHANGED,
                    command=("python -m flights clean", "python -m flights clean --drop-repeated"),
                    params={"params.yaml:clean.origins": (["EWR", "JFK"], ["EWR", "JFK", "LGA"])},
                    inputs=("~ data/raw",),
                    outputs=("~ data/clean/weather.parquet",),
                    code=("~ flights/clean.py",),
                    origin=True,
                ),
                StageChange(name="features", kind=Kind.IDENTICAL, command=("python -m flights features",) * 2),
            ),
            code=_code(),
            environment=_environment(),
            parameters=(
                ParameterChange(name="learning_rate", kind=Kind.CHANGED, before=0.1, after=0.3),
                ParameterChange(name="late_after_minutes", kind=Kind.CHANGED, before="15", after=15),
                ParameterChange(name="min_samples_leaf", kind=Kind.CHANGED, before=200, after=20, default_moved=True),
                ParameterChange(name="tree.depth", kind=Kind.ADDED, after=None),
            ),
            unchanged_parameters=7,
            same_parameters={"seed": 7, "max_iter": 100},
            evaluation=_evaluation(),
            decisions=(Decided(seq=41, at=BEGIN + timedelta(days=4), text="ada promoted version 4 to production"),),
            overlaps=(OverlapChange(measured="test", trained="train", shared=(0, 12), rows=(27_075, 27_075)),),
            facts={"chosen candidate": ("boosting_15_leaves", "boosting_63_leaves"), "artifact": ("70dd7f", "1fbf30")},
        )
    )


def identical() -> VersionDiff:
    """A version and itself."""
    steady = dataclasses.replace(
        _evaluation(),
        metrics=(MetricChange(name="roc_auc", before=0.75, after=0.75),),
        slices=(),
        checks={},
        unchanged_checks=7,
    )
    return ranked(
        VersionDiff(
            first=side(4),
            second=side(4),
            changes=(),
            data=(_same_data("train", 52_341), _same_data("test", 27_075)),
            stages=(StageChange(name="split", kind=Kind.IDENTICAL),),
            code=CodeChange(identical=True, unchanged=137),
            environment=EnvironmentChange(identical=True, unchanged=143),
            parameters=(),
            unchanged_parameters=9,
            evaluation=steady,
            decisions=(),
        )
    )


def otherwise_measured() -> VersionDiff:
    """The same training, measured on other data and by other code."""
    return ranked(dataclasses.replace(identical(), second=side(5), evaluation=_evaluation(same=False, noise=None)))


def hostile(seed: int = 0) -> VersionDiff:
    """The rich one, with something hostile in every text."""
    words = random.Random(seed)
    return _poisoned(rich(), lambda: words.choice(HOSTILE))  # type: ignore[no-any-return]


def every_hostile(text: str) -> VersionDiff:
    """The rich one, with this in every text."""
    return _poisoned(rich(), lambda: text)  # type: ignore[no-any-return]


def _poisoned(value: Any, word: Any) -> Any:
    """Return the value with every text replaced; members of enumerations, digests and times stay."""
    if isinstance(value, StrEnum):
        return value
    if isinstance(value, str):
        return word()
    if dataclasses.is_dataclass(value) and type(value).__name__ != "Digest":
        parts = {each.name: _poisoned(getattr(value, each.name), word) for each in dataclasses.fields(value)}
        return dataclasses.replace(value, **parts)  # type: ignore[type-var]
    if isinstance(value, Mapping):
        return {f"{_poisoned(str(key), word)}{i}": _poisoned(item, word) for i, (key, item) in enumerate(value.items())}
    if isinstance(value, tuple | list):
        return type(value)(_poisoned(item, word) for item in value)
    return value
