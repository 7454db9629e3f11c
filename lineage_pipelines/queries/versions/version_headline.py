"""Version headline: the differences between two versions in short phrases; `lineage diff` has the details."""

import functools
from collections.abc import Iterator, Mapping
from itertools import islice

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.gaps import some_of
from lineage_pipelines.queries.graph.subject import read_packages
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.metric import by_interest, metric_text
from lineage_pipelines.records.values.canonical import Json

_some = functools.partial(some_of, most=3)


def headline(record: LineageRecord) -> str | None:
    """Return the main metric of a version, None if it was not evaluated."""
    return next(iter(by_interest(record.evaluation.metrics)), None) if record.evaluation else None


def phrases(before: LineageRecord, after: LineageRecord, artifacts: ArtifactStore | None) -> list[str]:
    """Return the differences in the order of the layers: data, preparation, code, parameters, libraries, metrics."""
    return [
        *_data(before, after),
        *_preparation(before, after),
        *_code(before, after),
        *_parameters(before, after),
        *_environment(before, after, artifacts),
        *_metrics(before, after),
    ]


def _data(before: LineageRecord, after: LineageRecord) -> Iterator[str]:
    first, second = ({s.name: s for s in record.data} for record in (before, after))
    differ = []
    for name, snapshot in second.items():
        old = first.get(name)
        if old is not None and old.digest != snapshot.digest:
            rows = f" ({_count(old.rows)} → {_count(snapshot.rows)} rows)" if old.rows != snapshot.rows else ""
            differ.append(f"{name}{rows}")
    if differ:
        yield f"data differs: {_some(differ)}"
    for word, names in (("new", second.keys() - first.keys()), ("no longer read", first.keys() - second.keys())):
        if names:
            yield f"data {word}: {_some(sorted(names))}"


def _count(rows: int | None) -> str:
    return "unknown" if rows is None else f"{rows:,}"


def _preparation(before: LineageRecord, after: LineageRecord) -> Iterator[str]:
    first, second = ({s.name: s for s in record.stages} for record in (before, after))
    both = [name for name in second if name in first]
    facts = [{name: (run[name].command, run[name].params) for name in both} for run in (first, second)]
    differ = [name for name in both if facts[0][name] != facts[1][name]]
    differ += sorted(first.keys() ^ second.keys())
    if differ:
        yield f"preparation differs: {_some(differ)}"


def _code(before: LineageRecord, after: LineageRecord) -> Iterator[str]:
    old, new = before.code, after.code
    if old.revision != new.revision:
        yield f"commit {(old.revision or 'none')[:8]} → {(new.revision or 'none')[:8]}"
    if old.patch != new.patch or old.dirty != new.dirty:
        yield "other uncommitted changes" if new.dirty else "no more uncommitted changes"
    if old.source and new.source and old.source.digest != new.source.digest:
        first, second = ({file.path: file.sha256 for file in source.files} for source in (old.source, new.source))
        differ = sorted(path for path in first.keys() | second.keys() if first.get(path) != second.get(path))
        yield f"source differs: {_some(differ)}" if differ else f"the training function is {new.source.entry}"


def _parameters(before: LineageRecord, after: LineageRecord) -> Iterator[str]:
    first, second = before.parameters, after.parameters
    differ = sorted(name for name in first.keys() | second.keys() if _text(first, name) != _text(second, name))
    if differ:
        yield f"parameters: {_some([f'{name} {_text(first, name)} → {_text(second, name)}' for name in differ])}"
    if before.run.seed != after.run.seed:
        yield f"seed {before.run.seed} → {after.run.seed}"


def _text(values: Mapping[str, Json], name: str) -> str:
    return str(values[name])[:60] if name in values else "absent"


def _environment(before: LineageRecord, after: LineageRecord, artifacts: ArtifactStore | None) -> Iterator[str]:
    old, new = before.environment, after.environment
    for name, pair in (("python", (old.python, new.python)), ("platform", (old.platform, new.platform))):
        if pair[0] != pair[1]:
            yield f"{name} {pair[0]} → {pair[1]}"
    if old.packages == new.packages:
        return
    first, second = (read_packages(artifacts, each.packages.hex) for each in (old, new))
    if first is None or second is None:
        yield "libraries differ (the list of one of the two is not in the artifact store)"
        return
    needed = {name.partition("==")[0] for name in after.artifact.requirements}
    differ = [name for name in first.keys() | second.keys() if first.get(name) != second.get(name)]
    ordered = sorted(differ, key=lambda name: (name not in needed, name))
    changes = [f"{name} {first.get(name, 'none')} → {second.get(name, 'none')}" for name in ordered]
    yield f"libraries: {_some(changes)}"


def _metrics(before: LineageRecord, after: LineageRecord) -> Iterator[str]:
    first, second = (record.evaluation.metrics if record.evaluation else {} for record in (before, after))
    both = [name for name in by_interest(first.keys() & second.keys()) if first[name] != second[name]]
    for name in islice(both, 1):
        verb = "rose" if second[name] > first[name] else "fell" if second[name] < first[name] else "differs:"
        yield f"{name} {verb} from {metric_text(first[name])} to {metric_text(second[name])}"
