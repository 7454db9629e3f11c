"""Code version: the repository's state and the source files that the training function can import."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lineage_pipelines.capture.gaps import Blobs, Gaps
from lineage_pipelines.capture.git.git_state import read_git
from lineage_pipelines.capture.git.patch import make_patch, unreached_files
from lineage_pipelines.capture.sources.closure import source_closure
from lineage_pipelines.capture.sources.source_reader import SourceMemory
from lineage_pipelines.records.statement.code import CodeVersion
from lineage_pipelines.records.values.digest import Digest


def capture_code(
    entry: Callable[..., object],
    *,
    project_dir: Path,
    extra_sources: Sequence[Path] = (),
    generated: Sequence[Path] = (),
    memory: SourceMemory | None = None,
) -> tuple[CodeVersion, Blobs, Gaps]:
    """Return the version of the code around a training function, its large parts, and what is missing.

    Without Git, in a shallow clone, on a detached HEAD and on a dirty tree it works, and says so in the gaps and in
    `CodeVersion.dirty`; whether that is good enough is for the caller to decide.

    Args:
        entry: the training function.
        project_dir: any folder of the project. Its Git root, else itself, is what source paths are relative to.
        extra_sources: files and folders that matter beside what is imported, relative to that root.
        generated: files in which data is recorded (`.dvc` files, dvc.lock, metrics); they are data, recorded by digest
            elsewhere, and neither make the tree dirty nor go into the patch.
        memory: the memory that `code_digest` was given, to report files that changed after they were loaded.

    Raises:
        CaptureError: an extra source is not there or not in the project.
    """
    state = read_git(project_dir).without(generated)
    source, source_blobs, source_gaps = source_closure(
        entry, root=state.root, extra_sources=extra_sources, memory=memory
    )
    reached = [file.path for file in source.files] if source is not None else []
    patch, patch_gaps = make_patch(state, reached=reached)
    code = CodeVersion(
        repository=state.repository,
        revision=state.revision,
        branch=state.branch,
        dirty=bool(state.changes),
        patch=Digest.of(patch) if patch is not None else None,
        shallow=state.shallow,
        source=source,
        untracked=unreached_files(state, reached),
    )
    blobs = dict(source_blobs) | ({Digest.of(patch): patch} if patch is not None else {})
    return code, blobs, (*state.gaps, *patch_gaps, *source_gaps)
