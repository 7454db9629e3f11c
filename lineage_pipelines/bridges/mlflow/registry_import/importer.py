"""Importer of an MLflow registry: every registered version once, in MLflow's order, a page at a time.

Nothing of MLflow's is loaded or run: model files are copied and hashed, never opened by their framework.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.bridges.mlflow import tags
from lineage_pipelines.bridges.mlflow.mlflow_limits import chunks
from lineage_pipelines.bridges.mlflow.registry_import.dvc_at_commit import CommitHistory
from lineage_pipelines.bridges.mlflow.registry_import.folder_copy import (
    CopyRules,
    NoFolderError,
    StoredFolder,
    UnreadableError,
    copy_rules,
    store_folder,
)
from lineage_pipelines.bridges.mlflow.registry_import.naming import AliasImport, name_models, with_stages
from lineage_pipelines.bridges.mlflow.registry_import.record_builder import COMMIT, RecordBuilder, tags_of
from lineage_pipelines.bridges.mlflow.registry_import.registry_reader import (
    RegisteredVersion,
    Registry,
    aliases_of,
    choose,
    run_key,
)
from lineage_pipelines.bridges.mlflow.registry_import.run_inputs import InputReader
from lineage_pipelines.bridges.mlflow.server import LostServerError, RefusedError, connect, public_address
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import ConflictError, NotFoundError
from lineage_pipelines.queries.registry.import_summary import ImportedModel, ImportSummary
from lineage_pipelines.records.statement.lineage_record import LineageRecord

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

    from lineage_pipelines.records.values.digest import Digest

_TOGETHER = 50
"""Versions that are committed in one transaction."""
_REMEMBERED, _SMALL = 10_000, 10_000
_WRITERS = 8
"""Threads that write blobs: they wait for the disk."""
Progress = Callable[[str, int, int], None]
"""Called with a model's name, how many of its versions are done, and how many there may be."""


@dataclass(slots=True)
class Importer:
    """Reads a registry into a catalog."""

    registry: Registry
    builder: RecordBuilder
    catalog: Catalog | None
    """None in a dry run where there is no catalog."""
    store: ArtifactStore
    aliases: AliasImport
    copy: bool
    """Whether model files are copied into the store."""
    rules: CopyRules = field(default_factory=CopyRules)
    """Which ones may be."""
    progress: Progress = lambda *_: None
    _models: list[ImportedModel] = field(default_factory=list)
    _stored: set[bytes] = field(default_factory=set)
    """Small blobs that were put there by this import: lists of libraries are often the same."""
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_WRITERS))

    @property
    def dry_run(self) -> bool:
        """Whether nothing is written."""
        return self.aliases.dry_run

    def run(self, wanted: Sequence[str], renamed: Mapping[str, str]) -> ImportSummary:
        """Import the versions of registered models.

        Args:
            wanted: names of models in MLflow; all by default.
            renamed: MLflow's names and ours, for those whose name is to be another one.

        Raises:
            NotFoundError: MLflow has no such model.
            RecordError: a name is not a valid model name.
            LostServerError: MLflow went away; what was imported stays.
            CatalogError: the catalog cannot be written.
            ArtifactError: the artifact store cannot be written.
        """
        try:
            models = self.registry.models()
            chosen = choose(models, wanted)
            names = name_models([model.name for model in models], renamed, self._kept_names())
            for model in chosen:
                self._models.append(ImportedModel(theirs=model.name, name=names[model.name]))
                self._import(model, self._models[-1], fixed=model.name in renamed)
        except LostServerError as error:
            done = sum(model.imported for model in self._models)
            what = f"{error.what}; {done:,} versions were imported before"
            raise LostServerError(what, where=error.where, fix="run it again: it goes on where it was") from error
        finally:
            self._pool.shutdown()
        return ImportSummary(
            server=self.builder.server, dry_run=self.dry_run, copied=self.copy and not self.dry_run, models=self._models
        )

    def _kept_names(self) -> dict[str, str]:
        """Return what an earlier import called the models, by their names there."""
        if self.catalog is None:
            return {}
        newest = (self.catalog.latest(summary.name) for summary in self.catalog.models())
        known = ((entry.model, entry.record.run.mlflow) for entry in newest if entry is not None)
        return {mlflow.model: name for name, mlflow in known if mlflow is not None and mlflow.model is not None}

    def _import(self, model: "RegisteredModel", summary: ImportedModel, *, fixed: bool) -> None:
        work = _ModelImport(self, model, summary, fixed=fixed)
        try:
            for page in self.registry.pages(model.name):
                work.import_page(page)
        except UnreadableError as error:
            rest = "it and those after it were left, so that they keep their order"
            summary.skipped.append((work.at, f"its files cannot be read: {error.what}; {rest}; {error.fix}"))
        except (ConflictError, RefusedError) as error:
            fix = f"give the model another name: --rename '{model.name}=…'" if isinstance(error, ConflictError) else ""
            summary.skipped.append((work.at, "; ".join(part for part in (error.what, fix) if part)))
        work.finish()

    def put(self, blobs: Sequence[bytes]) -> "list[Future[Digest]]":
        """Put what a record names into the artifact store, while the next one is put together."""
        if self.dry_run:
            return []
        if len(self._stored) > _REMEMBERED:
            self._stored.clear()
        new = [blob for blob in dict.fromkeys(blobs) if blob not in self._stored]
        self._stored.update(blob for blob in new if len(blob) < _SMALL)
        return [self._pool.submit(self.store.put_bytes, blob) for blob in new]


class _ModelImport:
    """The import of one model, while it goes on."""

    def __init__(self, importer: Importer, model: "RegisteredModel", summary: ImportedModel, *, fixed: bool) -> None:
        self.at = "1"
        self._importer = importer
        self._model = model
        self._summary = summary
        self._fixed = fixed
        self._entries: dict[str, Entry | None] = {}
        self._mirrored: set[str] = set()
        self._stages: dict[str, str] = {}
        self._count = importer.registry.count(model)

    def import_page(self, page: "Sequence[ModelVersion]") -> None:
        """Import those versions of a page that the catalog has not."""
        new = [version for version in page if not self._is_known(version)]
        registry, builder = self._importer.registry, self._importer.builder
        described = list(registry.describe(self._model, new))
        builder.inputs.look_up([tags_of(registered.run).get(COMMIT, "") for registered in described])
        for part in chunks(described, _TOGETHER):
            self._import_part(part)

    def _import_part(self, part: Sequence[RegisteredVersion]) -> None:
        records: list[LineageRecord] = []
        written: list[Future[Digest]] = []
        try:
            for registered in part:
                self.at = registered.number
                record, blobs = self._importer.builder.draft(registered, self._summary.name, self._folder(registered))
                written += self._importer.put(blobs)
                records.append(record)
        finally:  # what was read before one that could not be is not read again
            for each in written:
                each.result()  # in the store before a record names it
            self._commit(records, part[: len(records)])

    def _is_known(self, version: "ModelVersion") -> bool:
        number, catalog = str(version.version), self._importer.catalog
        if version.current_stage:
            self._stages[version.current_stage] = number
        entry = self._mirror_of(version)
        if entry is not None:
            self._mirrored.add(number)
            self._summary.ours += 1
        elif catalog is not None and (entry := catalog.by_run_key(run_key(version))) is not None:
            self._summary.known += 1
            if not self._fixed:
                self._summary.name = entry.model  # as an earlier import called it
        if entry is not None:
            self._entries[number] = entry
            self._importer.progress(self._summary.theirs, self._done, self._count)
        return entry is not None

    def _mirror_of(self, version: "ModelVersion") -> Entry | None:
        digest = str((version.tags or {}).get(tags.RECORD, "")).removeprefix("sha256:")
        if not digest or self._importer.catalog is None:
            return None
        try:
            entry = self._importer.catalog.by_digest(digest)
        except NotFoundError:
            return None
        return entry if entry.digest.hex == digest else None

    def _folder(self, registered: RegisteredVersion) -> StoredFolder | str:
        importer = self._importer
        if importer.dry_run or not importer.copy:
            return "not copied, as it was asked for (--artifacts none); the blob says where it was"
        try:
            place = importer.registry.place(registered.version)
            return store_folder(place, importer.registry.address, importer.store, importer.rules)
        except (NoFolderError, RefusedError) as error:
            return f"not copied: {error.what}; the blob says where it was"
        except UnreadableError:
            importer.registry.ping()  # is it MLflow itself that went away?
            raise

    def _commit(self, records: Sequence[LineageRecord], part: Sequence[RegisteredVersion]) -> None:
        entries: Sequence[Entry | None] = [None] * len(records)
        importer = self._importer
        if not importer.dry_run:
            assert importer.catalog is not None  # noqa: S101  # made before
            entries = importer.catalog.append_all(records)
        for registered, record, entry in zip(part, records, entries, strict=True):
            self._entries[registered.number] = entry
            self._summary.imported += 1
            self._summary.lacks(self._counted(record))
            if entry is not None and str(entry.version) != registered.number:
                self._summary.renumbered.append((registered.number, entry.version))
            self._importer.progress(self._summary.theirs, self._done, self._count)

    def _counted(self, record: LineageRecord) -> Sequence[str]:
        looked = self._importer.copy and not self._importer.dry_run
        missing = record.completeness.missing
        return (
            missing
            if looked or not self._importer.copy
            else [line for line in missing if not line.startswith(_OF_FILES)]
        )

    @property
    def _done(self) -> int:
        return len(self._entries)

    def finish(self) -> None:
        """Carry the aliases over, and note what is odd."""
        summary, book = self._summary, self._importer.aliases
        named = with_stages(aliases_of(self._model), self._stages)
        summary.aliases.extend(
            book.import_aliases(named, self._entries, frozenset(self._mirrored), self._importer.builder.server)
        )
        summary.notes.extend(book.left_over(summary.name, named))


_OF_FILES = ("artifact", "environment.python", "environment.packages")
"""Facts that a dry run does not look at."""


_RETRIES = 5

__all__ = ["check_registry", "import_registry"]


def check_registry(address: str, models: Sequence[str] = ()) -> None:
    """See whether MLflow answers and has these models, before anything is made for an import.

    Raises:
        NotFoundError: MLflow has no such model.
        BridgeError: MLflow is not installed, or cannot be reached. It is asked once.
    """
    choose(Registry(connect(address, retries=0), address).models(), models)


def import_registry(
    address: str,
    *,
    catalog: Catalog | None,
    artifacts: str,
    project_dir: Path,
    by: str,
    models: Sequence[str] = (),
    renamed: Mapping[str, str] | None = None,
    copy: bool = True,
    rules: CopyRules | None = None,
    dry_run: bool = False,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> ImportSummary:
    """Import the registered models of an MLflow server or store.

    Args:
        address: MLflow's tracking URI.
        catalog: where to, opened without mirrors; None in a dry run where there is none.
        artifacts: the artifact store's folder or URL.
        project_dir: the project whose DVC data the runs may have read, and whose policy aliases are judged by.
        by: who imports.
        models: names of registered models; all by default.
        renamed: MLflow's names and ours.
        copy: whether model files are copied into the artifact store.
        rules: which ones may be; by default those of the store itself, or what a server serves.
        dry_run: whether nothing is written.
        progress: called with a model, how many of its versions are done, and how many there may be.

    Raises:
        NotFoundError: MLflow has no such model.
        RecordError: a name is not a valid model name.
        BridgeError: MLflow is not installed, cannot be reached or went away; what was imported stays.
        CatalogError: the catalog cannot be written.
        ArtifactError: the artifact store cannot be written.
    """
    importer = Importer(
        registry=Registry(connect(address, retries=_RETRIES), address),
        builder=RecordBuilder(public_address(address), InputReader(CommitHistory(project_dir))),
        catalog=catalog,
        store=ArtifactStore(artifacts),
        aliases=AliasImport(catalog, by, project_dir, dry_run),
        copy=copy,
        rules=rules or copy_rules(address),
        progress=progress,
    )
    return importer.run(models, renamed or {})
