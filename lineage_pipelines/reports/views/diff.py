"""Why two versions are different, as a document: what is the same is one line, what differs is shown."""

from collections.abc import Iterator, Sequence

from lineage_pipelines.queries.diff.changes import Sentence, VersionDiff, VersionSide
from lineage_pipelines.reports.diff_formatting import brief
from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Ranked, Table
from lineage_pipelines.reports.formatting import moment, short
from lineage_pipelines.reports.views.diff_evaluation import not_alike
from lineage_pipelines.reports.views.diff_layers import (
    Part,
    code_part,
    data_part,
    decisions_part,
    environment_part,
    evaluation_part,
    other_part,
    parameters_part,
    preparation_part,
)

_MOST_SENTENCES = 10
_LONGEST_SENTENCE = 600
_HAS_IDENTITY = ("Data", "Preparation", "Code", "Environment", "Parameters", "Evaluation")
"""Parts that are said to be identical; the others are left out when they are empty."""


def diff_document(diff: VersionDiff, *, full: bool = False, sentences_last: bool = False) -> Document:
    """Say why two versions are different.

    Args:
        diff: the comparison.
        full: whether to unfold what is identical, and to show patches and long tables whole.
        sentences_last: whether the ranked sentences end the document, where a terminal's reader is left; otherwise
            they begin it.
    """
    sentences = list(_sentences(diff.sentences, full=full))
    parts = list(_parts(diff, full=full))
    body = [block for part in parts for block in _shown(part, full=full)]
    folded = list(_folded(parts, full=full))
    first, last = ([], sentences) if sentences_last else (sentences, [])
    return Document([*_head(diff), *first, *_sides(diff), *body, *folded, *last])


def _head(diff: VersionDiff) -> Iterator[Block]:
    yield Heading(f"Why is {brief(diff.second.ref)} different from {brief(diff.first.ref)}?", 1)
    for sentence in not_alike(diff.evaluation):
        yield Paragraph(sentence, "warn")
    if diff.first.model != diff.second.model:
        yield Paragraph(f"These are two models: {brief(diff.first.model)} and {brief(diff.second.model)}.", "warn")
    if diff.first.digest == diff.second.digest:
        yield Paragraph("It is not: both are the same version.")


def _sides(diff: VersionDiff) -> Iterator[Block]:
    yield Heading("The two versions")
    yield Table(
        ["", "version", "record", "committed", "named by"], [_side("before", diff.first), _side("now", diff.second)]
    )
    before, now = _unknown(diff.first), _unknown(diff.second)
    if before and before == now:
        yield Paragraph(f"  not known of either, so that it is not compared: {before}", "warn")
    else:
        told = (("before", before), ("now", now))
        yield from (Paragraph(f"  not known of the one {word}: {facts}", "warn") for word, facts in told if facts)


def _unknown(side: VersionSide) -> str:
    """Return the facts that a version lacks, shortly."""
    paths = dict.fromkeys(line.partition(":")[0] for line in side.missing)
    return brief(", ".join(paths), _LONGEST_SENTENCE)


def _side(word: str, side: VersionSide) -> list[str]:
    names = ", ".join(brief(alias, 60) for alias in side.aliases) or "–"
    return [word, brief(side.ref), short(side.digest.hex), moment(side.recorded), names]


def _sentences(sentences: Sequence[Sentence], *, full: bool) -> Iterator[Block]:
    yield Heading("What differs, the most likely explanation first")
    shown = sentences if full else sentences[:_MOST_SENTENCES]
    yield Ranked([(brief(sentence.text, _LONGEST_SENTENCE), sentence.layer) for sentence in shown])
    if len(shown) < len(sentences):
        yield Paragraph(f"  … and {len(sentences) - len(shown):,} that explain less (--full)", "dim")


def _parts(diff: VersionDiff, *, full: bool) -> Iterator[Part]:
    yield data_part(diff, full=full)
    yield preparation_part(diff, full=full)
    yield code_part(diff, full=full)
    yield environment_part(diff, full=full)
    yield parameters_part(diff, full=full)
    yield evaluation_part(diff, full=full)
    yield other_part(diff)
    yield decisions_part(diff, full=full)


def _shown(part: Part, *, full: bool) -> Iterator[Block]:
    """A part in which something differs."""
    if not part.differs:
        return
    yield Heading(part.title)
    yield from part.differs
    if full and part.unfolded:
        yield from part.unfolded
    elif part.same:
        yield Paragraph(f"\n  the same: {part.same}", "dim")


def _folded(parts: Sequence[Part], *, full: bool) -> Iterator[Block]:
    """The parts that are identical, a line each."""
    same = [part for part in parts if not part.differs and part.title in _HAS_IDENTITY]
    if not same:
        return
    yield Heading("Identical")
    yield Pairs([(part.title.lower(), _identical(part)) for part in same])
    if full:
        for part in same:
            yield from [Heading(f"{part.title}, the same in both", 3), *part.unfolded] if part.unfolded else []


def _identical(part: Part) -> str:
    if part.title == "Data":
        return part.same or "none recorded"
    return f"identical, {part.same}" if part.same else "identical"
