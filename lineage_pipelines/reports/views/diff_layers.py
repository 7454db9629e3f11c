"""Diff layers: the parts of a comparison, each with what is the same in few words and what differs in blocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lineage_pipelines.queries.diff.changes import (
    CodeChange,
    EnvironmentChange,
    FileChange,
    Kind,
    PackageChange,
    ParameterChange,
    StageChange,
)
from lineage_pipelines.queries.diff.version_diff import VersionDiff
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.document import Block, Listing, Pairs, Paragraph, Table
from lineage_pipelines.reports.formatting import (
    arrow,
    digest_pair,
    facts_table,
    first_rows,
    shorten,
    utc_time,
    value_pair,
    value_text,
)
from lineage_pipelines.reports.views.diff_data import dataset_blocks, identical_words, overlap_block
from lineage_pipelines.reports.views.diff_evaluation import measured_blocks

_KIND_MARKS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~", Kind.IDENTICAL: "="}
_MAX_LINES = 12
_MAX_FILES = 10
_MAX_ROWS = 20
_MAX_COMMITS = 12
_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the answer."""

    title: str
    same: str
    """What is the same, in few words; empty where nothing is."""
    differs: Sequence[Block]
    unfolded: Sequence[Block] = ()
    """What is the same, whole."""


def data_part(diff: VersionDiff, *, full: bool) -> Part:
    """Data: a heading and a few tables for each dataset that differs."""
    same = [change for change in diff.data if change.kind is Kind.IDENTICAL and change.role[0] == change.role[1]]
    differs = [block for change in diff.data if change not in same for block in dataset_blocks(change, full=full)]
    differs += [overlap_block(change) for change in diff.overlaps]
    unfolded = [block for change in same for block in dataset_blocks(change, full=True)]
    return Part("Data", ", ".join(identical_words(change) for change in same), differs, unfolded)


def preparation_part(diff: VersionDiff, *, full: bool) -> Part:
    """Preparation: where a change begins, first."""
    same = [change for change in diff.stages if change.kind is Kind.IDENTICAL]
    moved = sorted((change for change in diff.stages if change.kind is not Kind.IDENTICAL), key=lambda s: not s.origin)
    rows, rest = first_rows([row for s in moved for row in _stage(s)], _ALL if full else _MAX_ROWS, "differences")
    table = [Table(["step", "what", "before", "now"], rows), *rest] if rows else []
    names = [Listing("Steps that are the same", [shorten(change.name) for change in same])] if same else []
    return Part("Preparation", _same(len(same), "step"), table, names)


def _stage(change: StageChange) -> Iterator[list[str]]:
    name = shorten(change.name, 60) + (" (it begins here)" if change.origin else "")
    if change.kind is not Kind.CHANGED or change.command[0] != change.command[1]:
        yield [name, "command", *("–" if command is None else shorten(command) for command in change.command)]
    for param, values in change.params.items():
        yield [name, shorten(param), *value_pair(values)]
    for words, paths in (("code", change.code), ("input", change.inputs), ("output", change.outputs)):
        for path in paths:
            yield [name, f"{words} {shorten(path)}", *_presence(path)]


def _presence(path: str) -> tuple[str, str]:
    """`+ path`, `- path` or `~ path` as two cells."""
    return {"+": ("–", "there"), "-": ("there", "–")}.get(path[:1], ("there", "other content"))


def code_part(diff: VersionDiff, *, full: bool) -> Part:
    """Code: the commits between, and the files that the training function reaches."""
    code = diff.code
    files = [Listing("Source files that are the same", [shorten(path, 200) for path in code.same])] if code.same else []
    return Part("Code", _same(code.unchanged, "source file"), [*_code(code, full=full)], files)


def _code(code: CodeChange, *, full: bool) -> Iterator[Block]:
    if code.identical and code.revision[0] == code.revision[1] and code.dirty[0] == code.dirty[1]:
        return
    states = [
        f"{found}{' with uncommitted changes' if dirty else ''}"
        for found, dirty in zip(digest_pair(code.revision), code.dirty, strict=True)
    ]
    yield Pairs([("revision", states[0] if states[0] == states[1] else arrow(*states))])
    yield from _commits(code, full=full)
    if code.identical:
        yield Paragraph("  No source file that the training function reaches differs.", "dim")
    for file in code.files[: _ALL if full else _MAX_FILES]:
        yield _file(file, full=full)
    if code.weaker:
        yield Paragraph(f"  {shorten(code.weaker, 400)}", "warn")
    if not full and len(code.files) > _MAX_FILES:
        yield Paragraph(f"  … and {count(len(code.files) - _MAX_FILES, 'more file')} (--full)", "dim")


def _commits(code: CodeChange, *, full: bool) -> Iterator[Block]:
    shown = code.commits[: _ALL if full else _MAX_COMMITS]
    rest = max(code.commit_count, len(code.commits)) - len(shown)
    if shown or rest:
        more = f"… and {count(rest, 'earlier commit')}" if rest else ""
        yield Listing("Commits between, newest first", [shorten(commit, 160) for commit in shown], more=more)


def _file(file: FileChange, *, full: bool) -> Listing:
    added, removed = file.lines
    moved = f" (+{added:,} −{removed:,})" if added or removed else ""  # noqa: RUF001  # a minus sign
    layout = ", comments or layout alone" if file.only_layout else ""
    title = f"{_KIND_MARKS[file.kind]} {shorten(file.path, 200)}{moved}{layout}"
    lines = [line.removesuffix("\r").expandtabs(4) for line in file.patch.split("\n")]
    if lines[-1] == "":
        lines.pop()
    body = lines if full else [line for line in lines if not line.startswith(("--- ", "+++ "))]
    shown = body if full else body[: 0 if file.only_layout else _MAX_LINES]
    if not lines and not file.only_layout:
        return Listing(title, (), more="" if file.kind is not Kind.CHANGED else "its lines are not kept")
    more = f"… and {count(len(body) - len(shown), 'more line')} (--full)" if len(body) > len(shown) else ""
    return Listing(title, shown if full else [line[:400] for line in shown], patch=True, more=more)


def environment_part(diff: VersionDiff, *, full: bool) -> Part:
    """Environment: libraries, those that the training code imports first, and facts of the machine."""
    found = diff.environment
    libraries = [[shorten(name), shorten(version)] for name, version in found.same.items()]
    same = [Table(["library", "version"], libraries, title="Libraries that are the same")] if libraries else []
    return Part("Environment", _same(found.unchanged, "package"), [*_environment(found, full=full)], same)


def _environment(found: EnvironmentChange, *, full: bool) -> Iterator[Block]:
    if found.packages:
        moved = sorted(found.packages, key=lambda package: not package.imported)
        rows, rest = first_rows([_package(each) for each in moved], _ALL if full else _MAX_ROWS, "libraries")
        yield Table(["library", "before", "now", ""], rows)
        yield from rest
    if found.facts:
        yield facts_table(found.facts, "machine")
    if found.weaker:
        yield Paragraph(f"  {shorten(found.weaker, 400)}", "warn")


def _package(package: PackageChange) -> list[str]:
    versions = (shorten(version, 40) if version else "–" for version in (package.before, package.after))
    return [shorten(package.name, 60), *versions, "imported by the training" if package.imported else ""]


def parameters_part(diff: VersionDiff, *, full: bool) -> Part:
    """Parameters: effective values, and which of them are only defaults that moved."""
    values = [(shorten(name), value_text(value)) for name, value in diff.same_parameters.items()]
    same = [Pairs(values)] if values else []
    rows, rest = first_rows([_parameter(p) for p in diff.parameters], _ALL if full else _MAX_ROWS, "parameters")
    table = [Table(["parameter", "before", "now", ""], rows), *rest] if rows else []
    return Part("Parameters", _same(diff.unchanged_parameters, "parameter"), table, same)


def _parameter(change: ParameterChange) -> list[str]:
    before, after = value_pair((change.before, change.after))
    note = "not set explicitly: its default in the code changed" if change.default_moved else ""
    if change.kind is Kind.ADDED:
        return [shorten(change.name), "–", after, note or "new"]
    if change.kind is Kind.REMOVED:
        return [shorten(change.name), before, "–", note or "gone"]
    return [shorten(change.name), before, after, note]


def evaluation_part(diff: VersionDiff, *, full: bool) -> Part:
    """Evaluation: metrics, slices, checks."""
    found = diff.evaluation
    steady = sum(metric.before == metric.after for metric in found.metrics)
    words = [_same(steady, "metric"), _same(found.unchanged_checks, "check")]
    verdicts = [[shorten(name), "passed" if passed else "FAILED"] for name, passed in found.same_checks.items()]
    same = [Table(["check", "verdict"], verdicts, title="Checks with the same verdict")] if verdicts else []
    return Part("Evaluation", ", ".join(filter(None, words)), [*measured_blocks(found, full=full)], same)


def other_part(diff: VersionDiff) -> Part:
    """What else differs: seed, estimator, chosen candidate, the artifact."""
    facts = {name: digest_pair(pair) if name == "artifact" else pair for name, pair in diff.facts.items()}
    return Part("Otherwise", "", [facts_table(facts, "")] if facts else [])


def decisions_part(diff: VersionDiff, *, full: bool) -> Part:
    """Decisions and approvals between the two."""
    found = [[utc_time(each.at), f"{each.seq:,}", shorten(each.text, 400)] for each in diff.decisions]
    rows, rest = first_rows(found, _ALL if full else _MAX_ROWS, "decisions")
    table = [Table(["when", "entry", "what"], rows, frozenset({"entry"})), *rest] if rows else []
    return Part("Decisions between", "", table)


def _same(number: int, noun: str) -> str:
    return count(number, noun) if number else ""
