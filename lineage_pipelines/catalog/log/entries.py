"""Entries of the log, their kinds, and a summary line for each model."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import sqlalchemy as sa

from lineage_pipelines.catalog.backends.schema_tables import log
from lineage_pipelines.catalog.transparency.merkle import leaf_hash
from lineage_pipelines.errors import CatalogError, RecordError
from lineage_pipelines.records.statement.lineage_record import LineageRecord, decode, decode_identity
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.values.canonical import canonical_bytes
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.records.values.model_name import scoped

RECORD = "record"
"""The kind of an entry that holds a lineage record."""
DECISION = "decision"
"""The kind of an entry that holds a decision."""
KEY = "key"
"""The kind of an entry that holds an event in the life of a key."""
APPROVAL = "approval"
"""The kind of an entry that holds an approval, in the envelope that its approver signed."""
POLICY = "policy"
"""The kind of an entry that holds the policy of an alias that is in force from there on."""
REPRODUCTION = "reproduction"
"""The kind of an entry that holds the verdict of running a version again."""
ATTRIBUTION = "attribution"
"""The kind of an entry that holds an analysis of what the difference between two versions is allocated to."""
TOMBSTONE = "tombstone"
"""The kind of an entry that holds the removal of a stored file."""
ANALYSES = (REPRODUCTION, ATTRIBUTION)


def of_kind(kind: str) -> sa.ColumnElement[bool]:
    """Return the condition that an entry is of a kind.

    Also stated as the partial index `log_kind` states it: from a bound parameter SQLite cannot conclude that the index
    holds all rows, and would scan the whole log.
    """
    if kind == RECORD:
        return log.c.kind == kind
    return sa.and_(log.c.kind == kind, log.c.kind != sa.literal_column("'record'"))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One record in the log, and the version that it made."""

    seq: int
    """Its place in the log, from 1, without gaps."""
    model: str
    version: int
    """From 1, without gaps for each model."""
    digest: Digest
    """The record's identity: SHA-256 of `body`, checked when it was read."""
    body: bytes
    """The record's exact bytes."""
    recorded: datetime
    """When it was committed, in UTC."""

    @property
    def ref(self) -> str:
        """The version as a person writes it, `flight_delay@3`; of a partition `flight_delay[west]@3`."""
        try:
            name = scoped(self.model, self.identity)
        except CatalogError:  # said by whoever reads the record
            name = self.model
        return f"{name}@{self.version}"

    @cached_property
    def partition(self) -> Partition | None:
        """The partition that it was trained for; None where the asset has none, or the record does not say.

        Raises:
            CatalogError: the record is of a newer schema, or damaged.
        """
        if "record" in self.__dict__:
            return self.record.model.partition
        try:
            return decode_identity(self.body)[0].partition  # without the rest of the record
        except RecordError as error:
            raise CatalogError(error.what, where=f"entry {self.seq}", fix=error.fix) from error

    @property
    def identity(self) -> str | None:
        """The identity of its partition, `west`; None where the partition has none.

        Raises:
            CatalogError: the record is of a newer schema, or damaged.
        """
        return self.partition.identity if self.partition is not None else None

    @cached_property
    def record(self) -> LineageRecord:
        """The record itself, decoded on first access.

        Raises:
            CatalogError: it is of a newer schema, or names another model than the index.
        """
        where = f"entry {self.seq} ({self.model}@{self.version})"
        try:
            record = decode(self.body)
        except RecordError as error:
            raise CatalogError(error.what, where=where, fix=error.fix) from error
        if record.model.name != self.model:
            raise CatalogError(
                f"the index names {self.model!r}, the record {record.model.name!r}",
                where=where,
                fix="the index was altered; rebuild it from the log with Catalog.rebuild()",
            )
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One row of the log, of any kind, unchecked."""

    seq: int
    kind: str
    digest: str
    """The recorded SHA-256 of `body`, in hex."""
    body: bytes
    recorded: str
    keyid: str | None
    signature: bytes | None

    def leaf(self) -> bytes:
        """Return the entry's hash in the Merkle tree: of all its fields but `seq`, which is the leaf's position."""
        signature = self.signature.hex() if self.signature is not None else None
        fields = {"kind": self.kind, "recorded": self.recorded, "sha256": self.digest}
        signed = {"keyid": self.keyid, "signature": signature} if self.keyid is not None or signature else {}
        return leaf_hash(canonical_bytes({**fields, **signed}))


class VersionName(NamedTuple):
    """A version as the index names it: its bytes were not read."""

    seq: int
    model: str
    version: int
    digest: str
    """The SHA-256 of its record, hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """One model of the catalog."""

    name: str
    versions: int
    latest_version: int
    latest_time: datetime
    """When its latest version was committed, in UTC."""
