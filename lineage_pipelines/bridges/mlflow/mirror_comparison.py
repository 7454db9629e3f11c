"""Mirror comparison: the catalog beside MLflow: what is missing on either side, and which alias names something else.

The catalog is right: what MLflow lacks is told again. What others made there is theirs, and is listed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage_pipelines.bridges.mlflow import tags
from lineage_pipelines.bridges.mlflow.decision_sync import sync_alias, sync_decisions
from lineage_pipelines.bridges.mlflow.delivery_worker import deliver
from lineage_pipelines.bridges.mlflow.mirror import Mirror
from lineage_pipelines.bridges.mlflow.mlflow_limits import filter_value
from lineage_pipelines.bridges.mlflow.server import LostServerError, RefusedError, public_address, translated_errors
from lineage_pipelines.errors import LineageError
from lineage_pipelines.queries.registry.alias_history import find_holder, list_decisions
from lineage_pipelines.settings import MLFLOW

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.catalog.log.entries import Entry

ALARM = "ALARM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One thing that MLflow and the catalog do not agree about."""

    what: str
    """`owed to MLflow`, `version not in MLflow`, `version gone from MLflow`, `version without record`,
    `version without lineage`, `alias differs` or `MLflow not compared`."""
    subject: str
    done: str
    """What was done about it, or would be; `left`, `refused`, `not told` or `ALARM`."""
    detail: str


def compare(
    catalog: "Catalog", mirror: Mirror, *, dry_run: bool, progress: Callable[[str, int], None] = lambda *_: None
) -> Iterator[Drift]:
    """Tell MLflow what it is owed, then compare every model's versions and aliases, and put right what is ours.

    Versions and aliases that others made in MLflow are listed, and left.

    Args:
        catalog: open for writing unless `dry_run`.
        mirror: MLflow.
        dry_run: whether nothing is changed.
        progress: called with what is done and how much of it so far.
    """
    try:
        yield from _owed(catalog, mirror, dry_run=dry_run, progress=progress)
        for number, model in enumerate(catalog.models(), 1):
            yield from _Model(catalog, mirror, model.name, dry_run=dry_run).compare()
            progress("models compared with MLflow", number)
    except LostServerError as error:
        yield Drift(what="MLflow not compared", subject=error.where, done="not told", detail=error.what)


def _owed(
    catalog: "Catalog", mirror: Mirror, *, dry_run: bool, progress: Callable[[str, int], None]
) -> Iterator[Drift]:
    what = "owed to MLflow"
    if dry_run:
        for entry in catalog.outbox.pending(MLFLOW):
            yield Drift(what=what, subject=f"entry {entry.seq}", done="to be told", detail=entry.kind)
        return
    found = deliver(catalog, mirror, progress=progress)
    for seq, why in found.refused:
        yield Drift(what=what, subject=f"entry {seq}", done="refused", detail=why)
    if found.lost:
        raise LostServerError(found.lost, where=public_address(mirror.address))
    if found.told:
        yield Drift(what=what, subject=f"{found.told:,} more", done="told", detail="")


@dataclass(frozen=True, slots=True)
class _Model:
    """One model on both sides."""

    catalog: "Catalog"
    mirror: Mirror
    name: str
    dry_run: bool

    def compare(self) -> Iterator[Drift]:
        theirs = self._registered(self.name)
        ours = self.catalog.index.version_numbers(self.name)
        told = {each.tags.get(tags.RECORD, "") for each in theirs}
        imported: set[tuple[str, str]] = set()
        missing = sorted(number for digest, number in ours.items() if f"sha256:{digest}" not in told)
        owed = {entry.digest for entry in self.catalog.outbox.pending(MLFLOW)} if missing else set()
        for entry in (self.catalog.get(self.name, number) for number in missing):
            origin = entry.record.run.mlflow
            if origin is not None and origin.version is not None:
                imported.add((origin.model or self.name, origin.version))
                yield from self._imported(entry)
            elif entry.digest.hex not in owed:
                yield self._missing(entry)
        yield from self._strangers(theirs, ours, imported)
        yield from self._aliases()

    def _registered(self, name: str) -> "Sequence[ModelVersion]":
        found: list[ModelVersion] = []
        token = None
        with translated_errors(self.mirror.address):
            while True:
                page = self.mirror.client.search_model_versions(
                    f"name = {filter_value(name)}", max_results=1000, page_token=token
                )
                found += page
                token = page.token
                if not token:
                    return found

    def _imported(self, entry: "Entry") -> Iterator[Drift]:
        if self.mirror.find(entry) is None:
            detail = "it was imported from there; the catalog keeps it"
            yield Drift(what="version gone from MLflow", subject=entry.ref, done="left", detail=detail)

    def _missing(self, entry: "Entry") -> Drift:
        done, detail = "to be mirrored", f"record {entry.digest.hex[:12]}"
        if not self.dry_run:
            try:
                version = self.mirror.write(entry)
                sync_decisions(self.mirror, self.catalog, entry)
                done, detail = "mirrored", f"as version {version.version}"
            except LostServerError:
                raise
            except LineageError as error:
                done, detail = "refused", error.what
        return Drift(what="version not in MLflow", subject=entry.ref, done=done, detail=detail)

    def _strangers(
        self, theirs: "Sequence[ModelVersion]", ours: Mapping[str, int], imported: set[tuple[str, str]]
    ) -> Iterator[Drift]:
        seen: set[str] = set()
        for each in sorted(theirs, key=lambda version: int(version.version)):
            record, said = each.tags.get(tags.RECORD), each.tags.get(tags.VERSION)
            subject = f"{each.name} version {each.version} in MLflow"
            if record is None:
                if (each.name, str(each.version)) not in imported:
                    detail = f"lineage import mlflow --model {each.name}"
                    yield Drift(what="version without lineage", subject=subject, done="left", detail=detail)
                continue
            number = ours.get(record.partition(":")[2])
            if number is None or record in seen or said != str(number):
                detail = f"it claims to be {said or 'a version'} with the record {record[:19]}"
                yield Drift(what="version without record", subject=subject, done=ALARM, detail=detail)
            seen.add(record)

    # Aliases

    def _aliases(self) -> Iterator[Drift]:
        ours = {alias: version for _, alias, version in self.catalog.index.current_aliases([self.name])}
        theirs = self._their_aliases()
        for alias in sorted({*ours, *theirs}):
            holder = find_holder(self.catalog, self.name, alias)
            found = self.mirror.find(holder) if holder is not None else None
            if holder is None and not self._decided(alias):
                continue  # others use it, for something of theirs
            if found is not None and found.name != self.name:
                continue  # imported from a model of another name: its aliases stand there
            wanted = str(found.version) if found is not None else None
            if theirs.get(alias) != wanted and (holder is None or found is not None):
                yield self._differs(alias, theirs.get(alias), wanted)

    def _their_aliases(self) -> Mapping[str, str]:
        try:
            with translated_errors(self.mirror.address):
                found = self.mirror.client.get_registered_model(self.name).aliases
        except RefusedError:  # there is no such model
            return {}
        return {alias: str(version) for alias, version in found.items()}

    def _decided(self, alias: str) -> bool:
        return any(each.decision.moves_alias for each in list_decisions(self.catalog, self.name, alias))

    def _differs(self, alias: str, theirs: str | None, wanted: str | None) -> Drift:
        done = "to be moved"
        if not self.dry_run:
            sync_alias(self.mirror, self.catalog, self.name, alias)
            done = "moved"
        now, then = (f"version {number}" if number else "no version" for number in (theirs, wanted))
        detail = f"it named {now} in MLflow, and {then} by the decisions in the catalog"
        return Drift(what="alias differs", subject=f"{self.name}@{alias}", done=done, detail=detail)
