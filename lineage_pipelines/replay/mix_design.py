"""Mix design: what differs between two versions, part by part, and the versions in between."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from lineage_pipelines.queries.diff.changes import DatasetChange, Kind
from lineage_pipelines.queries.diff.code.code import compare_code
from lineage_pipelines.queries.diff.code.environment import compare_environment
from lineage_pipelines.queries.diff.data.dataset_changes import Ways, compare_datasets
from lineage_pipelines.queries.diff.data.preparation import compare_stages, only_steps_differ
from lineage_pipelines.queries.diff.run.parameters import compare_parameters
from lineage_pipelines.queries.diff.stored_sources import no_blobs
from lineage_pipelines.records.decisions.attribution import PlayerKind
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import Json, canonical_bytes
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.replay.attribution.game import Coalition, Part

SEED = "seed"
"""The parameter that holds the seed, and the part of that name."""


@dataclass(frozen=True, slots=True)
class Differing:
    """One part that differs, and how a version gets it."""

    part: Part
    take: Callable[[LineageRecord, LineageRecord], LineageRecord]
    """From a mix and the new version to the mix with this part of it."""


def differing_parts(old: LineageRecord, new: LineageRecord) -> tuple[Differing, ...]:
    """Return every part that differs, in the order in which a model is made. What differs is what `lineage diff` finds.

    Data that other steps made of the same sources counts as preparation. Where the sources differ as well, what the
    old steps would make of the new sources is not recorded, and the difference counts as data.
    """
    return tuple(_parts(old, new))


def _parts(old: LineageRecord, new: LineageRecord) -> Iterator[Differing]:
    yield from _data_parts(old, new)
    code = compare_code(old, new, no_blobs)
    if code.files or _entry(old) != _entry(new) or old.code.patch != new.code.patch:
        words = f"source {_short(_source(old))} to {_short(_source(new))}"
        yield Differing(Part("code", PlayerKind.CODE, words), lambda mix, new: replace(mix, code=new.code))
    outcomes = _outcomes(old, new)
    changed = compare_parameters(_without(old, {SEED, *outcomes}), _without(new, {SEED, *outcomes})).changes
    if changed:
        words = ", ".join(f"{each.name} {each.before} to {each.after}" for each in changed)
        yield Differing(Part("parameters", PlayerKind.PARAMETERS, words), _take_parameters)
    before, after = old.environment, new.environment
    if before.packages != after.packages or "python" in compare_environment(old, new, no_blobs).facts:
        words = f"libraries {_short(before.packages.hex)} to {_short(after.packages.hex)}"
        part = Part("environment", PlayerKind.ENVIRONMENT, words)
        yield Differing(part, lambda mix, new: replace(mix, environment=new.environment))
    if compare_parameters(_only_seed(old), _only_seed(new)).changes:
        words = f"{old.parameters.get(SEED)} to {new.parameters.get(SEED)}"
        yield Differing(Part(SEED, PlayerKind.SEED, words), _take_seed)


def _source(record: LineageRecord) -> str:
    return record.code.source.digest.hex if record.code.source else ""


def _entry(record: LineageRecord) -> str:
    return record.code.source.entry if record.code.source else ""


def _short(hex_: str) -> str:
    return hex_[:8] or "unknown"


# Data


def _data_parts(old: LineageRecord, new: LineageRecord) -> Iterator[Differing]:
    evaluated = {record.evaluation.snapshot for record in (old, new) if record.evaluation}
    prepared = only_steps_differ(old, new)
    names = {data.name for data in old.data} & {data.name for data in new.data}
    origins = _origins(old, new)
    for change in sorted(compare_datasets(old, new, Ways(blobs=no_blobs)), key=lambda change: change.name):
        if change.kind is Kind.IDENTICAL and change.name in names:
            continue
        if change.name in evaluated:
            kind, label = PlayerKind.EVALUATION, f"evaluation data ({change.name})"
        elif prepared:
            kind, label = PlayerKind.PREPARATION, f"preparation of {change.name}"
        else:
            kind, label = PlayerKind.DATA, f"data ({change.name})"
        part = Part(label, kind, _data_words(change), origins.get(change.name, ""))
        yield Differing(part, partial(_take_data, change))


def _origins(old: LineageRecord, new: LineageRecord) -> Mapping[str, str]:
    """Return where the difference of each dataset of the new version begins: steps, or tracked sources."""
    changes = {change.name: change for change in compare_stages(old, new)}
    found = {}
    for data in new.data:
        source = new.source_of(data)
        begins = {source.path if source else data.path} if data.produced_by is None else set[str]()
        for name in _steps_behind(data.produced_by, new):
            change = changes[name]
            if change.origin and (change.params or change.code or change.command[0] != change.command[1]):
                begins.add(f"stage {name}")
            elif change.origin:
                begins |= {mark[2:] for mark in change.inputs} or {f"stage {name}"}
        found[data.name] = ", ".join(sorted(begins))
    return found


def _steps_behind(name: str | None, record: LineageRecord) -> frozenset[str]:
    """Return a step and all that it builds on, by name."""
    stages = {stage.name: stage for stage in record.stages}
    found: set[str] = set()
    waiting = [name] if name is not None else []
    while waiting:
        each = waiting.pop()
        if each in stages and each not in found:
            found.add(each)
            origins = (dep.origin.partition(":") for dep in stages[each].deps)
            waiting += [maker for kind, _, maker in origins if kind == "stage"]
    return frozenset(found)


def _data_words(change: DatasetChange) -> str:
    if change.kind in (Kind.ADDED, Kind.REMOVED):
        return str(change.kind)
    before, after = change.rows
    digests = " to ".join(_short(digest or "") for digest in change.digest)
    return digests if before is None or after is None else f"{digests}, {before:,} to {after:,} rows"


def _take_data(change: DatasetChange, mix: LineageRecord, new: LineageRecord) -> LineageRecord:
    """Take one dataset from the new version; one that was paired by its path may have had another name."""
    names = {data.name for data in new.data}
    theirs = tuple(data for data in new.data if data.name == change.name)
    others = (
        data
        for data in mix.data
        if data.name != change.name and not (theirs and data.path == change.path and data.name not in names)
    )
    return replace(mix, data=(*others, *theirs))


# Parameters


def _without(record: LineageRecord, names: Collection[str]) -> LineageRecord:
    return replace(record, parameters={name: each for name, each in record.parameters.items() if name not in names})


def _only_seed(record: LineageRecord) -> LineageRecord:
    return _without(record, record.parameters.keys() - {SEED})


def _outcomes(*records: LineageRecord) -> set[str]:
    """Return the parameters that training found out itself: those that name the candidate it chose."""
    return {
        name
        for record in records
        for name, value in record.parameters.items()
        if value in [candidate.name for candidate in record.candidates]
    }


def _take_parameters(mix: LineageRecord, new: LineageRecord) -> LineageRecord:
    seed = {SEED: mix.parameters[SEED]} if SEED in mix.parameters else {}
    others = {name: value for name, value in new.parameters.items() if name != SEED}
    return replace(mix, parameters={**others, **seed})


def _take_seed(mix: LineageRecord, new: LineageRecord) -> LineageRecord:
    return replace(mix, parameters={**mix.parameters, SEED: new.parameters.get(SEED)})


# Mixes


def mix(
    old: LineageRecord,
    new: LineageRecord,
    parts: Mapping[str, Differing],
    coalition: Coalition,
    *,
    whole: bool = False,
    seed: int = 0,
) -> LineageRecord:
    """Return the version that takes some parts from the new one and the others from the old one.

    Args:
        old: the old version.
        new: the new version.
        parts: what differs, by name.
        coalition: the names of the parts that are the new version's.
        whole: whether these are all: then it is the new version itself.
        seed: which repeat; added to the recorded seed, where training has one.
    """
    mixed = new if whole else old
    for name in () if whole else sorted(coalition):
        mixed = parts[name].take(mixed, new)
    recorded = mixed.parameters.get(SEED)
    if seed and isinstance(recorded, int):
        mixed = replace(mixed, parameters={**mixed.parameters, SEED: recorded + seed})
    return mixed


def recipe(record: LineageRecord) -> str:
    """Return the SHA-256 (hex) of all that a training is made from: two with one recipe are one mix."""
    data: Json = [
        [each.name, each.role, each.path, each.digest.sha256 or each.digest.md5 or ""]
        for each in sorted(record.data, key=lambda each: each.name)
    ]
    dagster = record.run.dagster
    made_of: Json = [
        record.model.asset_key,
        dagster.partition if dagster else None,
        data,
        record.code.source.entry if record.code.source else None,
        _source(record),
        record.environment.packages.hex,
        record.environment.python,
        dict(record.environment.threads),
        _plain({name: value for name, value in record.parameters.items() if name not in _outcomes(record)}),
    ]
    return Digest.of(canonical_bytes(made_of)).hex


def _plain(parameters: Mapping[str, Json]) -> Json:
    from lineage_pipelines.records.values.codec import to_json

    return to_json(parameters, "parameters")
