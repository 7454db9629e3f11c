"""Stored tables: the data behind a record, from DVC's cache or the workspace, its bytes verified first."""

import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lineage_pipelines.errors import DatasetError, LineageError
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, Grade, Reading

if TYPE_CHECKING:
    import pyarrow as pa

    from lineage_pipelines.capture.tables.table_files import TableFiles
    from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A table that can be read, as often as one likes."""

    schema: "pa.Schema"
    batches: "Callable[[], Iterator[pa.RecordBatch]]"
    """Reads all rows, in order."""
    as_written: "Callable[[Collection[str]], OpenTable] | None" = None
    """Opens it with some columns as text, as they are written; None where its files are not text."""


Tables = Callable[[DatasetSnapshot], AbstractContextManager["OpenTable | str"]]
"""Opens the table of a snapshot while it is used; says in words why it cannot be."""


Progress = Callable[[str, int], None]
"""Called with the dataset whose rows are read and how many were read just now; a table may be read several times."""


def find_tables(project_dir: Path, progress: Progress | None = None) -> Tables:
    """Return what opens the tables of a project's snapshots, where their very bytes are here."""

    @contextmanager
    def open_table(snapshot: DatasetSnapshot) -> Iterator[OpenTable | str]:
        with tempfile.TemporaryDirectory(prefix="lineage-") as folder:
            try:
                place = _gather(project_dir, snapshot, Path(folder))
                found: OpenTable | str = _open(place, snapshot) if isinstance(place, Path) else place
            except LineageError as error:
                found = error.what
            except OSError as error:  # such as a path that is too long for this machine
                found = f"it cannot be opened ({type(error).__name__})"
            yield _counted(found, snapshot.name, progress) if progress and isinstance(found, OpenTable) else found

    return open_table


def _counted(table: OpenTable, name: str, progress: Progress) -> OpenTable:
    """The same table; who reads it is seen to."""

    def batches() -> "Iterator[pa.RecordBatch]":
        for batch in table.batches():
            yield batch
            progress(name, batch.num_rows)

    as_written = table.as_written
    texts = (lambda names: _counted(as_written(names), name, progress)) if as_written is not None else None
    return OpenTable(table.schema, batches, texts)


def find_listings(project_dir: Path) -> Callable[[DatasetSnapshot], Mapping[str, str] | None]:
    """Return what tells the files of a snapshot that is a directory, from DVC's cache."""

    def listing(snapshot: DatasetSnapshot) -> Mapping[str, str] | None:
        from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject

        try:
            found = DvcProject(project_dir).listing(snapshot.digest.md5 or "")
        except DatasetError:
            return None
        return dict(found) if found is not None else None

    return listing


def _gather(project_dir: Path, snapshot: DatasetSnapshot, folder: Path) -> Path | str:
    """Verify a snapshot, and make a folder of links to its files, by the names that readers need."""
    from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
    from lineage_pipelines.datasets.workspace.data_state import NamedData, StoredState
    from lineage_pipelines.datasets.workspace.object_search import check_stored

    project, digest = DvcProject(project_dir), snapshot.digest
    if digest.md5 is None:
        return "its MD5 was not recorded, by which DVC would find it"
    named = NamedData(path=snapshot.path, md5=digest.md5, sha256=digest.sha256)
    (state,) = check_stored(project, [named], folders={})
    if state.state is not StoredState.EQUAL:
        return state.detail
    target = folder / (PurePosixPath(snapshot.path).name or "data")
    files = project.listing(digest.md5) if digest.md5.endswith(".dir") else (("", digest.md5),)
    for relative, md5 in files or ():
        source = _source(project, snapshot.path, relative, md5)
        if source is None:
            return "its bytes are in the remote only: `dvc fetch` brings them"
        link = target / relative if relative else target
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(source)
    return target if files else "the listing of its files is not in DVC's cache"


def _source(project: "DvcProject", path: str, relative: str, md5: str) -> Path | None:
    stored = project.object_path(md5)
    if stored.exists():
        return stored
    here = project.root / path / relative if relative else project.root / path
    return here.resolve() if here.exists() else None


def _open(path: Path, snapshot: DatasetSnapshot) -> OpenTable:
    import pyarrow as pa

    from lineage_pipelines.capture.tables.table_files import find_table
    from lineage_pipelines.capture.tables.table_reader import default_reading, read_shape

    try:
        table = find_table(path)
        if table is None:
            return _open_objects(path)
        reading = snapshot.reading or default_reading(table, Grade.INFERRED)
        schema = read_shape(table, reading).schema
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DatasetError(f"it cannot be read as a table ({type(error).__name__})", fix="compare its files") from error
    return _opened(table, reading, schema)


def _opened(table: "TableFiles", reading: Reading, schema: "pa.Schema") -> OpenTable:
    import pyarrow as pa

    from lineage_pipelines.capture.tables.table_reader import read_batches

    def as_written(names: Collection[str]) -> OpenTable:
        fields = [field.with_type(pa.large_string()) if field.name in names else field for field in schema]
        return _opened(table, reading, pa.schema(fields))

    texts = as_written if table.kind in ("csv", "tsv") else None
    return OpenTable(schema, lambda: read_batches(table, reading, schema), texts)


_MAX_OBJECTS = 100_000
_MAX_OBJECT_BYTES = 64_000
_MAX_LIST_BYTES = 16_000_000


def _open_objects(path: Path) -> OpenTable:
    """Open JSON that is no table by its name, with a row for each of its objects.

    That is a file with a list of flat objects, or with one for each key; or the small files of a folder, such as the
    labels beside pictures.

    Raises:
        DatasetError: there are none, too many, or they are no flat objects.
    """
    import pyarrow as pa

    if path.is_file():
        rows = _read_list(path)
    else:
        files = sorted(path.rglob("*.json"))
        if not 1 < len(files) <= _MAX_OBJECTS:
            raise _no_table()
        rows = [{_FILE: file.relative_to(path).as_posix(), **_read_object(file)} for file in files]
    names = dict.fromkeys(name for row in rows for name in row)
    table = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])
    return OpenTable(table.schema, lambda: iter(table.to_batches()))


def _no_table() -> DatasetError:
    return DatasetError("it is not a table", fix="compare its files")


def _read_list(file: Path) -> list[Mapping[str, object]]:
    if file.suffix.lower() != ".json" or file.stat().st_size > _MAX_LIST_BYTES:
        raise _no_table()
    value = json.loads(file.read_bytes())
    if isinstance(value, dict) and all(isinstance(each, dict) for each in value.values()):
        value = [{_KEY: key, **each} for key, each in value.items()]
    elif isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if not isinstance(value, list) or not value or not all(map(_is_flat, value)):
        raise _no_table()
    return value


def _is_flat(value: object) -> bool:
    return isinstance(value, dict) and not any(isinstance(each, dict | list) for each in value.values())


_KEY = "key"
_FILE = "file"


def _read_object(file: Path) -> dict[str, str | float | bool | None]:
    try:
        value = json.loads(file.read_bytes()) if file.stat().st_size <= _MAX_OBJECT_BYTES else None
    except ValueError:
        value = None
    if not isinstance(value, dict) or not _is_flat(value):
        raise _no_table()
    return value
