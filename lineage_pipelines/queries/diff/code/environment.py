"""Environment changes: which libraries and what of the machine differ, imported libraries first."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lineage_pipelines.queries.diff.alignment import kind_of, paired
from lineage_pipelines.queries.diff.changes import EnvironmentChange, PackageChange
from lineage_pipelines.queries.diff.stored_sources import Blobs
from lineage_pipelines.records.statement.environment import Environment, Recorder
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import Json


def compare_environment(first: LineageRecord, second: LineageRecord, blobs: Blobs) -> EnvironmentChange:
    """Compare the installed libraries, the interpreter, the machine, and the library that made the record.

    Lists of libraries with one digest are not compared; one is read for what is the same. A library counts as
    imported when the training process of either version had imported it, or when the model file needs it; records of
    schema 1 do not say what was imported.

    Args:
        first: the version on the left.
        second: the version on the right.
        blobs: the lists of packages.
    """
    before, after = first.environment, second.environment
    facts = dict(_facts(before, after))
    if before.packages == after.packages:
        same = dict(_lines(blobs(before.packages) or b""))
        return EnvironmentChange(identical=not facts, unchanged=before.package_count, same=same, facts=facts)
    lists = [blobs(environment.packages) for environment in (before, after)]
    if lists[0] is None or lists[1] is None:
        side = "either" if lists[0] is lists[1] else "the first" if lists[0] is None else "the second"
        weaker = f"the list of packages of {side} version is not kept, so which of them differ is not known"
        return EnvironmentChange(identical=False, facts=facts, weaker=weaker)
    changed, same = _packages(lists[0], lists[1])
    imported, weaker = _imported((first, second), blobs)
    unlisted = None if weaker else False
    marked = [replace(change, imported=change.name in imported or unlisted) for change in changed]
    ordered = tuple(sorted(marked, key=lambda change: (not change.imported, change.name)))
    return EnvironmentChange(
        identical=False, packages=ordered, unchanged=len(same), same=same, facts=facts, weaker=weaker
    )


def _facts(before: Environment, after: Environment) -> Iterator[tuple[str, tuple[Json, Json]]]:
    for name in ("python", "platform", "cpu"):
        yield from _fact(name, getattr(before, name), getattr(after, name))
    for name in sorted({*before.threads, *after.threads}):
        yield from _fact(f"threads.{name}", before.threads.get(name), after.threads.get(name))
    locks = [str(environment.lock) if environment.lock else None for environment in (before, after)]
    yield from _fact("lock", *locks)
    yield from _fact("lock_file", before.lock_file, after.lock_file)
    if before.recorder and after.recorder:  # schema 1 has no field for it, which is not a difference
        yield from _fact("recorder", _recorder_text(before.recorder), _recorder_text(after.recorder))


def _recorder_text(recorder: Recorder) -> str:
    return f"{recorder.name} {recorder.version} ({recorder.source})"


def _fact(name: str, before: Json, after: Json) -> Iterator[tuple[str, tuple[Json, Json]]]:
    if before != after:
        yield name, (before, after)


def _packages(before: bytes, after: bytes) -> tuple[list[PackageChange], dict[str, str]]:
    pairs = paired(_lines(before), _lines(after), lambda line: line[0])
    changed = [pair for pair in pairs if pair.before != pair.after]
    changes = [
        PackageChange(
            name=pair.name,
            kind=kind_of(pair.before, pair.after),
            before=pair.before[1] if pair.before else None,
            after=pair.after[1] if pair.after else None,
        )
        for pair in changed
    ]
    return changes, {pair.name: pair.before[1] for pair in pairs if pair.before and pair.before == pair.after}


def _lines(listed: bytes) -> list[tuple[str, str]]:
    """Name, and version with what it came from: the same version of another commit is another library."""
    lines = listed.decode("utf-8", "backslashreplace").split("\n")
    return [(name, version) for name, _, version in (line.partition("==") for line in lines) if name]


def _imported(records: Sequence[LineageRecord], blobs: Blobs) -> tuple[frozenset[str], str]:
    """The distributions that training imported or the model file needs, and what is not known of them, in words."""
    from packaging.utils import canonicalize_name

    requirements = (line.partition("==")[0] for record in records for line in record.artifact.requirements)
    known = {str(canonicalize_name(name)) for name in requirements}
    lists = [blobs(record.environment.imported) if record.environment.imported else None for record in records]
    known.update(*(listed.decode("utf-8", "replace").splitlines() for listed in lists if listed is not None))
    if None not in lists:
        return frozenset(known), ""
    side = "either" if lists[0] is lists[1] else "the first" if lists[0] is None else "the second"
    return frozenset(known), f"which libraries the training of {side} version imported is not recorded"
