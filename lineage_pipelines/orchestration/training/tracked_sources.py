"""Tracked sources: the files and folders of `.dvc` files at which the recorded preparation, or the training, begins."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.git.file_history import find_deliveries
from lineage_pipelines.capture.git.public_url import public_address
from lineage_pipelines.capture.recorder import describe_recorder
from lineage_pipelines.capture.tables.table_capture import TABLE_SUFFIXES, CapturedTable, capture_table
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.index.impact_index import ImpactQuery
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.datasets.content.hashing import MD5
from lineage_pipelines.datasets.metafiles.metafile_entries import ImportSource
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.metafile_index import RecordedOutput
from lineage_pipelines.datasets.workspace.data_sources import find_local, list_files
from lineage_pipelines.datasets.workspace.placement import Placed, discard, place_found
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.statement.dataset import ImportOrigin, StageRun, TrackedSource
from lineage_pipelines.records.statement.file_listing import MAX_FILES, ListedFile, count_kinds, encode_listing
from lineage_pipelines.records.values.digest import Digest, DigestSet

MAX_BYTES = 256 * 1024 * 1024
"""Bytes of sources that are read for their profiles in one run, beyond what the training reads itself."""
_TRACKED = "tracked:"


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


@dataclass(frozen=True)
class Described:
    """Data that was placed for the training, and its description."""

    placed: Placed
    table: CapturedTable

    @cached_property
    def files(self) -> tuple[ListedFile, ...]:
        """The files of a folder; nothing for a file."""
        return tuple(ListedFile(path, one.md5, one.size) for path, one in self.placed.files)

    @cached_property
    def folder(self) -> Folder | None:
        """The files of a folder, as a record has them."""
        return describe_folder(self.files) if self.files else None


def describe_folder(files: Sequence[ListedFile]) -> Folder:
    """Return the listing of a folder, and how many files of each kind it holds."""
    return Folder(encode_listing(files) if len(files) <= MAX_FILES else None, count_kinds(files))


class KnownSources:
    """Tracked sources as earlier records describe them: what was read once is not read again.

    Args:
        catalog: of the records.
        artifacts: the store of the profiles.
        model: whose latest record is looked at first.
    """

    def __init__(self, catalog: Catalog, artifacts: ArtifactStore, model: str) -> None:
        self._catalog = catalog
        self._artifacts = artifacts
        self._model = model

    def find(self, md5: str) -> TrackedSource | None:
        """Return a source of that content with a profile, as this release has described it; None where there is none.

        Raises:
            CatalogError: the catalog cannot be read.
        """
        latest = self._catalog.latest(self._model)
        found = _with_profile(latest, md5)
        if found is None:
            users = self._catalog.index.impact(ImpactQuery(hexes={md5.removesuffix(".dir")}))
            newest = max((user.version.seq for user in users if user.through is None), default=None)
            found = _with_profile(next(iter(self._catalog.log.versions_at([newest])), None), md5) if newest else None
        return found if found is not None and found.profile in self._artifacts else None


def _with_profile(entry: Entry | None, md5: str) -> TrackedSource | None:
    recorder = entry.record.environment.recorder if entry is not None else None
    if entry is None or recorder is None or recorder.version != describe_recorder().version:
        return None  # another release may read the same bytes as another table
    sources = entry.record.sources
    return next((source for source in sources if source.digest.md5 == md5 and source.profile is not None), None)


@dataclass(slots=True)
class CapturedSources:
    """What is recorded of the tracked sources of a training."""

    sources: tuple[TrackedSource, ...] = ()
    """Sorted by path."""
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    """Profiles and listings."""
    gaps: list[str] = field(default_factory=list)

    def keep(self, blob: bytes | None) -> Digest | None:
        """Take in a blob, and return its name."""
        if blob is None:
            return None
        digest = Digest.of(blob)
        self.blobs[digest] = blob
        return digest


def capture_sources(
    project: DvcProject, read: Sequence[Described], stages: Iterable[StageRun], *, known: KnownSources, into: Path
) -> CapturedSources:
    """Return the tracked sources of a training, and what is missing of them. Nothing is fetched for it.

    Args:
        project: the DVC project.
        read: what the training read.
        stages: every preparation step behind it.
        known: sources that need not be read again.
        into: a private folder that does not exist yet; nothing is left in it.

    Raises:
        DatasetError: a `.dvc` file is not valid.
        CatalogError: the catalog cannot be read.
    """
    begin = list(_begin(project, [each.placed.recorded for each in read], stages))
    md5s = {each.metafile: each.content.md5.removesuffix(".dir") for each in begin if each.content.md5}
    deliveries, gaps = find_deliveries(project.root, md5s)
    reader = _SourceReader(project, {each.placed.recorded.path: each for each in read}, known, into)
    reader.found.gaps += gaps
    sources = [replace(reader.source(recorded), delivery=deliveries.get(recorded.metafile)) for recorded in begin]
    reader.found.sources = tuple(sources)
    return reader.found


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


class _SourceReader:
    """Describes sources one after the other, within a budget of bytes."""

    def __init__(self, project: DvcProject, read: Mapping[str, Described], known: KnownSources, into: Path) -> None:
        self.found = CapturedSources()
        self._project = project
        self._read = read
        self._known = known
        self._into = into
        self._left = MAX_BYTES

    def source(self, recorded: RecordedOutput) -> TrackedSource:
        """Return what is known of a source, its delivery aside."""
        content = recorded.content
        files = self._files(recorded)
        folder = describe_folder(files) if files is not None and content.is_dir else None
        if folder is not None and folder.listing is None:
            self._gap(recorded, "listing", f"{content.files:,} files, more than {MAX_FILES:,}")
        source = TrackedSource(
            file=recorded.metafile,
            path=recorded.path,
            digest=DigestSet(md5=content.md5),
            size=content.size,
            files=content.files,
            imported_from=self._origin(recorded),
            listing=self.found.keep(folder.listing) if folder else None,
            kinds=folder.kinds if folder else None,
        )
        return self._with_table(source, recorded, files)

    def _gap(self, recorded: RecordedOutput, what: str, reason: str) -> None:
        self.found.gaps.append(f"sources.{recorded.path}.{what}: {reason}")

    def _files(self, recorded: RecordedOutput) -> Sequence[ListedFile] | None:
        """Return the files of a folder, or the one file; None where they are not known on this machine."""
        if not recorded.content.is_dir:
            return [ListedFile(recorded.path, recorded.content.md5 or "", recorded.content.size)]
        if recorded.path in self._read:
            return self._read[recorded.path].files
        try:
            files = _local_files(self._project, recorded)
        except DatasetError as error:
            self._gap(recorded, "listing", error.what)
            return None
        if files is None:
            self._gap(recorded, "listing", "not on this machine")
        return files

    def _with_table(
        self, source: TrackedSource, recorded: RecordedOutput, files: Sequence[ListedFile] | None
    ) -> TrackedSource:
        described = self._read.get(recorded.path)
        if described is not None:
            return self._described(source, described.table)
        if files is None or not _is_table(files):
            return source
        plain = recorded.content.md5 if recorded.content.hash_name == MD5 else None
        known = self._known.find(plain) if plain else None
        if known is not None:
            return replace(source, rows=known.rows, schema=known.schema, profile=known.profile)
        try:
            table = self._table(recorded)
        except DatasetError as error:
            self._gap(recorded, "profile", error.what)
            return source
        for gap in table.gaps:
            self._gap(recorded, "schema", gap.partition(": ")[2])
        return self._described(source, table)

    def _described(self, source: TrackedSource, table: CapturedTable) -> TrackedSource:
        if table.facts is None:
            return source
        profile = self.found.keep(table.profile)
        return replace(source, rows=table.facts.rows, schema=table.facts.columns, profile=profile)

    def _table(self, recorded: RecordedOutput) -> CapturedTable:
        """Read a table on this machine from a private copy, whose digest is checked.

        Raises:
            DatasetError: it is not here, was altered, or is too large.
        """
        size = recorded.content.size
        found = find_local(self._project, recorded) if size is None or size <= self._left else None
        size = sum(each.size for each in found.sources) if found is not None else size
        if size is not None and size > self._left:
            raise DatasetError(f"{size:,} bytes, and no more than {MAX_BYTES:,} are read for profiles in a run")
        if found is None:
            raise DatasetError("not on this machine")
        self._left -= size or 0
        placed = place_found(recorded, found, self._into)
        try:
            return capture_table(placed.path, name=recorded.path)
        finally:
            discard(placed.path)
            self._into.rmdir()

    def _origin(self, recorded: RecordedOutput) -> ImportOrigin | None:
        imported: ImportSource | None = recorded.whole.imported
        if imported is None:
            return None
        url = public_address(imported.url) if imported.url else None
        if imported.url and url is None:
            self._gap(recorded, "imported_from.url", "withheld, it appears to hold a secret")
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


def _local_files(project: DvcProject, recorded: RecordedOutput) -> Sequence[ListedFile] | None:
    local = find_local(project, recorded)
    if local is not None:
        return [ListedFile(source.relative, source.md5, source.size) for source in local.sources]
    listed = list_files(project, recorded)
    return None if listed is None else [ListedFile(path, md5) for path, md5 in listed[0]]


def _is_table(files: Sequence[ListedFile]) -> bool:
    """Whether files are a table by their names, so that others are not copied in vain."""
    visible = [file for file in files if not any(part[0] in "._" for part in file.path.split("/"))]
    kinds = [kind.split(".") for kind in count_kinds(visible)]
    return bool(kinds) and all(len(parts) > 1 and f".{parts[1]}" in TABLE_SUFFIXES for parts in kinds)
