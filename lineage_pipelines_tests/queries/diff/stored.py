"""What most comparisons of records need: stored blobs, sources of a version, and the two sides exchanged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from lineage_pipelines.records.statement.code import SourceClosure, SourceFile
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests import strategies
from lineage_pipelines_tests.samples import digest


class Store:
    """Blobs by digest; it says which were asked for."""

    def __init__(self) -> None:
        self.kept: dict[Digest, bytes] = {}
        self.asked: list[Digest] = []

    def put(self, data: bytes) -> Digest:
        found = Digest.of(data)
        self.kept[found] = data
        return found

    def __call__(self, asked: Digest) -> bytes | None:
        self.asked.append(asked)
        return self.kept.get(asked)


def with_sources(
    record: LineageRecord,
    store: Store,
    files: Mapping[str, bytes | str],
    *,
    entry: str = "shop.train:train",
    **code: Any,
) -> LineageRecord:
    """Return the record as if these files had been its source closure."""
    contents = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}
    listed = tuple(SourceFile(path=path, sha256=store.put(data).hex) for path, data in sorted(contents.items()))
    closure = SourceClosure(entry=entry, files=listed, digest=digest(repr(listed)))
    return replace(record, code=replace(record.code, source=closure, **code))


def swapped(pair: tuple[Any, Any]) -> tuple[Any, Any]:
    return pair[1], pair[0]


def _sharing(first: LineageRecord, second: LineageRecord, names: Sequence[str]) -> LineageRecord:
    """The second record with some parts of the first, in a schema that can hold them."""
    schema = max(first.schema_version, second.schema_version)
    return replace(second, schema_version=schema, **{name: getattr(first, name) for name in names})


_ONE = strategies.records
pairs: st.SearchStrategy[tuple[LineageRecord, LineageRecord]] = st.tuples(_ONE, _ONE).flatmap(
    # Two records that share some of their parts say more than two that share nothing.
    lambda two: st.lists(
        st.sampled_from(["stages", "code", "environment", "parameters", "evaluation", "data"]), unique=True
    ).map(lambda shared: (two[0], _sharing(*two, shared)))
)
"""Two records of anything."""
