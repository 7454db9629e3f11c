"""Purge: removal of the bytes of a stored file that records name; a tombstone in the log says who did it and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import RECORD
from lineage_pipelines.catalog.log.reader import check_prefix
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.referenced_files import ReferencedFiles
from lineage_pipelines.queries.registry.free_text import check_reason
from lineage_pipelines.queries.tombstones import LoggedTombstone, list_tombstones
from lineage_pipelines.queries.verify.blob_check import expected_files
from lineage_pipelines.records.decisions.tombstone import Tombstone
from lineage_pipelines.records.statement.lineage_record import decode
from lineage_pipelines.records.values.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBlob:
    """A file of the artifact store, and what names it."""

    digest: Digest
    what: str
    places: Sequence[int]
    """The entries that name it."""
    refs: Sequence[str]
    """The versions that name it, as a person writes them."""
    record: Digest
    """The first record that names it."""
    live: tuple[str, ...]
    """The versions that an alias names now, if it is their model file."""
    stored: bool
    tombstone: LoggedTombstone | None
    """Its tombstone, where nothing has named it since."""


def find_blob(
    catalog: Catalog, store: ArtifactStore, prefix: str, progress: Callable[[str, int], None] = lambda *_: None
) -> StoredBlob:
    """Return the stored file whose SHA-256 begins with `prefix`, 6 hex characters or more.

    Args:
        catalog: the catalog, whose records are all read: an index does not say what names a blob.
        store: the artifact store.
        prefix: the beginning of the digest.
        progress: called with what is counted and how many were read.

    Raises:
        NotFoundError: no record names such a file, or more than one begins with it.
        CatalogError: the catalog cannot be read.
        RecordError: a record cannot be read.
    """
    wanted, files, digests = check_prefix(prefix), ReferencedFiles(), dict[int, str]()
    for done, entry in enumerate(catalog.log.walk(RECORD), start=1):
        files.add(entry.seq, decode(entry.body))
        digests[entry.seq] = entry.digest
        progress("records", done)
    named = {hex_: found for hex_, found in expected_files(files, store).items() if hex_.startswith(wanted)}
    if len(named) != 1:
        what = "no record names a stored file that begins with" if not named else "several stored files begin with"
        fix = "lineage show REF --format json lists the digests; data is not here, but in DVC" if not named else ""
        shown = ", ".join(f"{hex_[:16]} ({what})" for hex_, (what, _) in named.items())
        raise NotFoundError(f"{what} {wanted}", where=catalog.url, fix=fix or f"say which: {shown}")
    ((hex_, (what, users)),) = named.items()
    digest, indexed = Digest("sha256", hex_), catalog.index.versions()
    logged = list_tombstones(catalog).get(hex_)
    return StoredBlob(
        digest=digest,
        what=what,
        places=users,
        refs=tuple("{}@{}".format(*indexed[seq]) for seq in users if seq in indexed),
        record=Digest("sha256", digests[users[0]]),
        live=tuple(catalog.registry.live_with(digest)),
        stored=digest in store,
        tombstone=logged if logged is not None and logged.covers(users) else None,
    )


def draft_tombstone(blob: StoredBlob, *, by: str, reason: str) -> Tombstone:
    """Return the tombstone of a file that is about to be removed.

    Raises:
        RecordError: the reason is empty, too long, or seems to contain a secret.
    """
    return Tombstone(
        blob=blob.digest,
        what=blob.what,
        record=blob.record,
        users=len(blob.places),
        stored=blob.stored,
        live=blob.live,
        by=by,
        reason=check_reason(reason),
    )
