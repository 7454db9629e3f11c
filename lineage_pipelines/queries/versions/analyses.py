"""Analyses of a version that the log holds: reproductions and attributions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import ATTRIBUTION, REPRODUCTION, LogEntry
from lineage_pipelines.records.values.codec import parse_time
from lineage_pipelines.records.values.digest import Digest

if TYPE_CHECKING:
    from lineage_pipelines.records.decisions.attribution import Attribution
    from lineage_pipelines.records.decisions.reproduction import Reproduction


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedReproduction:
    """A reproduction in the log."""

    seq: int
    at: datetime
    reproduction: "Reproduction"


def list_reproductions(catalog: Catalog, record: Digest | None = None) -> Sequence[LoggedReproduction]:
    """Return the reproductions in the log, oldest first.

    Args:
        catalog: the catalog.
        record: only those about this record.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is not a valid reproduction.
    """
    found = map(_logged_reproduction, catalog.log.walk(REPRODUCTION))
    return [each for each in found if record is None or each.reproduction.record == record]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedAttribution:
    """An attribution in the log."""

    seq: int
    at: datetime
    attribution: "Attribution"


def list_attributions(catalog: Catalog, record: Digest) -> Sequence[LoggedAttribution]:
    """Return the attributions of changes from or to a version, oldest first.

    Args:
        catalog: the catalog.
        record: the version's record.

    Raises:
        CatalogError: the catalog cannot be read.
        RecordError: an entry is not a valid attribution.
    """
    found = map(_logged_attribution, catalog.log.walk(ATTRIBUTION))
    return [each for each in found if record in (each.attribution.old.record, each.attribution.new.record)]


# Imported for the first entry: most catalogs have none, and `lineage show` asks for both.


def _logged_reproduction(entry: LogEntry) -> LoggedReproduction:
    from lineage_pipelines.records.decisions.reproduction import decode_reproduction

    return LoggedReproduction(
        seq=entry.seq, at=parse_time(entry.recorded), reproduction=decode_reproduction(entry.body)
    )


def _logged_attribution(entry: LogEntry) -> LoggedAttribution:
    from lineage_pipelines.records.decisions.attribution import decode_attribution

    return LoggedAttribution(seq=entry.seq, at=parse_time(entry.recorded), attribution=decode_attribution(entry.body))
