"""Impact: the versions that used something."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.document import Block, Document, Heading, Paragraph, Table

if TYPE_CHECKING:
    from lineage_pipelines.queries.graph.impact import How, Impact


def impact_document(impact: "Impact") -> Document:
    """List the versions that used something, those that are live first."""
    live = [each for each in impact.versions if each.aliases]
    only = f" that {impact.alias} names" if impact.alias else ""
    named = f", {len(live)} of them live" if impact.versions else ""
    found = count(len(impact.versions), "version") if impact.versions else "no version"
    blocks: list[Block] = [Heading(f"{impact.subject.text}: {found}{only} used it{named}", 1)]
    blocks += [Paragraph(f"  not known whole: {gap}", "warn") for gap in impact.subject.weaker]
    if impact.versions:
        rows = [[each.ref, ", ".join(each.aliases) or "–", how_words(each.how)] for each in impact.versions]
        blocks.append(Table(["version", "named by", "how"], rows))
    if any(each.how and each.how.roles for each in impact.versions):
        blocks += _advice([each.ref for each in live], impact.subject.text)
    return Document(blocks)


def _advice(live: Sequence[str], subject: str) -> Iterator[Block]:
    if live:
        names = ", ".join(live)
        yield Paragraph(f"\n  If {subject} has to be erased: first retrain {names} without it, or retire the alias.")
        yield Paragraph("  Then delete the model files of the others.")
    else:
        yield Paragraph(
            f"\n  If {subject} has to be erased: nothing is live; delete the model files of these versions."
        )


def how_words(how: "How | None") -> str:
    """Say in which way a version used something."""
    if how is None:
        return "–"
    through = f" through {', '.join(how.stages)}" if how.stages else ""
    if how.beside:
        return f"{how.what}: made beside what was used,{through or ' by no recorded step'}; not read itself"
    into = f" into {', '.join(how.roles)}" if how.roles and how.stages else ""
    verb = "may have been read" if how.doubtful else "read" if how.roles else "used"
    return f"{how.what}: {verb}{through}{into}" + ("" if through or into else " by the training itself")


def impact_json(impact: "Impact") -> Json:
    """Return the versions that used something."""
    return {
        "subject": impact.subject.text,
        "kind": str(impact.subject.kind),
        "weaker": list(impact.subject.weaker),
        "versions": [
            {
                "model": each.model,
                "version": each.version,
                "record": each.record,
                "aliases": list(each.aliases),
                "how": _how_json(each.how) if each.how else None,
            }
            for each in impact.versions
        ],
    }


def _how_json(how: "How") -> Json:
    return {
        "what": how.what,
        "inputs": list(how.roles),
        "stages": list(how.stages),
        "beside": how.beside,
        "doubtful": how.doubtful,
    }
