"""Mirror comparison: the catalog beside MLflow: what is missing on either side, and which alias names something else.

The catalog is right: what MLflow lacks is sent again. What others made there is listed and left.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage_pipelines.bridges.mlflow import tags
from lineage_pipelines.bridges.mlflow.decision_sync import sync_alias, sync_decisions
from lineage_pipelines.bridges.mlflow.delivery_worker import deliver
from lineage_pipelines.bridges.mlflow.mirror import Mirror
from lineage_pipelines.bridges.mlflow.mlflow_limits import filter_value, valid_alias
from lineage_pipelines.bridges.mlflow.server import (
    LostServerError,
    RefusedError,
    public_address,
    read_pages,
    translated_errors,
)
from lineage_pipelines.errors import LineageError
from lineage_pipelines.queries.registry.alias_history import find_holder, list_decisions
from lineage_pipelines.records.values.finding import Finding, FindingKind, FindingStatus
from lineage_pipelines.records.values.model_name import scoped, split_scoped
from lineage_pipelines.settings import MLFLOW

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

    from lineage_pipelines.catalog.catalog import Catalog
    from lineage_pipelines.catalog.log.entries import Entry

_AT_ONCE = 1000
"""Versions that are asked for in one request."""


def compare(
    catalog: "Catalog", mirror: Mirror, *, dry_run: bool, progress: Callable[[str, int], None] = lambda *_: None
) -> Iterator[Finding]:
    """Send MLflow the pending entries, then compare the versions and aliases of every model, and correct what is ours.

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
        yield Finding(
            kind=FindingKind.MLFLOW_NOT_COMPARED, subject=error.where, status=FindingStatus.NOT_SENT, detail=error.what
        )


def _owed(
    catalog: "Catalog", mirror: Mirror, *, dry_run: bool, progress: Callable[[str, int], None]
) -> Iterator[Finding]:
    kind = FindingKind.OWED_TO_MLFLOW
    if dry_run:
        for entry in catalog.outbox.pending(MLFLOW):
            yield Finding(kind=kind, subject=f"entry {entry.seq}", status=FindingStatus.TO_BE_SENT, detail=entry.kind)
        return
    found = deliver(catalog, mirror, progress=progress)
    for seq, why in found.refused:
        yield Finding(kind=kind, subject=f"entry {seq}", status=FindingStatus.REFUSED, detail=why)
    if found.lost:
        raise LostServerError(found.lost, where=public_address(mirror.address))
    if found.sent:
        yield Finding(kind=kind, subject=f"{found.sent:,} more", status=FindingStatus.SENT, detail="")


@dataclass(frozen=True, slots=True)
class _Model:
    """One model on both sides."""

    catalog: "Catalog"
    mirror: Mirror
    name: str
    dry_run: bool

    def compare(self) -> Iterator[Finding]:
        theirs = self._registered(self.name)
        ours = self.catalog.index.version_numbers(self.name)
        registered = {each.tags.get(tags.RECORD, "") for each in theirs}
        imported: set[tuple[str, str]] = set()
        missing = sorted(number for digest, number in ours.items() if f"sha256:{digest}" not in registered)
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
        ask, client = f"name = {filter_value(name)}", self.mirror.client
        pages = read_pages(
            self.mirror.address,
            lambda token: client.search_model_versions(ask, max_results=_AT_ONCE, page_token=token),
        )
        return [version for page in pages for version in page]

    def _imported(self, entry: "Entry") -> Iterator[Finding]:
        if self.mirror.find(entry) is None:
            detail = "it was imported from there; the catalog keeps it"
            yield Finding(
                kind=FindingKind.VERSION_GONE_FROM_MLFLOW, subject=entry.ref, status=FindingStatus.LEFT, detail=detail
            )

    def _missing(self, entry: "Entry") -> Finding:
        status, detail = FindingStatus.TO_BE_MIRRORED, f"record {entry.digest.hex[:12]}"
        if not self.dry_run:
            try:
                version = self.mirror.write(entry)
                sync_decisions(self.mirror, self.catalog, entry)
                status, detail = FindingStatus.MIRRORED, f"as version {version.version}"
            except LostServerError:
                raise
            except LineageError as error:
                status, detail = FindingStatus.REFUSED, error.what
        return Finding(kind=FindingKind.VERSION_NOT_IN_MLFLOW, subject=entry.ref, status=status, detail=detail)

    def _strangers(
        self, theirs: "Sequence[ModelVersion]", ours: Mapping[str, int], imported: set[tuple[str, str]]
    ) -> Iterator[Finding]:
        seen: set[str] = set()
        for each in sorted(theirs, key=lambda version: int(version.version)):
            record, claimed = each.tags.get(tags.RECORD), each.tags.get(tags.VERSION)
            subject = f"{each.name} version {each.version} in MLflow"
            if record is None:
                if (each.name, str(each.version)) not in imported:
                    detail = f"lineage import mlflow --model {each.name}"
                    yield Finding(
                        kind=FindingKind.VERSION_WITHOUT_LINEAGE,
                        subject=subject,
                        status=FindingStatus.LEFT,
                        detail=detail,
                    )
                continue
            number = ours.get(record.partition(":")[2])
            if number is None or record in seen or claimed != str(number):
                detail = f"it claims to be {claimed or 'a version'} with the record {record[:19]}"
                yield Finding(
                    kind=FindingKind.VERSION_WITHOUT_RECORD, subject=subject, status=FindingStatus.ALARM, detail=detail
                )
            seen.add(record)

    # Aliases

    def _aliases(self) -> Iterator[Finding]:
        decided = {each.decision.alias for each in list_decisions(self.catalog, self.name) if each.decision.moves_alias}
        theirs = self._their_aliases()  # those that nothing was decided about are of others, for something of theirs
        for alias in sorted(decided):
            name, identity = split_scoped(alias)
            holder = find_holder(self.catalog, self.name, name, identity=identity)
            found = self.mirror.find(holder) if holder is not None else None
            if found is not None and found.name != self.name:
                continue  # imported from a model of another name: its aliases stand there
            expected, now = str(found.version) if found is not None else None, theirs.get(valid_alias(alias))
            if now != expected and (holder is None or found is not None):
                yield self._differs(alias, now, expected)

    def _their_aliases(self) -> Mapping[str, str]:
        try:
            with translated_errors(self.mirror.address):
                found = self.mirror.client.get_registered_model(self.name).aliases
        except RefusedError:  # there is no such model
            return {}
        return {alias: str(version) for alias, version in found.items()}

    def _differs(self, alias: str, theirs: str | None, expected: str | None) -> Finding:
        status = FindingStatus.TO_BE_MOVED
        if not self.dry_run:
            sync_alias(self.mirror, self.catalog, self.name, alias)
            status = FindingStatus.MOVED
        now, then = (f"version {number}" if number else "no version" for number in (theirs, expected))
        detail = f"it named {now} in MLflow, and {then} by the decisions in the catalog"
        name, identity = split_scoped(alias)
        subject = f"{scoped(self.name, identity)}@{name}"
        return Finding(kind=FindingKind.ALIAS_DIFFERS, subject=subject, status=status, detail=detail)
