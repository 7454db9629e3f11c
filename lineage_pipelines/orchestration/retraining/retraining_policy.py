"""Retraining policy: what makes a model train again without anybody asking, and how often at most."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from lineage_pipelines.capture.scalars import describe_type
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.orchestration.compat import is_valid_cron
from lineage_pipelines.orchestration.retraining.duration import read_duration

_WHERE = "RetrainingPolicy"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingPolicy:
    """When a model is trained again by itself.

    Give it to `model_asset(retraining=…)`, and the code location `build_retraining_sensor(assets)`. A run that nobody
    asked for trains only where that makes another model: with the digests of inputs, source, parameters, seed and
    package list of the last version it is skipped, and says so. A launch by a person always trains. The first version
    is trained by a person.
    """

    on_new_data: bool = True
    """A tracked file behind the inputs has other content than the last version was made of. Events do not count."""
    on_schedule: str | None = None
    """A cron expression, in UTC: `"0 6 1 * *"`. A run is launched each time, and skipped if nothing has changed."""
    on_code: bool = False
    """The training function or what it imports, or the command or a script of a stage, is not what made the last."""
    on_parameters: bool = False
    """A default of the parameter class, or a parameter that a stage reads, is not what made the last version."""
    on_failed_check: Sequence[str] = ()
    """Names of asset checks of the model: one of them has failed since the last version was trained."""
    min_interval: str | timedelta | None = None
    """The shortest time between the last version and the next automatic training: `"12 hours"`."""
    max_age: str | timedelta | None = None
    """The age from which the model counts as out of date, as a freshness policy of its asset: `"45 days"`."""

    def __post_init__(self) -> None:
        for name in ("on_new_data", "on_code", "on_parameters"):
            if not isinstance(value := getattr(self, name), bool):
                raise CaptureError(f"{name} is {describe_type(value)}", where=_WHERE, fix=f"write {name}=True")
        object.__setattr__(self, "on_failed_check", _names(self.on_failed_check))
        _check_cron(self.on_schedule)
        for name, least in (("min_interval", timedelta(0)), ("max_age", timedelta(minutes=1))):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, read_duration(value, name, least=least))

    @property
    def shortest_interval(self) -> timedelta:
        """`min_interval` as a time span."""
        return self.min_interval if isinstance(self.min_interval, timedelta) else timedelta(0)

    @property
    def is_automatic(self) -> bool:
        """Whether anything makes the model train again."""
        triggers = (self.on_new_data, self.on_schedule, self.on_code, self.on_parameters, self.on_failed_check)
        return any(triggers)

    def freshness(self) -> dg.FreshnessPolicy | None:
        """Return Dagster's freshness policy of the asset; None without `max_age`."""
        if not isinstance(self.max_age, timedelta):
            return None
        return dg.FreshnessPolicy.time_window(fail_window=self.max_age)


def _names(value: object) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in names):
        fix = 'write the names of checks of the model: on_failed_check=["prediction_drift"]'
        raise CaptureError(f"on_failed_check is {describe_type(value)}", where=_WHERE, fix=fix)
    return tuple(names)


def _check_cron(value: object) -> None:
    if value is None or (isinstance(value, str) and is_valid_cron(value)):
        return
    fix = 'write five fields, minute to day of the week: on_schedule="0 6 1 * *"'
    shown = f"{value!r}, which is no cron expression" if isinstance(value, str) else describe_type(value)
    raise CaptureError(f"on_schedule is {shown}", where=_WHERE, fix=fix)
