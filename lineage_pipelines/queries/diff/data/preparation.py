"""Preparation changes: which steps differ, and where a difference begins."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lineage_pipelines.queries.diff.alignment import Pair, changed_values, flatten, kind_of, paired
from lineage_pipelines.queries.diff.changes import Kind, StageChange
from lineage_pipelines.records.statement.dataset import StageInput, StageOutput, StageRun
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import Json

_DVC_CHECKSUMS = ("hash", "etag", "checksum")
"""Where an input's or output's checksum is not a plain MD5, it is in one of these further fields."""


def compare_stages(first: LineageRecord, second: LineageRecord) -> tuple[StageChange, ...]:
    """Return every step of both versions: those where a change begins, those that pass one on, identical ones.

    Within each group they stand in the order of the pipeline, sources first. A change begins at a step whose own
    command, parameters, list of inputs or of outputs differs; that reads something else from outside the recorded
    steps (a tracked file, Git, another system, a step that has recorded something else since); or that gave out
    something else although nothing that it declares differs.
    """
    pairs = paired(first.stages, second.stages, lambda stage: stage.name)
    changes = [_compare(pair) for pair in pairs]
    moved = {change.name for change in changes if change.kind is not Kind.IDENTICAL}
    placed = [replace(c, origin=_begins(c, p, moved)) for c, p in zip(changes, pairs, strict=True)]
    return tuple(sorted(placed, key=_group))  # a stable sort: within a group the pipeline's order stays


def only_steps_differ(first: LineageRecord, second: LineageRecord) -> bool:
    """Return whether the steps themselves differ while everything that they started from is the same.

    Steps differ in their commands, parameters or scripts, or because one was added or removed; what they start from is
    each input that no recorded step made and that is not code. False for a first version without recorded steps.
    """
    changed = any(
        change.kind in (Kind.ADDED, Kind.REMOVED)
        or change.params
        or change.code
        or change.command[0] != change.command[1]
        for change in compare_stages(first, second)
    )
    return bool(first.stages) and changed and not _contents(_sources(first), _sources(second))


def _sources(record: LineageRecord) -> Iterable[StageInput]:
    used = (dep for stage in record.stages for dep in stage.deps)
    return {dep.path: dep for dep in used if dep.origin.partition(":")[0] not in ("stage", "git")}.values()


def _group(change: StageChange) -> int:
    return 0 if change.origin else 2 if change.kind is Kind.IDENTICAL else 1


def _compare(pair: Pair[StageRun]) -> StageChange:
    before, after = pair.before, pair.after
    command = (before.command if before else None, after.command if after else None)
    if before is after:  # not ==, to which 1 is 1.0
        return StageChange(name=pair.name, kind=Kind.IDENTICAL, command=command)
    params = changed_values(_params(before), _params(after))[0]
    inputs = _inputs(before, after, code=False)
    code = _inputs(before, after, code=True)
    outputs = _contents(before.outs if before else (), after.outs if after else ())
    same = before and after and not (params or inputs or code or outputs) and command[0] == command[1]
    return StageChange(
        name=pair.name,
        kind=Kind.IDENTICAL if same else kind_of(before, after),
        command=command,
        params=params,
        inputs=inputs,
        code=code,
        outputs=outputs,
        stale=tuple(dep.path for dep in after.deps if dep.is_superseded) if after else (),
    )


def _params(stage: StageRun | None) -> dict[str, Json]:
    flat: dict[str, Json] = {}
    for file, values in (stage.params if stage else {}).items():
        if isinstance(values, Mapping) and values:
            flat |= {f"{file}:{name}": value for name, value in flatten(values).items()}
        else:
            flat |= flatten({file: values})
    return flat


def _inputs(before: StageRun | None, after: StageRun | None, *, code: bool) -> tuple[str, ...]:
    """The inputs that are code, or the others. One that is code on either side is code."""
    stages = [stage for stage in (before, after) if stage is not None]
    known = {dep.path for stage in stages for dep in stage.deps if dep.origin == "git"}
    chosen = [[dep for dep in (s.deps if s else ()) if (dep.path in known) == code] for s in (before, after)]
    return _contents(*chosen)


def _contents(before: Iterable[StageInput | StageOutput], after: Iterable[StageInput | StageOutput]) -> tuple[str, ...]:
    marked = []
    for pair in paired(before, after, lambda each: each.path):
        if pair.before is None or pair.after is None:
            marked.append(f"+ {pair.name}" if pair.before is None else f"- {pair.name}")
        elif not _same_content(pair.before, pair.after):
            marked.append(f"~ {pair.name}")
    return tuple(marked)


def _same_content(before: StageInput | StageOutput, after: StageInput | StageOutput) -> bool:
    if before.digest.sha256 is not None and after.digest.sha256 is not None:
        return before.digest.sha256 == after.digest.sha256
    return _checksum(before) == _checksum(after)


def _checksum(content: StageInput | StageOutput) -> tuple[Json, ...]:
    return (content.digest.md5, content.size, *(content.extra.get(name) for name in _DVC_CHECKSUMS))


def _begins(change: StageChange, pair: Pair[StageRun], moved: set[str]) -> bool:
    before, after = pair.before, pair.after
    if before is None or after is None:
        return True
    own = bool(change.params or change.code) or change.command[0] != change.command[1]
    declared = any(mark.startswith(("+", "-")) for mark in (*change.inputs, *change.outputs))
    sources = any(not _passed_on(mark.removeprefix("~ "), before, after, moved) for mark in change.inputs)
    unexplained = bool(change.outputs) and not change.inputs
    return own or declared or sources or unexplained


def _passed_on(path: str, before: StageRun, after: StageRun, moved: set[str]) -> bool:
    """Whether the same step made an input on both sides, and is among those that changed."""
    origins = {dep.origin for stage in (before, after) for dep in stage.deps if dep.path == path}
    if len(origins) != 1:
        return False
    kind, _, maker = origins.pop().partition(":")
    return kind == "stage" and maker in moved
