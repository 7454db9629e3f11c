"""Doctor: checks of the installation, the project, the catalog and the stores. Each check yields findings."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lineage_pipelines.capture.environment import lock_gaps
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.outbox.attempts import Attempt
from lineage_pipelines.catalog.outbox.outbox import DAGSTER
from lineage_pipelines.errors import LineageError, NotFoundError
from lineage_pipelines.records.values.finding import Finding, FindingKind, FindingStatus
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.settings import MLFLOW, Settings
from lineage_pipelines.system.git_command import GitError, run_git
from lineage_pipelines.system.process_identity import is_alive

_STRAY_DEPTH = 4


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Check libraries, tools, the DVC project, the catalog and the artifact store; never raises for what it finds."""
    checks: dict[FindingKind, Callable[[Settings], Iterator[Finding]]] = {
        FindingKind.ANTLR: _antlr,
        FindingKind.DAGSTER: _dagster,
        FindingKind.DVC: _dvc,
        FindingKind.GIT: _git,
        FindingKind.METAFILES: _metafiles,
        FindingKind.LOCK_FILE: _lock_file,
        FindingKind.CATALOG: _catalog,
        FindingKind.MLFLOW: _mlflow,
        FindingKind.ARTIFACTS: _artifacts,
    }
    return tuple(finding for kind, check in checks.items() for finding in _run(kind, check, settings))


def _run(kind: FindingKind, check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except OSError as error:
        fix = "check the path and its permissions"
        yield Finding(kind=kind, status=FindingStatus.FAIL, detail=f"cannot be checked: {error}", fix=fix)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def _antlr(_: Settings) -> Iterator[Finding]:
    antlr, hydra = _installed("antlr4-python3-runtime"), _installed("hydra-core")
    fix = "pip install 'antlr4-python3-runtime>=4.13' 'hydra-core>=1.4.0rc3'"
    if antlr is None or _numbers(antlr) < (4, 13):
        yield Finding(
            kind=FindingKind.ANTLR,
            status=FindingStatus.FAIL,
            detail=f"antlr4-python3-runtime {antlr or 'is missing'}: DVC's hydra-core pins it below what Dagster "
            "needs, and every asset selection by a string raises TypeError",
            fix=fix,
        )
    elif hydra is not None and _numbers(hydra) < (1, 4):
        yield Finding(
            kind=FindingKind.ANTLR,
            status=FindingStatus.FAIL,
            detail=f"antlr4-python3-runtime {antlr} suits Dagster but not hydra-core {hydra}: `dvc exp run -S` and "
            "OmegaConf interpolation fail",
            fix=fix,
        )
    else:
        yield Finding(
            kind=FindingKind.ANTLR,
            status=FindingStatus.OK,
            detail=f"antlr {antlr}, hydra-core {hydra}: Dagster and DVC agree",
        )


def _dagster(_: Settings) -> Iterator[Finding]:
    core, web = _installed("dagster"), _installed("dagster-webserver")
    if core is None:
        yield Finding(
            kind=FindingKind.DAGSTER,
            status=FindingStatus.FAIL,
            detail="Dagster is not installed",
            fix="pip install dagster",
        )
    elif _numbers(core) < (1, 13):
        yield Finding(
            kind=FindingKind.DAGSTER,
            status=FindingStatus.FAIL,
            detail=f"Dagster {core} is too old",
            fix="pip install 'dagster>=1.13'",
        )
    elif web is not None and web != core:
        yield Finding(
            kind=FindingKind.DAGSTER,
            status=FindingStatus.FAIL,
            detail=f"dagster {core} and dagster-webserver {web} are of different releases",
            fix=f"pip install dagster-webserver=={core}",
        )
    else:
        yield Finding(
            kind=FindingKind.DAGSTER,
            status=FindingStatus.OK,
            detail=f"dagster {core}" + (", webserver too" if web else ""),
        )


def _dvc(settings: Settings) -> Iterator[Finding]:
    installed = _installed("dvc")
    root = next((f for f in (settings.project_dir, *settings.project_dir.parents) if (f / ".dvc").is_dir()), None)
    if installed is None or not (3, 61) <= _numbers(installed) < (4, 0):
        fix = "pip install 'dvc>=3.61,<4'"
        yield Finding(
            kind=FindingKind.DVC, status=FindingStatus.FAIL, detail=f"DVC {installed or 'is not installed'}", fix=fix
        )
    elif root is None:
        yield Finding(
            kind=FindingKind.DVC,
            status=FindingStatus.WARN,
            detail=f"DVC {installed}, but this folder is not in a DVC project",
            fix="dvc init, then dvc add DATA",
        )
    else:
        yield Finding(kind=FindingKind.DVC, status=FindingStatus.OK, detail=f"DVC {installed}")


def _git(settings: Settings) -> Iterator[Finding]:
    if shutil.which("git") is None:
        detail = "Git is not installed; records will say that the code version is unknown"
        yield Finding(kind=FindingKind.GIT, status=FindingStatus.WARN, detail=detail, fix="apt-get install git")
        return
    try:
        revision = run_git(settings.project_dir, ["rev-parse", "--short=12", "HEAD"]).decode().strip()
    except GitError as error:
        detail = f"no revision can be recorded: {error}"
        yield Finding(
            kind=FindingKind.GIT, status=FindingStatus.WARN, detail=detail, fix="git init && git add -A && git commit"
        )
    else:
        yield Finding(kind=FindingKind.GIT, status=FindingStatus.OK, detail=f"at revision {revision}")


def _lock_file(settings: Settings) -> Iterator[Finding]:
    """Find what every record would list as missing of the environment."""
    for gap in lock_gaps(project_dir=settings.project_dir, lock=settings.lock):
        yield Finding(
            kind=FindingKind.LOCK_FILE,
            status=FindingStatus.WARN,
            detail=f"every version will lack it: {gap.partition(': ')[2]}",
            fix="lock the libraries with hashes (uv lock, poetry lock, or uv pip compile --generate-hashes), and name "
            "another file as lock in [tool.lineage]",
        )


def _metafiles(settings: Settings) -> Iterator[Finding]:
    """Find what a crash of DVC leaves behind: empty metafiles and a damaged lock file."""
    root = settings.project_dir
    empty = [path.relative_to(root).as_posix() for path in _shallow(root, ".dvc") if path.stat().st_size == 0]
    if empty:
        yield Finding(
            kind=FindingKind.DVC_FILES,
            status=FindingStatus.FAIL,
            detail=f"empty: {', '.join(empty[:5])}; DVC considers them up to date and no longer tracks the data",
            fix=f"git checkout -- {empty[0]}, or dvc add the data again",
        )
    lock = root / ".dvc" / "tmp" / "rwlock"
    try:
        json.loads(lock.read_text() or "{}") if lock.is_file() else None
    except (OSError, ValueError):
        detail = "DVC's lock file .dvc/tmp/rwlock is damaged; every dvc command will fail"
        yield Finding(
            kind=FindingKind.DVC_LOCK,
            status=FindingStatus.FAIL,
            detail=detail,
            fix="rm .dvc/tmp/rwlock while no dvc is running",
        )


def _shallow(folder: Path, suffix: str, depth: int = _STRAY_DEPTH) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.is_file(follow_symlinks=False) and entry.name.endswith(suffix) and entry.name != suffix:
                yield Path(entry.path)
            elif entry.is_dir(follow_symlinks=False) and depth and not entry.name.startswith("."):
                yield from _shallow(Path(entry.path), suffix, depth - 1)


def _catalog(settings: Settings) -> Iterator[Finding]:
    try:
        with Catalog(settings.catalog, create=False, read_only=True) as catalog:
            models = catalog.models()
            attempts = catalog.outbox.running_attempts()
            undelivered = len(catalog.outbox.pending_versions(DAGSTER))
    except NotFoundError:
        detail = "there is no catalog yet; the first materialization creates it"
        yield Finding(kind=FindingKind.CATALOG, status=FindingStatus.OK, detail=detail)
    except LineageError as error:
        yield Finding(kind=FindingKind.CATALOG, status=FindingStatus.FAIL, detail=error.what, fix=error.fix)
    else:
        versions = sum(model.versions for model in models)
        yield Finding(
            kind=FindingKind.CATALOG,
            status=FindingStatus.OK,
            detail=f"{count(versions, 'version')} of {count(len(models), 'model')}",
        )
        yield from (_open_attempt(attempt) for attempt in attempts)
        if undelivered:
            detail = f"{count(undelivered, 'version')} without an event in Dagster"
            yield Finding(
                kind=FindingKind.UNFINISHED, status=FindingStatus.WARN, detail=detail, fix="lineage reconcile"
            )


def _open_attempt(attempt: Attempt) -> Finding:
    """Say which attempt at a training has not ended, and whether it is still running."""
    alive = is_alive(attempt.host, attempt.process)
    words = "is running" if alive else "runs on another machine, or was killed" if alive is None else "was killed"
    run = f" (run {attempt.run})" if attempt.run else ""
    detail = (
        f"a training of {attempt.model}{run} {words}; begun {attempt.begun:%Y-%m-%d %H:%M:%S} UTC on {attempt.host}"
    )
    if alive:
        return Finding(kind=FindingKind.UNFINISHED, status=FindingStatus.OK, detail=detail)
    return Finding(kind=FindingKind.UNFINISHED, status=FindingStatus.WARN, detail=detail, fix="lineage reconcile")


def _mlflow(settings: Settings) -> Iterator[Finding]:
    if settings.mlflow is None:
        return
    installed = _installed("mlflow-skinny") or _installed("mlflow")
    if installed is None or _numbers(installed) < (3, 0):
        detail = f"MLflow {f'{installed} is too old' if installed else 'is not installed'}, but mirrors the catalog"
        yield Finding(
            kind=FindingKind.MLFLOW,
            status=FindingStatus.FAIL,
            detail=detail,
            fix="pip install 'lineage-pipelines[mlflow]'",
        )
        return
    with contextlib.suppress(LineageError), Catalog(settings.catalog, create=False, read_only=True) as catalog:
        if waiting := len(catalog.outbox.pending(MLFLOW)):
            detail = f"MLflow {installed} mirrors the catalog; entries not sent yet: at least {waiting}"
            yield Finding(kind=FindingKind.MLFLOW, status=FindingStatus.WARN, detail=detail, fix="lineage reconcile")
            return
    yield Finding(kind=FindingKind.MLFLOW, status=FindingStatus.OK, detail=f"MLflow {installed} mirrors the catalog")


def _artifacts(settings: Settings) -> Iterator[Finding]:
    if "://" in settings.artifacts:
        yield Finding(kind=FindingKind.ARTIFACTS, status=FindingStatus.OK, detail="a remote store; not checked")
        return
    folder = Path(settings.artifacts)
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        yield Finding(
            kind=FindingKind.ARTIFACTS,
            status=FindingStatus.FAIL,
            detail="the store cannot be written",
            fix=f"make {nearest} a writable folder",
        )
        return
    free = shutil.disk_usage(nearest).free
    status = FindingStatus.OK if free > 1 << 30 else FindingStatus.WARN
    yield Finding(kind=FindingKind.ARTIFACTS, status=status, detail=f"writable, {free / 1e9:,.1f} GB free")
