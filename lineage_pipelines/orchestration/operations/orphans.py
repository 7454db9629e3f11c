"""Orphans of killed processes: attempts without an end, private folders, temporary files."""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from lineage_pipelines.catalog.outbox.attempts import Attempt, AttemptEnd
from lineage_pipelines.datasets.workspace.placement import discard
from lineage_pipelines.orchestration.training.run_attempt import FOLDER_PREFIX
from lineage_pipelines.records.values.finding import Finding, FindingKind, FindingStatus
from lineage_pipelines.system.file_lock import is_locked
from lineage_pipelines.system.process_identity import host_name, is_alive

if TYPE_CHECKING:
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.catalog.catalog import Catalog


LEASE = timedelta(days=7)
"""How long an attempt is believed to run that neither this machine nor Dagster knows anything of."""
_FOLDER = re.compile(re.escape(FOLDER_PREFIX) + r"[a-z0-9_]{8}")


def give_up_attempts(
    instance: dg.DagsterInstance, catalog: "Catalog", grace: timedelta, *, dry_run: bool
) -> Iterator[Finding]:
    """End the attempts whose process is dead or whose run is over, and remove their folders. They may not commit."""
    for attempt in catalog.outbox.running_attempts():
        why = _why_over(instance, attempt, grace)
        if why is None:
            continue
        if not dry_run:
            catalog.outbox.end_attempt(attempt, AttemptEnd.ABANDONED)
            if attempt.folder is not None and attempt.host == host_name():
                _discard_ours(Path(attempt.folder))
        yield Finding(
            kind=FindingKind.ATTEMPT_WITHOUT_END,
            subject=f"{attempt.model}, attempt {attempt.epoch}",
            status=FindingStatus.TO_BE_GIVEN_UP if dry_run else FindingStatus.GIVEN_UP,
            detail=f"{why}; run {attempt.run or 'unknown'} on {attempt.host}, begun {attempt.begun:%Y-%m-%d %H:%M} UTC",
        )


def _why_over(instance: dg.DagsterInstance, attempt: Attempt, grace: timedelta) -> str | None:
    alive = is_alive(attempt.host, attempt.process)
    if alive is not None:
        return None if alive else "its process is dead"
    age = datetime.now(UTC) - attempt.begun
    run = instance.get_run_by_id(attempt.run) if attempt.run else None
    if run is not None and run.is_finished and age >= grace:
        return f"its run ended as {run.status.value}"
    return f"nothing was heard of it for {LEASE.days} days" if age >= LEASE else None


def clear_temporary_files(
    artifacts: "ArtifactStore | None", older_than: timedelta, *, dry_run: bool
) -> Iterator[Finding]:
    """Remove private folders that no process holds, and half-written files of the store, when they are old."""
    folders = [path for path in _private_folders() if _is_old(path, older_than)]
    for path in (*folders, *(artifacts.half_written(older_than) if artifacts else ())):
        detail = f"{_size(path):,} bytes"
        if not dry_run:
            _discard_ours(path)
        kind = FindingKind.STRAY_FOLDER if path in folders else FindingKind.HALF_WRITTEN_FILE
        yield Finding(
            kind=kind,
            subject=str(path),
            status=FindingStatus.TO_BE_REMOVED if dry_run else FindingStatus.REMOVED,
            detail=detail,
        )


def _private_folders() -> Iterator[Path]:
    for path in sorted(Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*")):
        if _FOLDER.fullmatch(path.name) and _is_ours(path):
            yield path


def _is_ours(path: Path) -> bool:
    # The folder of temporary files is everybody's: a link, or another user's folder, is not touched.
    try:
        mine = path.is_dir() and not path.is_symlink() and path.stat().st_uid == os.getuid()
        return mine and not is_locked(path)
    except OSError:
        return False


def _discard_ours(path: Path) -> None:
    if path.is_file() or (_FOLDER.fullmatch(path.name) and _is_ours(path)):
        discard(path)


def _is_old(path: Path, older_than: timedelta) -> bool:
    newest = max(file.lstat().st_mtime for file in (path, *path.rglob("*")))
    return time.time() - newest >= older_than.total_seconds()


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.lstat().st_size for file in files if not file.is_dir())
