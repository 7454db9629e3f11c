"""Launch check: values of a launch form are checked when a run is launched, before it is created.

Dagster's form knows scalars, choices and structure; bounds and the author's own checks it evaluates in the step. A
config type may process its value, and that is done when the plan of a run is made, by the code location: what is
raised there refuses the launch, in the UI, by the command line and by schedules alike (docs/adr/0026).
"""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
import pydantic

from lineage_pipelines.errors import CaptureError, LineageError
from lineage_pipelines.orchestration.compat import replace_config_schema


def check_at_launch(op: dg.OpDefinition, subject: str, build: Callable[[Mapping[str, Any]], object]) -> None:
    """Refuse launches of an op whose configuration cannot be used.

    Args:
        op: the op, or that of an asset, which takes a `dagster.Config`.
        subject: what the message is about: the name of the asset or the job.
        build: makes of the configuration what the step will make of it; what it raises refuses the launch.
    """

    def check(values: Mapping[str, Any]) -> None:
        try:
            build(values)
        except LineageError:
            raise
        except pydantic.ValidationError as error:
            # Without the values: one may come from a variable that holds a secret.
            raise _refusal(subject, "; ".join(_sentences(error))) from None
        except Exception as error:  # the author's own checks raise what they like
            raise _refusal(subject, f"{type(error).__name__}: {error}") from error

    replace_config_schema(op, lambda schema: _CheckedShape(schema, check))


def _refusal(subject: str, what: str) -> CaptureError:
    fix = "correct the value in the launch form; the run was not launched"
    return CaptureError(f"{subject} cannot be launched: {what}", where="launch form", fix=fix)


def _sentences(error: pydantic.ValidationError) -> list[str]:
    found = [(".".join(map(str, each["loc"])), each["msg"].removeprefix("Value error, ")) for each in error.errors()]
    return [f"{place}: {what}" if place else what for place, what in found]


class _CheckedShape(dg.Shape):
    """The fields of a form, checked together."""

    def __new__(cls, *_: object) -> "_CheckedShape":
        # Dagster keeps one object for equal fields; a check belongs to one form.
        return object.__new__(cls)

    def __init__(self, schema: Any, check: Callable[[Mapping[str, Any]], None]) -> None:  # noqa: ANN401
        vars(self).update(vars(schema))
        self._check = check

    def post_process(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the values; Dagster calls this with those of its fields processed."""
        self._check(value)
        return value
