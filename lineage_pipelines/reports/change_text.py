"""Change text: what a change says, in words of the trade. Programs read the change itself."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from lineage_pipelines.queries.diff.changes import EvaluationChange, FileChange, Kind, StageChange
from lineage_pipelines.queries.diff.explanation.change import Change, ChangeKind
from lineage_pipelines.queries.diff.explanation.data_layer import data_changes
from lineage_pipelines.queries.diff.explanation.record_layers import reported_metrics
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.phrase import count, some_of
from lineage_pipelines.reports.data_text import DATA_TEXTS, files_text
from lineage_pipelines.reports.formatting import amount, shorten

_DIGEST = re.compile(r"sha256:([0-9a-f]{8})[0-9a-f]{56}")
_MAX_TEXT = 400
_MAX_LINE = 60
_MAX_NAMES = 3


def change_text(change: Change) -> str:
    """Return a change as a sentence without a full stop, on one line, of at most 400 characters.

    Control characters of what was recorded are shown as escapes.
    """
    files = files_text(change) if change.delivery is not None else ""
    return shorten(_TEXTS[change.kind](change) + files + _delivery(change), _MAX_TEXT)


def _delivery(change: Change) -> str:
    found = change.delivery
    if found is None:
        return ""
    return f"; delivered by {shorten(found.author, 40)} in {found.revision[:8]}, {found.date:%Y-%m-%d}"


# Preparation


def _step_not_run(change: Change) -> str:
    return (
        f"the step {change.subject} was not run again after {some_of(change.names, most=_MAX_NAMES)} changed: "
        "what it gave out is of before"
    )


def _step_parameter(change: Change) -> str:
    name = change.names[0].rpartition(":")[2]
    return f"the step {change.subject} ran with {name} {_moved(change.before, change.after)}"


def _step_command(change: Change) -> str:
    before, after = (str(command or "").replace("\n", "; ") for command in (change.before, change.after))
    effect = "" if isinstance(change.part, StageChange) and change.part.outputs else "; it gave out the same"
    return f"the command of the step {change.subject}: {_moved(f'`{before}`', f'`{after}`')}{effect}"


def _step_code(change: Change) -> str:
    stage = change.part
    files = stage.sources if isinstance(stage, StageChange) else ()
    known = {file.path: file for file in files}
    paths = [(mark[0], mark[2:]) for mark in change.names]
    if all(mark == paths[0][0] != "~" for mark, _ in paths):
        verb = "no longer declares" if paths[0][0] == "-" else "declares as well"
        return f"the step {change.subject} {verb} {some_of([path for _, path in paths], most=5)}"
    words = {"+": " (new)", "-": " (gone)"}
    named = [f"{path}{words.get(mark, '')}" for mark, path in paths]
    lines = _line(known[paths[0][1]]) if len(paths) == 1 and paths[0][1] in known else ""
    effect = "" if isinstance(stage, StageChange) and stage.outputs else "; it gave out the same"
    if files and all(file.only_layout for file in files):
        return f"the code of the step {change.subject} differs in comments or layout alone: {some_of(named, most=5)}"
    return f"the code of the step {change.subject}: {some_of(named, most=5)}{lines or ' differs'}{effect}"


def _step_output(change: Change) -> str:
    text = f"the step {change.subject} gave out something else from the same inputs, parameters and declared code"
    if change.names:
        text += f"; changed in Git and declared by no step: {some_of(change.names, most=_MAX_NAMES)}"
    return text


# Code


def _source(change: Change) -> str:
    file = change.part
    if not isinstance(file, FileChange):
        return f"{change.subject} differs"
    if file.kind is Kind.ADDED:
        return f"{file.path} is reached by the training code now"
    if file.kind is Kind.REMOVED:
        return f"{file.path} is no longer reached by the training code"
    return f"{file.path}{_line(file) or _lines(file)}"


def _lines(file: FileChange) -> str:
    added, removed = file.lines
    lines = f" ({count(added, 'line')} added, {removed:,} removed)" if added or removed else ""
    return f" differs{lines}"


def _line(file: FileChange) -> str:
    """The line that changed, where it is one, or a few of which the first tells."""
    lines = file.patch.split("\n")
    pairs = [
        (one[1:].strip(), other[1:].strip())
        for one, other in pairwise(lines)
        if one.startswith("-") and not one.startswith("---") and other.startswith("+") and not other.startswith("+++")
    ]
    added, removed = file.lines
    if added + removed <= _MAX_NAMES and not (added and removed):
        return _on_one_side(lines)
    if not pairs or added > _MAX_NAMES or removed > _MAX_NAMES:
        return ""
    before, after = pairs[0]
    if len(before) > _MAX_LINE or len(after) > _MAX_LINE:
        before, after = _around(before, after)
    more = f" and {count(max(added, removed) - 1, 'more line')}" if max(added, removed) > 1 else ""
    return f": `{before}` → `{after}`{more}"


def _on_one_side(lines: Sequence[str]) -> str:
    """The lines that came, or went, where there are none on the other side."""
    found = [line for line in lines if line[:1] in ("+", "-") and not line.startswith(("+++", "---"))]
    room = 2 * _MAX_LINE // max(1, len(found))
    told = [f"`{shorten(line[1:].strip(), room)}`" for line in found if line[1:].strip()]
    if not told:
        return ""
    verb = ("is" if len(told) == 1 else "are") + (" new" if found[0].startswith("+") else " gone")
    return f": {' and '.join(told)} {verb}"


def _around(before: str, after: str) -> tuple[str, str]:
    """The part of two long lines in which they differ."""
    start = next((i for i, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
    begin = max(0, start - _MAX_LINE // 2)
    cut = [text[begin : begin + _MAX_LINE] for text in (before, after)]
    ends = [("…" if begin else "", "…" if begin + _MAX_LINE < len(text) else "") for text in (before, after)]
    return f"{ends[0][0]}{cut[0]}{ends[0][1]}", f"{ends[1][0]}{cut[1]}{ends[1][1]}"


def _other_files(change: Change) -> str:
    names = some_of(change.names, most=_MAX_NAMES)
    file = change.part
    line = _line(file) if len(change.names) == 1 and isinstance(file, FileChange) else ""
    verb = "changed" if len(change.names) == 1 else "changed as well"
    return f"{names}{line} {verb} between the two commits, and no recorded part declares {_it(change.names)}"


def _opened(change: Change) -> str:
    file = change.part
    what = (_line(file) or _lines(file)) if isinstance(file, FileChange) else " differs"
    return f"{change.subject}{what}; training was seen to open it, though nothing declares it"


def _it(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


# Parameters, environment, evaluation


def _moved(before: Json, after: Json) -> str:
    """Write a value before and after, so that a difference in type is seen."""
    shown = [amount(value) for value in (before, after)]
    if shown[0] == shown[1]:
        different = type(before) is not type(after)
        shown = [
            f"{value!r} ({type(value).__name__})" if different else _difference(value, other)
            for value, other in ((before, after), (after, before))
        ]
    return f"{shown[0]} → {shown[1]}"


def _difference(value: Json, other: Json) -> str:
    """Two texts that look alike when they are cut: from where they differ."""
    one, two = str(value), str(other)
    start = next(
        (i for i, pair in enumerate(zip(one, two, strict=False)) if pair[0] != pair[1]), min(len(one), len(two))
    )
    begin = max(0, start - _MAX_LINE // 2)
    return f"{'…' if begin else ''}{one[begin : begin + _MAX_LINE]}{'…' if len(one) > begin + _MAX_LINE else ''}"


def _parameter(change: Change) -> str:
    name = change.subject
    match change.kind:
        case ChangeKind.PARAMETER_ADDED:
            return f"the parameter {name} is new: {amount(change.after)}"
        case ChangeKind.PARAMETER_REMOVED:
            return f"the parameter {name} is gone; it was {amount(change.before)}"
        case ChangeKind.DEFAULT_CHANGED:
            return f"{name} {_moved(change.before, change.after)}: its default in the code changed, it is not set"
        case _:
            return f"{name} {_moved(change.before, change.after)}"


def _library(change: Change) -> str:
    if change.before is None:
        return f"{change.subject} {change.after} is installed now"
    if change.after is None:
        return f"{change.subject} {change.before} is no longer installed"
    return f"{change.subject} {change.before} → {change.after}"


def _other_libraries(change: Change) -> str:
    package = change.part
    unknown = getattr(package, "imported", False) is None
    which = "libraries" if unknown else "libraries that the training did not import"
    return f"{which} differ: {some_of(change.names, most=_MAX_NAMES)}"


def _machine(change: Change) -> str:
    kind, _, pool = change.subject.partition(".")
    what = f"the number of threads of {pool}" if kind == "threads" and pool else change.subject
    return f"{what} {_moved(change.before, change.after)}"


def _recorder(change: Change) -> str:
    before, after = (_DIGEST.sub(r"\1", str(value)) for value in (change.before, change.after))
    return f"the library that made the record: {before} → {after}"


def _undeclared(change: Change) -> str:
    before, after = (set(map(str, each)) if isinstance(each, list) else set() for each in (change.before, change.after))
    words = [
        f"{verb} {some_of(sorted(names), most=_MAX_NAMES)}"
        for verb, names in (("reads", after - before), ("no longer reads", before - after))
        if names
    ]
    return f"training {' and '.join(words)}, of which the record has only the names"


def _measured_on(change: Change) -> str:
    named = str(change.after) if change.before == change.after else f"{change.before} before, {change.after} now"
    text = f"the two were measured on other data ({named}), so their metrics cannot be compared"
    found = list(data_changes(change.dataset)) if change.dataset is not None else []
    if not found:
        return text
    first = max(found, key=lambda each: each.score)
    return f"{text}; {DATA_TEXTS[first.kind](first)}"


def _measured_by(change: Change) -> str:
    if not isinstance(change.part, EvaluationChange):
        return "the evaluation code differs"
    new, gone = reported_metrics(change.part)
    words = [
        f"{some_of(names, most=_MAX_NAMES)} {what}"
        for names, what in ((new, "reported now"), (gone, "no longer reported"))
        if names
    ]
    return "the evaluation code differs" + (f": {'; '.join(words)}" if words else "")


def _check(change: Change) -> str:
    detail = change.part.details.get(change.subject) if isinstance(change.part, EvaluationChange) else ""
    return f"the check {change.subject} fails, and passed before" + (f": {detail}" if detail else "")


_TEXTS: Mapping[ChangeKind, Callable[[Change], str]] = {
    **DATA_TEXTS,
    ChangeKind.STEP_NOT_RUN: _step_not_run,
    ChangeKind.STEP_ADDED: lambda change: f"the step {change.subject} is new",
    ChangeKind.STEP_REMOVED: lambda change: f"the step {change.subject} is gone",
    ChangeKind.STEP_PARAMETER_CHANGED: _step_parameter,
    ChangeKind.STEP_COMMAND_CHANGED: _step_command,
    ChangeKind.STEP_CODE_CHANGED: _step_code,
    ChangeKind.STEP_OUTPUT_CHANGED: _step_output,
    ChangeKind.SOURCE_ADDED: _source,
    ChangeKind.SOURCE_REMOVED: _source,
    ChangeKind.SOURCE_CHANGED: _source,
    ChangeKind.LAYOUT_CHANGED: lambda change: f"{change.subject} differs in comments or layout alone",
    ChangeKind.ENTRY_CHANGED: lambda change: f"the training function: {change.before} → {change.after}",
    ChangeKind.PATCH_CHANGED: lambda _: "the uncommitted work differs, in files that the training code does not reach",
    ChangeKind.LIBRARIES_UNKNOWN: lambda _: (
        "the libraries differ; which ones is not known, as a list of them is not in the artifact store"
    ),
    ChangeKind.SOURCES_UNKNOWN: lambda _: "the code may differ: its source files are not recorded on one side",
    ChangeKind.OTHER_FILES_CHANGED: _other_files,
    ChangeKind.OPENED_FILE_CHANGED: _opened,
    ChangeKind.PARAMETER_ADDED: _parameter,
    ChangeKind.PARAMETER_REMOVED: _parameter,
    ChangeKind.PARAMETER_CHANGED: _parameter,
    ChangeKind.DEFAULT_CHANGED: _parameter,
    ChangeKind.SEED_CHANGED: lambda change: f"the seed {_moved(change.before, change.after)}",
    ChangeKind.LIBRARY_CHANGED: _library,
    ChangeKind.OTHER_LIBRARIES_CHANGED: _other_libraries,
    ChangeKind.MACHINE_CHANGED: _machine,
    ChangeKind.RECORDER_CHANGED: _recorder,
    ChangeKind.PARTITION_CHANGED: lambda change: f"the partition {_moved(change.before, change.after)}",
    ChangeKind.UNDECLARED_CHANGED: _undeclared,
    ChangeKind.MEASURED_ON_OTHER_DATA: _measured_on,
    ChangeKind.MEASURED_BY_OTHER_CODE: _measured_by,
    ChangeKind.CHECK_FAILED: _check,
    ChangeKind.CHOICE_CHANGED: lambda change: f"the {change.subject} {_moved(change.before, change.after)}",
    ChangeKind.NOTHING: lambda _: "nothing differs in data, preparation, code, parameters and environment",
    ChangeKind.UNEXPLAINED: lambda _: (
        "nothing that was recorded differs; the record does not explain the change in the metrics"
    ),
}
