"""Import summary: the models and aliases that an import from another registry brought, and what each lacks."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

_MANY = re.compile(r"(data|parameters|evaluation\.metrics|stages)\..*")
"""Facts that a version has many of are counted together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAlias:
    """An alias of the other system, and what became of it."""

    alias: str
    version: int | None
    """The version here that it names there; None when it was not imported."""
    done: bool
    """Whether the catalog's alias names it now."""
    detail: str


@dataclass(slots=True, kw_only=True)
class ImportedModel:
    """One registered model."""

    theirs: str
    """Its name in the other system."""
    name: str
    """Its name here."""
    imported: int = 0
    known: int = 0
    """Versions that an earlier import brought."""
    ours: int = 0
    """Versions that the catalog's own mirror wrote."""
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Versions there that were left out, and why."""
    missing: Counter[str] = field(default_factory=Counter)
    """How many of the imported versions lack a fact, by its path."""
    renumbered: list[tuple[str, int]] = field(default_factory=list)
    """Numbers there and here, where they differ."""
    aliases: list[ImportedAlias] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lacks(self, lines: Sequence[str]) -> None:
        """Count what a version lacks, by the lines of its completeness."""
        paths = (line.partition(":")[0] for line in lines)
        self.missing.update({_MANY.sub(r"\1", path) for path in paths})

    @property
    def unread(self) -> int:
        """How many versions came without their files."""
        return self.missing["artifact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """A whole import."""

    server: str
    dry_run: bool
    copied: bool
    """Whether model files were to be copied."""
    models: Sequence[ImportedModel]

    @property
    def is_clean(self) -> bool:
        """Whether nothing was left out, and all files were read that were to be."""
        odd = (model.skipped or not all(alias.done for alias in model.aliases) for model in self.models)
        return not any(odd) and not (self.copied and any(model.unread for model in self.models))
