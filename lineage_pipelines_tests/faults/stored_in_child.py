"""A child process that stores a version and meets a fault, and what it says of it before its end."""

import itertools
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from lineage_pipelines.errors import LineageError
from lineage_pipelines_tests.faults.interposer import Fault, Faults
from lineage_pipelines_tests.faults.versions import store_version

ROOMS = tuple(f"{os.sep}lineage_pipelines{os.sep}{room}{os.sep}" for room in ("catalog", "artifacts"))
"""Where an interruption comes."""

Arm = Callable[[Path], Callable[[], str]]
"""Begins a fault in a folder; what that returns says afterwards where it was met, or nothing."""


@dataclass(frozen=True)
class Told:
    """What the child has said before its end."""

    acknowledged: int | None = None
    """The version, when it was told that it is committed."""
    error: str = ""
    """The class of what was raised."""
    message: str = ""
    fix: str = ""
    where: str = ""
    """Where the fault was met."""
    killed: bool = False

    @property
    def interrupted(self) -> bool:
        """Whether the fault was an interruption."""
        return self.where.startswith("line ")


def at_calls(fault: Fault) -> Arm:
    """Let a call fail, or be the last."""

    def arm(folder: Path) -> Callable[[], str]:
        faults = Faults()
        faults.arm(folder, fault)
        return lambda: f"call {fault.at}" if faults.fired() else ""

    return arm


def at_lines(number: int) -> Arm:
    """Interrupt the `number`-th line of catalog and store."""

    def arm(_: Path) -> Callable[[], str]:
        count, met = itertools.count(1), [""]

        def line(frame: FrameType, event: str, __: object) -> Any:  # a trace function returns another
            if event == "line" and not met[0] and next(count) == number:
                met[0] = f"line {frame.f_lineno} of {Path(frame.f_code.co_filename).name}"
                raise KeyboardInterrupt
            return line

        def call(frame: FrameType, _: str, __: object) -> Any:
            return line if any(room in frame.f_code.co_filename for room in ROOMS) else None

        sys.settrace(call)
        return lambda: met[0]

    return arm


def store_in_child(folder: Path, run: str, arm: Arm) -> tuple[Told, bool]:
    """Store a version in a child with a fault; return what it said, and whether the fault was met."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _store(folder, run, arm, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as told:
        said = {name: value for line in told for name, value in json.loads(line).items()}
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    found = Told(**said, killed=killed)
    return found, bool(found.where) or killed


def _store(folder: Path, run: str, arm: Arm, pipe: int) -> None:
    def say(**facts: object) -> None:
        os.write(pipe, f"{json.dumps(facts)}\n".encode())

    met = arm(folder)
    try:
        store_version(folder, run, acknowledge=lambda entry: say(acknowledged=entry.version))
    except LineageError as error:
        say(error="LineageError", message=error.what, fix=error.fix)
    except BaseException as error:  # noqa: BLE001  # whatever it is, the parent judges it
        say(error=type(error).__name__, message=str(error))
    finally:
        sys.settrace(None)
        say(where=met())
        os._exit(0)
