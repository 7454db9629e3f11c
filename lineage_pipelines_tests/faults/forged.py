"""A catalog whose log is an honest one up to a place, and from there on, in a fork of the process, a forged one."""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.index.catalog_index import CatalogIndex
from lineage_pipelines.catalog.log.catalog_log import CatalogLog
from lineage_pipelines.catalog.log.entries import Entry, LogEntry
from lineage_pipelines.errors import CatalogError, NotFoundError
from lineage_pipelines.records.decisions.decision import decode_decision
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.codec import parse_time
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.faults.forging import Forger, Forgery, index_of


class ForgedCatalog(Catalog):
    """Gives the forger's log when it is walked; at each of some places the process forks for every change there.

    Args:
        url: the honest catalog's.
        forger: knows the honest log, and how to change it.
        places: where it is changed.
    """

    def __init__(self, url: str, forger: Forger, places: Collection[int]) -> None:
        super().__init__(url, read_only=True)
        self.log, self.index = ForgedLog(self), ForgedIndex(self)
        self._forger = forger
        self._places = places
        self._now = list(forger.log)
        self._index = index_of(forger.log)
        self._counts: Counter[str] = Counter()
        """How many versions of each model come before the place that was reached."""
        self._records = {entry.digest: entry for entry in forger.log if entry.kind == "record"}
        self._decoded: dict[str, LineageRecord] = {}
        self.forgery: Forgery | None = None
        """What this process has been given; None in the one that goes on with the honest log."""
        self.died: list[tuple[str, int]] = []
        """Changes whose process has not ended well."""

    def walk(self, kind: str | None) -> Iterator[LogEntry]:
        """Yield the log. Walked whole in the first process, it forks."""
        if kind is not None:
            yield from (entry for entry in self._now if entry.kind == kind)
            return
        for at, entry in enumerate(self._forger.log, start=1):
            if at in self._places and self.forgery is None and self._fork(at):
                yield from self._now[at - 1 :]
                return
            self._counts.update(self._index[at][:1] if at in self._index else ())
            yield entry

    def versions(self) -> Mapping[int, tuple[str, int]]:
        """Return the index, which changes with the log."""
        return self._index

    def by_digest(self, prefix: str) -> Entry:
        """Return a record of the log as it is now."""
        entry = self._records.get(prefix)
        if entry is None:
            raise NotFoundError("no such record")
        if Digest.of(entry.body).hex != entry.digest:
            raise CatalogError("the record was altered")
        found = self._entry(entry)
        known = self._decoded.get(entry.digest)
        if known is not None and known.model.name == found.model:
            found.__dict__["record"] = known  # as the property keeps it
        elif found.model:
            self._decoded[entry.digest] = found.record
        return found

    def decode_decided(self) -> None:
        """Decode the records that decisions are about once, before there are many processes."""
        for entry in self._now:
            if entry.kind == "decision":
                decision = decode_decision(entry.body)
                if decision.record is not None:
                    self.by_digest(decision.record.hex)

    def _fork(self, at: int) -> bool:
        """Make a process for every change; return whether this is one of them."""
        for forgery in self._forger.forgeries(at):
            child = os.fork()
            if not child:
                self._become(forgery)
                return True
            if os.waitpid(child, 0)[1]:
                self.died.append((forgery.what, at))
        return False

    def _become(self, forgery: Forgery) -> None:
        self.forgery = forgery
        # Only from there on: what a child touches of its parent's memory is copied.
        for entry in self._now[forgery.at - 1 :]:
            self._index.pop(entry.seq, None)
            self._records.pop(entry.digest, None)
        self._now[forgery.at - 1 :] = forgery.rest
        self._index.update(forgery.index(self._forger.log, self._counts))
        for entry in forgery.rest:
            if entry.kind == "record":
                self._records.setdefault(entry.digest, entry)  # the index has a digest once

    def _entry(self, entry: LogEntry) -> Entry:
        model, version = self._index.get(entry.seq, ("", 0))
        return Entry(
            seq=entry.seq,
            model=model,
            version=version,
            digest=Digest("sha256", entry.digest),
            body=entry.body,
            recorded=parse_time(entry.recorded),
        )


class ForgedLog(CatalogLog):
    """The log of a forged catalog, which can only be walked from its beginning to its end."""

    def __init__(self, catalog: ForgedCatalog) -> None:
        super().__init__(catalog.connection, None)
        self._catalog = catalog

    def walk(self, kind: str | None = None, *, after: int = 0, until: int | None = None) -> Iterator[LogEntry]:
        """Yield the entries."""
        assert after == 0, "verification does not walk over a part of the log"
        assert until is None
        return self._catalog.walk(kind)


class ForgedIndex(CatalogIndex):
    """The index of a forged catalog, of versions alone."""

    def __init__(self, catalog: ForgedCatalog) -> None:
        super().__init__(catalog.connection, catalog.log)
        self._catalog = catalog

    def decisions(self) -> None:
        """Return no index of decisions: what is changed here is the log."""

    def comparison(self, only: Collection[int] = ()) -> None:
        """Return no comparison of the other tables, either."""

    def versions(self) -> Mapping[int, tuple[str, int]]:
        """Return the index, which changes with the log."""
        return self._catalog.versions()
