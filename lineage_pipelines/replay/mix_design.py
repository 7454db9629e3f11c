"""Mix design: what differs between two versions, part by part, and the versions in between."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from lineage_pipelines.records.decisions.attribution import PlayerKind
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, StageRun
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
    """Return every part that differs, in the order in which a model is made; equal parts cost nothing.

    Data that another preparation made of the same sources is the preparation's. Where the sources differ, too, what the
    old steps would make of the new sources is recorded nowhere: then what differs is data, with all that is behind it.
    """
    return tuple(_parts(old, new))


def _parts(old: LineageRecord, new: LineageRecord) -> Iterator[Differing]:
    yield from _data_parts(old, new)
    if _source(old) != _source(new) or old.code.patch != new.code.patch:
        words = f"source {_short(_source(old))} to {_short(_source(new))}"
        yield Differing(Part("code", PlayerKind.CODE, words), lambda mix, new: replace(mix, code=new.code))
    changed = _changed_parameters(old, new)
    if changed:
        yield Differing(Part("parameters", PlayerKind.PARAMETERS, ", ".join(changed)), _take_parameters)
    before, after = old.environment, new.environment
    if (before.packages, before.python) != (after.packages, after.python):
        words = f"libraries {_short(before.packages.hex)} to {_short(after.packages.hex)}"
        part = Part("environment", PlayerKind.ENVIRONMENT, words)
        yield Differing(part, lambda mix, new: replace(mix, environment=new.environment))
    if old.parameters.get(SEED) != new.parameters.get(SEED):
        words = f"{old.parameters.get(SEED)} to {new.parameters.get(SEED)}"
        yield Differing(Part(SEED, PlayerKind.SEED, words), _take_seed)


def _source(record: LineageRecord) -> str:
    return record.code.source.digest.hex if record.code.source else ""


def _short(hex_: str) -> str:
    return hex_[:8] or "unknown"


# Data


def _data_parts(old: LineageRecord, new: LineageRecord) -> Iterator[Differing]:
    before = {data.name: data for data in old.data}
    after = {data.name: data for data in new.data}
    evaluated = {record.evaluation.snapshot for record in (old, new) if record.evaluation}
    prepared_anew = _prepared_anew(old, new)
    for name in sorted(before.keys() | after.keys()):
        if _identity(before.get(name)) == _identity(after.get(name)):
            continue
        if name in evaluated:
            kind, label = PlayerKind.EVALUATION, f"evaluation data ({name})"
        elif prepared_anew:
            kind, label = PlayerKind.PREPARATION, f"preparation of {name}"
        else:
            kind, label = PlayerKind.DATA, f"data ({name})"
        part = Part(label, kind, _data_words(before.get(name), after.get(name)))
        yield Differing(part, lambda mix, new, name=name: _take_data(mix, new, name))  # type: ignore[misc]


def _identity(data: DatasetSnapshot | None) -> object:
    return None if data is None else (data.path, data.digest.sha256 or data.digest.md5)


def _data_words(before: DatasetSnapshot | None, after: DatasetSnapshot | None) -> str:
    if before is None or after is None:
        return "added" if before is None else "removed"
    rows = f"{before.rows:,} to {after.rows:,} rows" if before.rows is not None and after.rows is not None else ""
    digests = f"{_short(before.digest.md5 or '')} to {_short(after.digest.md5 or '')}"
    return f"{digests}, {rows}" if rows else digests


def _prepared_anew(old: LineageRecord, new: LineageRecord) -> bool:
    """Say whether only the steps differ, and all that they began with is the same."""
    return bool(old.stages) and _sources(old) == _sources(new) and _steps(old) != _steps(new)


def _sources(record: LineageRecord) -> Mapping[str, str | None]:
    used = (each for stage in record.stages for each in stage.deps)
    return {each.path: each.digest.md5 for each in used if each.origin.partition(":")[0] in ("tracked", "superseded")}


def _steps(record: LineageRecord) -> Mapping[str, Json]:
    return {stage.name: _step(stage) for stage in record.stages}


def _step(stage: StageRun) -> Json:
    scripts = sorted((each.path, each.digest.md5 or "") for each in stage.deps if each.origin == "git")
    return [stage.command, dict(stage.params), [list(each) for each in scripts]]


def _take_data(mix: LineageRecord, new: LineageRecord, name: str) -> LineageRecord:
    theirs = next((data for data in new.data if data.name == name), None)
    if theirs is None:
        return replace(mix, data=tuple(data for data in mix.data if data.name != name))
    if any(data.name == name for data in mix.data):
        return replace(mix, data=tuple(theirs if data.name == name else data for data in mix.data))
    return replace(mix, data=(*mix.data, theirs))


# Parameters


def _changed_parameters(old: LineageRecord, new: LineageRecord) -> list[str]:
    names = sorted((old.parameters.keys() | new.parameters.keys()) - {SEED} - _outcomes(old, new))
    return [
        f"{name} {old.parameters.get(name)} to {new.parameters.get(name)}"
        for name in names
        if old.parameters.get(name) != new.parameters.get(name)
    ]


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
