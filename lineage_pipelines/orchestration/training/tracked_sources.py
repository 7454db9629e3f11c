"""Tracked sources: the files and folders of `.dvc` files at which the recorded preparation, or the training, begins."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lineage_pipelines.capture.git.file_history import find_deliveries
from lineage_pipelines.capture.git.public_url import public_address
from lineage_pipelines.datasets.metafiles.metafile_entries import ImportSource
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.metafile_index import RecordedOutput
from lineage_pipelines.datasets.workspace.data_sources import find_local, list_files
from lineage_pipelines.datasets.workspace.placement import Placed
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.statement.dataset import ImportOrigin, StageRun, TrackedSource
from lineage_pipelines.records.statement.file_listing import MOST_FILES, ListedFile, count_kinds, encode_listing
from lineage_pipelines.records.values.digest import Digest, DigestSet

_TRACKED = "tracked:"


@dataclass(slots=True)
class CapturedSources:
    """What is recorded of the tracked sources of a training."""

    sources: tuple[TrackedSource, ...] = ()
    """Sorted by path."""
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    """Listings."""
    gaps: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Folder:
    """Which files a folder holds, as a record has it."""

    listing: bytes | None
    """None where it holds too many files."""
    kinds: Mapping[str, int]

    @property
    def digest(self) -> Digest | None:
        """The name of the listing."""
        return Digest.of(self.listing) if self.listing is not None else None


def describe_folder(files: Sequence[ListedFile]) -> Folder:
    """Return the listing of a folder, and how many files of each kind it holds."""
    return Folder(encode_listing(files) if len(files) <= MOST_FILES else None, count_kinds(files))


def placed_files(placed: Placed) -> tuple[ListedFile, ...]:
    """Return the files of a folder that was placed; nothing for a file."""
    return tuple(ListedFile(path, one.md5, one.size) for path, one in placed.files)


def capture_sources(project: DvcProject, read: Sequence[Placed], stages: Iterable[StageRun]) -> CapturedSources:
    """Return the tracked sources of a training, and what is missing of them. Nothing is fetched for it.

    Args:
        project: the DVC project.
        read: what the training read.
        stages: every preparation step behind it.

    Raises:
        DatasetError: a `.dvc` file is not valid.
    """
    found = CapturedSources()
    begin = list(_begin(project, [placed.recorded for placed in read], stages))
    md5s = {each.metafile: each.content.md5.removesuffix(".dir") for each in begin if each.content.md5}
    deliveries, gaps = find_deliveries(project.root, md5s)
    found.gaps += gaps
    placed = {each.recorded.path: each for each in read}
    sources = []
    for recorded in begin:
        content = recorded.content
        folder = _folder(project, recorded, placed.get(recorded.path), found) if content.is_dir else None
        if folder and folder.listing is not None:
            found.blobs[Digest.of(folder.listing)] = folder.listing
        sources.append(
            TrackedSource(
                file=recorded.metafile,
                path=recorded.path,
                digest=DigestSet(md5=content.md5),
                size=content.size,
                files=content.files,
                imported_from=_origin(recorded, found),
                delivery=deliveries.get(recorded.metafile),
                listing=folder.digest if folder else None,
                kinds=folder.kinds if folder else None,
            )
        )
    found.sources = tuple(sources)
    return found


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


def _folder(
    project: DvcProject, recorded: RecordedOutput, placed: Placed | None, found: CapturedSources
) -> Folder | None:
    try:
        files = placed_files(placed) if placed else _local_files(project, recorded)
    except DatasetError as error:
        found.gaps.append(f"sources.{recorded.path}.listing: {error.what}")
        return None
    if files is None:
        found.gaps.append(f"sources.{recorded.path}.listing: not on this machine")
        return None
    folder = describe_folder(files)
    if folder.listing is None:
        found.gaps.append(f"sources.{recorded.path}.listing: {len(files):,} files, more than {MOST_FILES:,}")
    return folder


def _local_files(project: DvcProject, recorded: RecordedOutput) -> Sequence[ListedFile] | None:
    local = find_local(project, recorded)
    if local is not None:
        return [ListedFile(source.relative, source.md5, source.size) for source in local.sources]
    listed = list_files(project, recorded)
    return None if listed is None else [ListedFile(path, md5) for path, md5 in listed[0]]


def _origin(recorded: RecordedOutput, found: CapturedSources) -> ImportOrigin | None:
    imported: ImportSource | None = recorded.whole.imported
    if imported is None:
        return None
    url = public_address(imported.url) if imported.url else None
    if imported.url and url is None:
        found.gaps.append(f"sources.{recorded.path}.imported_from.url: withheld, it appears to hold a secret")
    return ImportOrigin(
        kind=imported.kind,
        url=url,
        path=imported.path,
        rev=imported.rev,
        revision=imported.revision,
        md5=imported.md5,
        etag=imported.etag,
        checksum=imported.checksum,
        version_id=imported.version_id,
    )
