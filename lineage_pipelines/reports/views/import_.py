"""What an import came to: versions brought over, what is missing of them and how often, and what was odd."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Table
from lineage_pipelines.reports.formatting import count

_MANY = re.compile(r"(data|parameters|evaluation\.metrics|stages)\..*")
"""Facts that a version has many of are counted together."""
_SHOWN = 5


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
class ImportAnswer:
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


def import_document(answer: ImportAnswer) -> Document:
    """Describe an import: a line a model, then what is missing, what differs and what was odd."""
    return Document([*_blocks(answer)])


def _blocks(answer: ImportAnswer) -> Iterator[Block]:
    if not answer.models:
        yield Paragraph(f"{answer.server} has no registered model.")
        return
    verb = "to import" if answer.dry_run else "imported"
    if answer.dry_run:
        yield Paragraph("A dry run: nothing was written, and no model file was looked at.", "warn")
    head = ["MLflow's model", "here", verb, "already there", "our own", "skipped"]
    rows = [
        [each.theirs, each.name, *(f"{n:,}" for n in (each.imported, each.known, each.ours, len(each.skipped)))]
        for each in answer.models
    ]
    yield Table(head, rows, frozenset(head[2:]))
    yield from _missing(answer)
    for model in answer.models:
        yield from _oddities(model, dry_run=answer.dry_run)


def _missing(answer: ImportAnswer) -> Iterator[Block]:
    lacking: Counter[str] = Counter()
    for model in answer.models:
        lacking.update(model.missing)
    total = sum(model.imported for model in answer.models)
    if total:
        yield Heading("Missing in the new versions")
        rows = [[path, f"{times:,}", f"of {total:,}"] for path, times in sorted(lacking.items(), key=_most_first)]
        yield Table(["fact", "versions", ""], rows, frozenset({"versions"}))


def _most_first(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _oddities(model: ImportedModel, *, dry_run: bool) -> Iterator[Block]:
    rows = [*(("skipped", f"version {version}: {why}") for version, why in _few(model))]
    if model.theirs != model.name:
        rows.append(("name", f"{model.theirs!r} there"))
    if model.renumbered:
        told = ", ".join(f"{theirs} is {ours}" for theirs, ours in model.renumbered[:_SHOWN])
        more = f" and {len(model.renumbered) - _SHOWN:,} more" if len(model.renumbered) > _SHOWN else ""
        rows.append(("numbers", f"MLflow's version {told}{more}"))
    rows += [("alias", _alias(model.name, each, dry_run=dry_run)) for each in model.aliases]
    rows += [("note", note) for note in model.notes]
    if rows:
        yield Heading(model.name)
        yield Pairs(rows)


def _few(model: ImportedModel) -> Iterator[tuple[str, str]]:
    yield from model.skipped[:_SHOWN]
    if len(model.skipped) > _SHOWN:
        yield "…", f"and {count(len(model.skipped) - _SHOWN, 'version')} more"


def _alias(model: str, alias: ImportedAlias, *, dry_run: bool) -> str:
    target = f"{model}@{alias.version}" if alias.version is not None else "a version that is not here"
    verb = "left" if not alias.done else "would name" if dry_run and alias.detail else "names"
    words = f"{alias.alias} names {target} there" if verb == "left" else f"{alias.alias} {verb} {target}"
    return f"{words}: {alias.detail}" if alias.detail else words


def import_json(answer: ImportAnswer) -> dict[str, Json]:
    """Return an import as plain values."""
    return {
        "server": answer.server,
        "dry_run": answer.dry_run,
        "models": [_model_json(model) for model in answer.models],
    }


def _model_json(model: ImportedModel) -> dict[str, Json]:
    return {
        "theirs": model.theirs,
        "model": model.name,
        "imported": model.imported,
        "already_there": model.known,
        "our_own": model.ours,
        "skipped": [{"version": version, "reason": why} for version, why in model.skipped],
        "missing": dict(sorted(model.missing.items())),
        "renumbered": [{"theirs": theirs, "version": ours} for theirs, ours in model.renumbered],
        "aliases": [
            {"alias": each.alias, "version": each.version, "done": each.done, "detail": each.detail}
            for each in model.aliases
        ],
        "notes": list(model.notes),
    }
