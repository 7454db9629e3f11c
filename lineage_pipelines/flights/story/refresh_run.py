"""Refresh run: the pipeline materialized through Dagster, with a short line for each step."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lineage_pipelines import LineageError

Tell = Callable[[str], object]

_STEP = re.compile(r" - (\S+) - (STEP_START|STEP_SUCCESS|STEP_FAILURE) - ")
_ERROR_LINES = 40
_EXECUTE = (sys.executable, "-m", "dagster", "job", "execute", "-m", "lineage_pipelines.definitions", "-j", "refresh")


def materialize(root: Path, config: Mapping[str, Any], tell: Tell, doing: Tell) -> None:
    """Run the job `refresh`. A run that fails because a blocking check failed is an ordinary end, not an error.

    Args:
        root: the checkout.
        config: launch configuration of `flight_delay`.
        tell: called with a line for every step that ends.
        doing: called with the name of every step that begins.

    Raises:
        LineageError: the job could not be run at all.
    """
    launch = {"execution": {"config": {"in_process": {}}}, "ops": {"flight_delay": {"config": dict(config)}}}
    env = os.environ | {"DAGSTER_HOME": str(root), "DAGSTER_DISABLE_TELEMETRY": "1"}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(launch, file)  # which is YAML too
        file.flush()
        with subprocess.Popen(
            [*_EXECUTE, "--config", file.name, "--tags", json.dumps({"user": "demo"})],
            cwd=root,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            lines = list(_follow(process, tell, doing))
    if process.returncode and not any(_STEP.search(line) for line in lines):
        raise LineageError("Dagster could not run the job", where=str(root), fix="".join(lines[-_ERROR_LINES:]))


def _follow(process: "subprocess.Popen[str]", tell: Tell, doing: Tell) -> Iterator[str]:
    begun: dict[str, float] = {}
    for line in process.stderr or ():
        if found := _STEP.search(line):
            step, event = found.groups()
            if event == "STEP_START":
                begun[step] = time.monotonic()
                doing(step)
            else:
                seconds = time.monotonic() - begun.get(step, time.monotonic())
                tell(f"{step:<24} {'done' if event == 'STEP_SUCCESS' else 'FAILED'} in {seconds:.1f} s")
        yield line
