"""What changed: a timeline of versions, checks, decisions, approvals and keys, for the person on call."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.index.summary_index import SummarizedVersion
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.diff.comparison import compare_records
from lineage_pipelines.queries.diff.explanation.change import Change
from lineage_pipelines.queries.diff.explanation.ranking import Differences, rank
from lineage_pipelines.queries.diff.run.noise_band import MAX_VERSIONS, measure_noise
from lineage_pipelines.queries.refs import ModelPartition, known_partition, resolve
from lineage_pipelines.queries.registry.alias_history import list_decisions
from lineage_pipelines.queries.registry.approval_status import list_approvals
from lineage_pipelines.queries.registry.baseline import preceding_versions
from lineage_pipelines.records.decisions.key_event import KeyChange, decode_key_event
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.metric import by_interest
from lineage_pipelines.records.values.codec import parse_time
from lineage_pipelines.records.values.model_name import PRODUCTION, scoped, split_scoped

_NEARLY_AGO = re.compile(r"[0-9.]+ ?[A-Za-z]{1,7}")
_AGO = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PAGE = 200
"""How many records are in memory at once."""
NOTICEABLE = 0.01
"""The relative change from which on a metric without a noise band counts as moved."""


class EventKind(StrEnum):
    """What an event is about."""

    VERSION = "version"
    DECISION = "decision"
    APPROVAL = "approval"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event in the history of a model."""

    seq: int
    at: datetime
    """When it was committed, in UTC."""
    kind: EventKind
    version: int | None
    text: str = ""
    """Of a decision, an approval or a key."""
    previous: int | None = None
    """Of a version: the one that it is compared with."""
    changes: tuple[Change, ...] = ()
    """Of a version: what differs from the one before, the most likely explanation of a difference first."""
    metric: tuple[float | None, float | None] = (None, None)
    """Of a version: the main metric, before and now."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Of a version: the checks that it did not pass, with their details."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The first version whose metric differs from the version before by more than noise."""

    metric: str
    version: int
    previous: int
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The history of a model since an instant or a version."""

    model: str
    since: str
    """As requested."""
    live: int | None
    """The version in production."""
    live_since: datetime | None
    metric: str | None
    """The main metric of the newest version."""
    noise: float | None
    """Two standard deviations of that metric over repeats of one recipe; None without repeats, `NOTICEABLE` is used."""
    moved: Moved | None
    events: tuple[Event, ...]
    """In the order of the log, newest last."""
    earlier: int = 0
    """Events in that time before these that are left out."""


def what_changed(
    catalog: Catalog,
    model: str,
    since: str,
    *,
    now: datetime,
    artifacts: ArtifactStore | None = None,
    project_dir: Path | None = None,
    limit: int | None = None,
) -> Timeline:
    """Return the history of a model.

    Args:
        catalog: the catalog.
        model: the model's name, or one partition of it: `model[west]`.
        since: a REF of the model (events after it), an instant in ISO 8601 with a time zone, a day, or a span (`7d`).
        now: the end of a span, in UTC.
        artifacts: the store of profiles, sources and package lists; without it only digests are compared.
        project_dir: the project, for commits, and whose policy decides whether an approval still counts.
        limit: of events, the newest; None for all.

    Raises:
        NotFoundError: there is no such model or version, or `since` is invalid.
        CatalogError: the catalog cannot be read.
    """
    partition = known_partition(catalog, model)
    name = partition.model
    begin, after = _since(catalog, name, since, now)
    known = [
        each
        for each in _versions(catalog, name, begin, after)
        if partition.includes(each.summary.partition.identity if each.summary.partition else None)
    ]
    versions = [each for each in known if each.seq > after and each.recorded >= begin]
    previous = preceding_versions(catalog, name, versions)
    metric = next(iter(by_interest(known[0].summary.metrics)), None) if known else None
    others = [each for each in _others(catalog, partition, project_dir) if each.seq > after and each.at >= begin]
    seqs = sorted([*(each.seq for each in others), *(each.seq for each in versions)])
    first = seqs[-limit] if limit is not None and 0 < limit < len(seqs) else 0
    shown = [each for each in versions if each.seq >= first]
    compare = partial(compare_records, artifacts=artifacts, project_dir=project_dir)
    events = [
        *_version_events(catalog, shown, previous, metric, compare),
        *(each for each in others if each.seq >= first),
    ]
    live, live_since = _live(catalog, partition)
    noise = measure_noise(catalog.entries(name, limit=MAX_VERSIONS)).get(metric) if metric is not None else None
    return Timeline(
        model=scoped(name, partition.identity),
        since=since,
        live=live,
        live_since=live_since,
        metric=metric,
        noise=noise,
        moved=_moved([(previous.get(each.seq), each) for each in reversed(versions)], metric, noise),
        events=tuple(sorted(events, key=lambda event: event.seq)),
        earlier=len(seqs) - len(events),
    )


def _versions(catalog: Catalog, model: str, begin: datetime, after: int) -> Sequence[SummarizedVersion]:
    """Return the versions since the begin and at least one before, newest first."""
    found: list[SummarizedVersion] = []
    while page := catalog.index.summaries(model, limit=_PAGE, before=found[-1].version if found else None):
        found += page
        if page[-1].seq <= after or page[-1].recorded < begin:
            break
    return found


def _since(catalog: Catalog, model: str, text: str, now: datetime) -> tuple[datetime, int]:
    """Return the instant and the place in the log after which events are included."""
    first = datetime.min.replace(tzinfo=UTC)
    if ago := _AGO.fullmatch(text):
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}), 0
        except OverflowError:
            return first, 0
    if _NEARLY_AGO.fullmatch(text):
        raise NotFoundError(f"{text!r} is not a span of time", fix="write 30m, 12h, 7d or 2w")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        entry = resolve(catalog, f"{model}@{text}" if text.isascii() and text.isdigit() else text)
        if entry.model != model:
            fix = f"write {model}@{entry.version}, 2026-12-01T00:00Z or 7d"
            raise NotFoundError(f"{entry.ref} is not a version of {model}", fix=fix) from None
        return first, entry.seq
    if text.isdigit() and len(text) < 8:  # noqa: PLR2004  # a number alone is a version, eight digits are a day
        return first, resolve(catalog, f"{model}@{text}").seq
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC), 0


def _live(catalog: Catalog, model: ModelPartition) -> tuple[int | None, datetime | None]:
    moves = [
        each
        for each in list_decisions(catalog, model.model, scoped(PRODUCTION, model.identity))
        if each.decision.moves_alias
    ]
    return (moves[-1].decision.version, moves[-1].at) if moves else (None, None)


def _moved(
    pairs: Sequence[tuple[SummarizedVersion | None, SummarizedVersion]], metric: str | None, noise: float | None
) -> Moved | None:
    for previous, version in pairs:
        before, after = _value(previous, metric), _value(version, metric)
        if metric is None or previous is None or before is None or after is None:
            continue
        if abs(after - before) > (NOTICEABLE * abs(before) if noise is None else noise):
            return Moved(metric=metric, version=version.version, previous=previous.version, before=before, after=after)
    return None


# Events


def _version_events(
    catalog: Catalog,
    versions: Sequence[SummarizedVersion],
    previous: Mapping[int, SummarizedVersion],
    metric: str | None,
    compare: Callable[[LineageRecord, LineageRecord], Differences],
) -> Iterator[Event]:
    """Yield the versions as events, with what each changed: only the records of these are read, a page at a time."""
    for start in range(0, len(versions), _PAGE):
        page = versions[start : start + _PAGE]
        seqs = {each.seq for each in page} | {previous[each.seq].seq for each in page if each.seq in previous}
        entries = {entry.seq: entry for entry in catalog.log.versions_at(sorted(seqs))}
        for each in page:
            before, record = previous.get(each.seq), entries[each.seq].record
            checks = record.evaluation.checks if record.evaluation else ()
            yield Event(
                seq=each.seq,
                at=each.recorded,
                kind=EventKind.VERSION,
                version=each.version,
                previous=before.version if before else None,
                changes=rank(compare(entries[before.seq].record, record)) if before else (),
                metric=(_value(before, metric), _value(each, metric)),
                failed={check.name: check.detail for check in checks if not check.passed},
            )


def _value(version: SummarizedVersion | None, metric: str | None) -> float | None:
    return version.summary.metrics.get(metric) if version is not None and metric is not None else None


def _others(catalog: Catalog, about: ModelPartition, project_dir: Path | None) -> Iterator[Event]:
    model = about.model
    for each in list_decisions(catalog, model):
        decision = each.decision
        if not about.includes(decision.identity):
            continue
        moved = f"{decision.alias} → {model}@{decision.version}" if decision.version else decision.alias
        against = ", against the policy" if decision.override else ""
        text = f"{decision.action} {moved} by {decision.by}{against}: {decision.reason}"
        yield Event(seq=each.seq, at=each.at, kind=EventKind.DECISION, version=decision.version, text=text)
    for given in list_approvals(catalog, model, project_dir=project_dir):
        approval = given.approval
        if not about.includes(split_scoped(approval.alias)[1]):
            continue
        void = f" (no longer counts: {given.void})" if given.void else ""
        text = f"{approval.approver} approved {model}@{approval.version} for {approval.alias}: {approval.reason}{void}"
        yield Event(seq=given.seq, at=given.at, kind=EventKind.APPROVAL, version=approval.version, text=text)
    for entry in catalog.log.walk("key"):
        event = decode_key_event(entry.body)
        owner = f" of {event.owner}" if event.owner else ""
        verb = "new key" if event.change is KeyChange.NEW else "revoked key"
        text = f"{verb}{owner}, {event.key[:12]}, for {event.purpose}" + (f": {event.reason}" if event.reason else "")
        yield Event(seq=entry.seq, at=parse_time(entry.recorded), kind=EventKind.KEY, version=None, text=text)
