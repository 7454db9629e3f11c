"""Runner: runs the training of a record inside a sandbox, as a process that ends when this one does."""

import contextlib
import json
import os
import signal
import subprocess
import time
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_pipelines.artifacts.trusted_types import outside_trust
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import LineageError
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.replay.confinement import HOME, confine, find_bubblewrap, repository_objects

_RUNNER = Path(__file__).parents[1] / "orchestration" / "operations" / "sandbox_entrypoint.py"
# No room may import one above it; this one is run, by its path, by another Python.
_PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
    "PYTHONHASHSEED",
)
_PASSED_ON_BY = (
    *("LC_", "CUDA_", "NVIDIA_", "HSA_", "ROCR_"),
    # Which kernels a numerical library takes: another choice is another model in the last digit (OPENBLAS_CORETYPE).
    *("OPENBLAS_", "OMP_", "MKL_", "BLIS_", "KMP_", "GOMP_", "NPY_", "VECLIB_"),
)
_THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
    "VECLIB_MAXIMUM_THREADS",
)
_POOLS = {
    "OMP_NUM_THREADS": ("libgomp", "libomp", "libiomp"),
    "OPENBLAS_NUM_THREADS": ("libscipy_openblas", "libopenblas"),
    "MKL_NUM_THREADS": ("libmkl_rt", "mkl_rt"),
    "BLIS_NUM_THREADS": ("libblis",),
}
_GRACE = 3.0
_PAUSE = 0.1
_SHOWN = 12


class RunError(LineageError):
    """A training that was run again did not come to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a training runs, and with what."""

    folder: Path
    """The sandbox: catalog, artifacts, plan and log are written here."""
    tree: Path
    """The folder that stands for the repository's root."""
    project: Path
    """The DVC project in it."""
    python: Path
    imports: Sequence[Path]
    """The folders that modules are imported from, first of all others."""
    pass_on: Sequence[str] = ()
    """Names of environment variables that the training gets beside the few that every process needs."""
    trusted_types: Sequence[str] = ()
    """Types that the reader trusts beyond those of scikit-learn, NumPy and SciPy."""


def run_training(
    record: LineageRecord,
    place: Place,
    *,
    timeout: float | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Entry:
    """Materialize the record's asset with the record's parameters; return what was committed to the sandbox's catalog.

    Raises:
        RunError: it failed, took longer than `timeout` seconds, or committed nothing.
    """
    tell("training")
    code = _run(record, place, {}, timeout)
    return _committed(record, place, code)


def run_evaluation(
    record: LineageRecord, place: Place, asked: Mapping[str, Any], *, timeout: float | None = None
) -> Mapping[str, Mapping[str, float] | None]:
    """Measure models on tables as the record's asset does, without training.

    Args:
        record: whose code measures.
        place: where it runs.
        asked: `models` (by name: `path`, `trusted_types`, `parameters`) and `tables` (by name: a path).
        timeout: seconds.

    Returns:
        Metrics by `<model> on <table>`; None where the asset says no way to measure.

    Raises:
        RunError: it failed.
    """
    code = _run(record, place, {"evaluate": asked}, timeout)
    result = place.folder / "result.json"
    if not result.is_file():
        raise RunError(f"the models could not be measured: {_last_words(place, []) or f'exit code {code}'}")
    measured: Mapping[str, Mapping[str, float] | None] = json.loads(result.read_text(encoding="utf-8"))["measured"]
    return measured


def passed_variables(record: LineageRecord, place: Place) -> Collection[str]:
    """Return the names of the environment variables that a training gets."""
    return _environment(record, place).keys()


def _run(record: LineageRecord, place: Place, more: Mapping[str, Any], timeout: float | None) -> int:
    reading, lifeline = os.pipe()
    plan = place.folder / "plan.json"
    plan.write_text(json.dumps({**_plan(record, place, reading), **more}), encoding="utf-8")
    try:
        with (place.folder / "training.log").open("wb") as output:
            process = subprocess.Popen(
                _command(place, plan),
                cwd=place.project,
                env=_environment(record, place),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(reading,),
            )
            os.close(reading)
            _wait(process, timeout)
    finally:
        os.close(lifeline)
    return process.returncode


def _command(place: Place, plan: Path) -> Sequence[str]:
    return confine(
        [str(place.python), "-P", str(_RUNNER), str(plan)],
        python=place.python,
        writable=[place.folder],
        readable=repository_objects(place.tree),
        fixed=[place.folder / "cache"],
        cwd=place.project,
    )


def _wait(process: "subprocess.Popen[bytes]", timeout: float | None) -> None:
    end = None if timeout is None else time.monotonic() + timeout
    try:
        while process.poll() is None:
            if end is not None and time.monotonic() > end:
                raise RunError(f"the training did not end within {timeout:g} s", fix="allow more: --timeout SECONDS")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PAUSE)
    finally:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)


def _plan(record: LineageRecord, place: Place, lifeline: int) -> Mapping[str, Any]:
    source = record.code.source
    if source is None:
        raise RunError("which function trained the model is not recorded", where=record.model.name)
    module, _, function = source.entry.partition(":")
    return {
        "module": module,
        "function": function,
        "definitions": list(dict.fromkeys(_definition_modules(place.tree, place.project))),
        "asset_key": record.model.asset_key,
        "model": record.model.name,
        "inputs": {data.name: [data.path, data.role] for data in record.data},
        "parameters": record.parameters,
        "partition": record.run.dagster.partition if record.run.dagster else None,
        "trusted_types": [
            name for name in record.artifact.trusted_types if not outside_trust([name], place.trusted_types)
        ],
        "cpus": record.environment.threads.get("cpus"),
        "project": str(place.project),
        "result": str(place.folder / "result.json"),
        "lifeline": lifeline,
    }


def _definition_modules(*folders: Path) -> Iterator[str]:
    """Yield the modules that the project says its Dagster definitions are in."""
    for folder in folders:
        try:
            document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        tool = document.get("tool", {})
        if name := tool.get("dagster", {}).get("module_name"):
            yield str(name)
        if root := tool.get("dg", {}).get("project", {}).get("root_module"):
            yield f"{root}.definitions"


def _environment(record: LineageRecord, place: Place) -> Mapping[str, str]:
    """The few variables that every process needs, and those of the sandbox. Secrets are passed only on request."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_BY) or name in place.pass_on
    }
    path = f"{place.python.parent}{os.pathsep}{passed.get('PATH', os.defpath)}"
    home = place.folder / "dagster"
    home.mkdir(exist_ok=True)
    if find_bubblewrap():
        passed |= {"HOME": HOME, "TMPDIR": "/tmp"}  # noqa: S108  # of its own
    return {
        **passed,
        **_threads(record.environment.threads),
        "PATH": path,
        "PYTHONPATH": os.pathsep.join(str(folder) for folder in place.imports),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(place.folder / "dvc"),
        "LINEAGE_CATALOG": _catalog_url(place),
        "LINEAGE_ARTIFACTS": str(place.folder / "artifacts"),
        "LINEAGE_KEYS": str(place.folder / "keys"),
        # What the training tracks is thrown away with the rest, whatever the user's own server is.
        "MLFLOW_TRACKING_URI": f"sqlite:///{place.folder / 'mlflow.db'}",
        "MLFLOW_REGISTRY_URI": f"sqlite:///{place.folder / 'mlflow.db'}",
    }


def _threads(recorded: Mapping[str, int]) -> Mapping[str, str]:
    pools = {name: count for name, count in recorded.items() if name != "cpus"}
    most = max(pools.values(), default=recorded.get("cpus"))
    if most is None:
        return {}
    found = {
        variable: next((pools[name] for name in names if name in pools), most) for variable, names in _POOLS.items()
    }
    return {variable: str(found.get(variable, most)) for variable in _THREAD_VARIABLES}


def _catalog_url(place: Place) -> str:
    return f"sqlite:///{place.folder / 'catalog.db'}"


def _committed(record: LineageRecord, place: Place, code: int) -> Entry:
    result = place.folder / "result.json"
    failed = json.loads(result.read_text(encoding="utf-8"))["failed"] if result.is_file() else []
    if (place.folder / "catalog.db").is_file():
        with Catalog(_catalog_url(place), create=False, read_only=True) as catalog:
            entry = catalog.latest(record.model.name)
        if entry is not None:  # a failed check of the model fails the run, and keeps the model
            return entry
    words = _last_words(place, failed) or f"exit code {code}"
    raise RunError(f"the training did not come to its end: {words}", where=record.model.name)


def _last_words(place: Place, failed: Sequence[str]) -> str:
    log = place.folder / "training.log"
    output = failed or log.read_text(encoding="utf-8", errors="replace").splitlines()[-_SHOWN:]
    return " ".join(" ".join(map(str, output)).split())[:600]
