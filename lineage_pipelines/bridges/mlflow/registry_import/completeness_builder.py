"""Completeness builder: how each fact of an imported version is known, gathered while the record is put together."""

from dataclasses import dataclass, field

from lineage_pipelines.records.statement.lineage_record import Completeness

UNKNOWN = "unknown"
"""The value of a required text that is not known; a line of `missing` says why."""


@dataclass(slots=True)
class CompletenessBuilder:
    """Lines of a record's `completeness`, each `path: why`."""

    missing: list[str] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    inferred: list[str] = field(default_factory=list)

    def add_missing(self, path: str, why: str) -> None:
        """Say that a fact is not known."""
        self.missing.append(f"{path}: {why}")

    def add_declared(self, path: str, who: str) -> None:
        """Say that a fact is what a user logged in MLflow."""
        self.declared.append(f"{path}: {who}")

    def add_inferred(self, path: str, how: str) -> None:
        """Say that a fact was worked out here."""
        self.inferred.append(f"{path}: {how}")

    def build(self) -> Completeness:
        """Return the lines as a record keeps them."""
        return Completeness(missing=tuple(self.missing), declared=tuple(self.declared), inferred=tuple(self.inferred))
