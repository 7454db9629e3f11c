"""Import: the versions brought over from another registry, what each lacks, and what was left out."""

from collections import Counter
from collections.abc import Iterator

from lineage_pipelines.queries.registry.import_summary import ImportedAlias, ImportedModel, ImportSummary
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Table

_SHOWN = 5


def import_document(answer: ImportSummary) -> Document:
    """Describe an import: a line a model, then what is missing, what differs and what was odd."""
    return Document([*_blocks(answer)])


def _blocks(answer: ImportSummary) -> Iterator[Block]:
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


def _missing(answer: ImportSummary) -> Iterator[Block]:
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
        numbers = ", ".join(f"{theirs} is {ours}" for theirs, ours in model.renumbered[:_SHOWN])
        more = f" and {len(model.renumbered) - _SHOWN:,} more" if len(model.renumbered) > _SHOWN else ""
        rows.append(("numbers", f"MLflow's version {numbers}{more}"))
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


def import_json(answer: ImportSummary) -> dict[str, Json]:
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
