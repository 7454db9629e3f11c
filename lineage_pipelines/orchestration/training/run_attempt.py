"""Attempt at a run: announced before it trains, with a private folder, and ended in every case but a kill."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.outbox.attempts import Attempt, AttemptEnd
from lineage_pipelines.datasets.workspace.placement import discard
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.orchestration.training.run_facts import RunFacts
from lineage_pipelines.system.file_lock import lock_folder
from lineage_pipelines.system.process_identity import process_name

FOLDER_PREFIX = "lineage-"
"""Prefix of the names of private folders."""


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    try:
        # Locked as long as this process, or one that it forked, lives: other processes see that the folder is in use.
        with lock_folder(folder):
            yield folder
    finally:
        discard(folder)


@contextlib.contextmanager
def open_attempt(catalog: Catalog, facts: RunFacts, model: str) -> Iterator[tuple[Attempt, Path]]:
    """Announce an attempt, make its private folder, and yield both; an exception ends the attempt as failed.

    Raises:
        CatalogError: the catalog cannot be written.
    """
    with _private_folder() as folder:
        attempt = catalog.outbox.begin_attempt(
            facts.run_key,
            model,
            host=facts.host,
            process=process_name(),
            run=facts.run.run_id,
            folder=str(folder),
        )
        with _fail_on_error(catalog, attempt):
            yield attempt, folder


@contextlib.contextmanager
def _fail_on_error(catalog: Catalog, attempt: Attempt) -> Iterator[None]:
    try:
        yield
    except BaseException:
        # Should the catalog be the reason, `lineage reconcile` ends the attempt when its process is gone.
        with contextlib.suppress(CatalogError):
            catalog.outbox.end_attempt(attempt, AttemptEnd.FAILED)
        raise
