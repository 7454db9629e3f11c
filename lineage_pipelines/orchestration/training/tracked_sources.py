"""Tracked sources: the files and folders of `.dvc` files at which the recorded preparation, or the training, begins."""

from collections.abc import Iterable, Iterator

from lineage_pipelines.capture.gaps import Gaps
from lineage_pipelines.capture.git.public_url import public_address
from lineage_pipelines.datasets.metafiles.metafile_entries import ImportSource
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.metafile_index import RecordedOutput
from lineage_pipelines.records.statement.dataset import ImportOrigin, StageRun, TrackedSource
from lineage_pipelines.records.values.digest import DigestSet

_TRACKED = "tracked:"


def capture_sources(
    project: DvcProject, read: Iterable[RecordedOutput], stages: Iterable[StageRun]
) -> tuple[tuple[TrackedSource, ...], Gaps]:
    """Return the tracked sources of a training, sorted by path, and what is missing of them.

    Args:
        project: the DVC project.
        read: what the training read.
        stages: every preparation step behind it.

    Raises:
        DatasetError: a `.dvc` file is not valid.
    """
    sources: list[TrackedSource] = []
    gaps: list[str] = []
    for recorded in _begin(project, read, stages):
        content, imported = recorded.content, recorded.whole.imported
        origin = _origin(imported) if imported else None
        if imported and imported.url and origin and origin.url is None:
            gaps.append(f"sources.{recorded.path}.imported_from.url: withheld, it appears to hold a secret")
        sources.append(
            TrackedSource(
                file=recorded.metafile,
                path=recorded.path,
                digest=DigestSet(md5=content.md5),
                size=content.size,
                files=content.files,
                imported_from=origin,
            )
        )
    return tuple(sources), tuple(gaps)


def _begin(project: DvcProject, read: Iterable[RecordedOutput], stages: Iterable[StageRun]) -> Iterator[RecordedOutput]:
    """Yield what the `.dvc` files record at which the preparation, or the training itself, begins."""
    paths: dict[str, set[str]] = {}
    for recorded in read:
        paths.setdefault(recorded.owner, set()).add(recorded.output.path)
    for used in (used for stage in stages for used in stage.deps if used.origin.startswith(_TRACKED)):
        paths.setdefault(used.origin.removeprefix(_TRACKED), set()).add(used.path)
    for recorded in sorted(project.recorded_by(paths), key=lambda each: each.path):
        whole = recorded.path
        if any(f"{path}/".startswith(f"{whole}/") or whole.startswith(f"{path}/") for path in paths[recorded.owner]):
            yield recorded


def _origin(imported: ImportSource) -> ImportOrigin:
    return ImportOrigin(
        kind=imported.kind,
        url=public_address(imported.url) if imported.url else None,
        path=imported.path,
        rev=imported.rev,
        revision=imported.revision,
        md5=imported.md5,
        etag=imported.etag,
        checksum=imported.checksum,
        version_id=imported.version_id,
    )
