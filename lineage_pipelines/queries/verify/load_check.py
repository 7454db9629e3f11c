"""Load check: whether the model files come back, each loaded in a process of its own, as what the records say."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.artifacts.trusted_types import outside_trust
from lineage_pipelines.errors import ArtifactError
from lineage_pipelines.queries.referenced_files import ReferencedFiles
from lineage_pipelines.queries.verify.blob_check import name_users
from lineage_pipelines.queries.verify.claims import conclude, defect, not_checked
from lineage_pipelines.queries.verify.log_tree import Versions
from lineage_pipelines.records.statement.training_run import ModelFile
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.finding import Finding, FindingKind
from lineage_pipelines.records.values.phrase import count, some_of
from lineage_pipelines.settings import Settings


@dataclass(slots=True)
class _Loaded:
    wrong: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    equal: int = 0
    unknown: int = 0
    """Loaded, but no record says what they should be."""


def check_models(
    files: ReferencedFiles,
    store: ArtifactStore,
    indexed: Versions,
    settings: Settings,
    progress: Callable[[str, int], None],
) -> Finding:
    """Return whether every model file can be loaded, and has the state that was recorded when it was read back.

    Only types that this reader trusts come to life. Where other releases of its libraries are installed than at
    training, a difference says nothing: it is not checked.
    """
    found = _Loaded()
    for done, (hex_, file) in enumerate(files.loadable.items(), start=1):
        users = files.models[hex_]
        who = name_users(users, indexed)
        why = _why_not(file, settings)
        flaw = None if why else _load(hex_, file, store, settings, found)
        if flaw is not None and _other_libraries(file):
            why, flaw = f"trained with {', '.join(_other_libraries(file))}: {flaw}", None
        if why:
            found.unchecked.append(f"{who}: {why}")
        if flaw is not None:
            found.wrong.append(defect(FindingKind.MODELS, f"{who}: {flaw}", users))
        progress("models", done)
    return _conclude(found)


def _why_not(file: ModelFile, settings: Settings) -> str:
    outside = outside_trust(file.trusted_types, settings.trusted_types)
    return f"needs types that are not trusted here: {', '.join(outside)}" if outside else ""


def _load(hex_: str, file: ModelFile, store: ArtifactStore, settings: Settings, found: _Loaded) -> str | None:
    from lineage_pipelines.artifacts.object_state import WALK
    from lineage_pipelines.artifacts.read_back import ReadLimits, load_apart

    limits = ReadLimits(seconds=settings.read_back_seconds, megabytes=settings.read_back_megabytes)
    with tempfile.TemporaryDirectory(prefix="lineage-") as folder:
        try:
            path = store.fetch(Digest("sha256", hex_), Path(folder) / "model.skops")
        except ArtifactError as error:
            return error.what
        loaded = load_apart(path, trusted_types=settings.trusted_types, limits=limits)
    if loaded.digest is None:
        return loaded.failure
    if file.read_back is None or file.read_back.walk != WALK:
        found.unknown += 1
        return None
    if loaded.digest != file.read_back.state.hex:
        return "it comes back as another model than the one that was trained"
    found.equal += 1
    return None


def _other_libraries(file: ModelFile) -> list[str]:
    return [requirement for requirement in file.requirements if not _is_installed(*requirement.split("==", 1))]


def _is_installed(name: str, trained: str = "") -> bool:
    try:
        return version(name) == trained
    except PackageNotFoundError:
        return False


def _conclude(found: _Loaded) -> Finding:
    right = f"{count(found.equal, 'model')} came back as trained"
    if found.unknown:
        right += f"; {found.unknown:,} could be loaded, and no record says as what"
    if found.unchecked and not found.wrong:
        return not_checked(FindingKind.MODELS, f"{some_of(found.unchecked)}; {right}")
    return conclude(FindingKind.MODELS, found.wrong, right)
