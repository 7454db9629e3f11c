"""Impact: the versions that used something."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lineage_pipelines.queries.graph.impact import ranges
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.document import Block, Document, Heading, Paragraph, Table
from lineage_pipelines.reports.formatting import first_rows, short_digest, shorten

if TYPE_CHECKING:
    from lineage_pipelines.queries.graph.impact import How, Impact, ImpactedVersion

_MAX_ROWS = 15


def impact_document(impact: "Impact", *, full: bool = False) -> Document:
    """List the versions that used something, those that are live first, with the content that went into each.

    Args:
        impact: the answer.
        full: whether each version has a line of its own, and every input is named.
    """
    subject, live = shorten(impact.subject.text), [each for each in impact.versions if each.aliases]
    only = f" that {impact.alias} names" if impact.alias else ""
    named = f", {len(live)} of them live" if impact.versions else ""
    found = count(len(impact.versions), "version") if impact.versions else "no version"
    blocks: list[Block] = [Heading(f"{subject}: {found}{only} used it{named}", 1)]
    blocks += [Paragraph(f"  not known whole: {gap}", "warn") for gap in impact.subject.weaker]
    if impact.versions:
        blocks += _table(impact, full=full)
    blocks += _producers(impact)
    if any(each.how and each.how.roles and each.how.is_data for each in impact.versions):
        blocks += _advice([each.ref for each in live], subject)
        if not impact.compared:
            blocks.append(Paragraph("  Before that, compare the whole index with the log: lineage verify --quick"))
    return Document(blocks)


def _table(impact: "Impact", *, full: bool) -> Iterator[Block]:
    groups: dict[tuple[str, ...], list[ImpactedVersion]] = defaultdict(list)
    for each in impact.versions:
        content = ", ".join(short_digest(digest) for digest in each.how.content) if each.how else ""
        how = how_words(each.how, impact.subject.text, full=full)
        alone = str(each.version) if full else ""
        groups[each.model, ", ".join(each.aliases) or "–", content or "–", how, alone].append(each)
    rows = [
        [f"{model}@{ranges([each.version for each in members])}", named, content, how]
        for (model, named, content, how, _), members in groups.items()
    ]
    shown, rest = first_rows(rows, len(rows) if full else _MAX_ROWS, "lines")
    yield Table(["version", "named by", "content", "how"], shown)
    yield from rest


def _producers(impact: "Impact") -> Iterator[Block]:
    """Say which step made it, if one did, and what to ask for what that read."""
    makers: Mapping[str, Sequence[str]] = {}
    for each in impact.versions:
        if each.how and each.how.maker:
            makers = {**makers, each.how.maker: each.how.maker_read}
    for maker, read in makers.items():
        asked = "; ".join(f"lineage impact {path}" for path in read[:2])
        yield Paragraph(f"\n  The step {maker} made it" + (f"; for what went into it: {asked}" if asked else "."))


def _advice(live: Sequence[str], subject: str) -> Iterator[Block]:
    if live:
        names = ", ".join(live)
        yield Paragraph(f"\n  If {subject} has to be erased: first retrain {names} without it, or retire the alias.")
        yield Paragraph("  Then delete the model files of the others.")
    else:
        yield Paragraph(
            f"\n  If {subject} has to be erased: nothing is live; delete the model files of these versions."
        )


def how_words(how: "How | None", subject: str, *, full: bool) -> str:
    """Say in which way a version used something, and what that was where it is not the subject itself."""
    if how is None:
        return "–"
    what = "" if how.what == subject else f"{how.what}: "
    through = f" through {', '.join(how.stages)}" if how.stages else ""
    if how.beside:
        return f"{what}made beside what was used,{through or ' by no recorded step'}; not read itself"
    many = not full and len(how.roles) > 1
    roles = count(len(how.roles), "input") if many else ", ".join(how.roles)
    into = f" into {roles}" if how.roles and how.stages else ""
    verb = "may have been read" if how.doubtful else "read" if how.roles else "used"
    return f"{what}{verb}{through}{into}" + ("" if through or into else " by the training itself")


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
        "content": list(how.content),
        "inputs": list(how.roles),
        "stages": list(how.stages),
        "maker": how.maker or None,
        "beside": how.beside,
        "doubtful": how.doubtful,
    }
