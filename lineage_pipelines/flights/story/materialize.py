"""Materializes the pipeline through Dagster and tells in short lines what happens."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lineage_pipelines.errors import LineageError

_STEP = re.compile(r" - (\S+) - (STEP_START|STEP_SUCCESS|STEP_FAILURE) - ")
_ERROR_LINES = 40


def materialize(root: Path, config: Mapping[str, Any], tell: Callable[[str], None]) -> bool:
    """Run the job `refresh` and return whether the run succeeded.

    A run that fails because a blocking check failed is an ordinary end, not an error.

    Args:
        root: the checkout.
        config: launch configuration of `flight_delay`.
        tell: called with a line for every step that ends.

    Raises:
        LineageError: the job could not be run at all.
    """
    launch = {"execution": {"config": {"in_process": {}}}, "ops": {"flight_delay": {"config": dict(config)}}}
    command = [
        *(sys.executable, "-m", "dagster", "job", "execute", "-m", "lineage_pipelines.definitions"),
        *("-j", "refresh", "--config-json", json.dumps(launch), "--tags", json.dumps({"user": "demo"})),
    ]
    env = os.environ | {"DAGSTER_HOME": str(root), "DAGSTER_DISABLE_TELEMETRY": "1"}
    with subprocess.Popen(
        command, cwd=root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        last = list(_follow(process, tell))[-_ERROR_LINES:]
    steps_ran = any(_STEP.search(line) for line in last)
    if process.returncode and not steps_ran:
        raise LineageError("Dagster could not run the job", where=str(root), fix="".join(last))
    return process.returncode == 0


def _follow(process: "subprocess.Popen[str]", tell: Callable[[str], None]) -> Iterator[str]:
    begun: dict[str, float] = {}
    for line in process.stderr or ():
        if found := _STEP.search(line):
            step, event = found.groups()
            if event == "STEP_START":
                begun[step] = time.monotonic()
            else:
                seconds = time.monotonic() - begun.get(step, time.monotonic())
                tell(f"{step:<24} {'done' if event == 'STEP_SUCCESS' else 'FAILED'} in {seconds:.1f} s")
        yield line
