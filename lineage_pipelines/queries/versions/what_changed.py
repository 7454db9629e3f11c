"""What changed: a timeline of versions, checks, decisions, approvals and keys, for the person on call."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.diff.run.noise_band import MAX_VERSIONS, measure_noise
from lineage_pipelines.queries.refs import known_model, resolve
from lineage_pipelines.queries.registry.alias_history import list_decisions
from lineage_pipelines.queries.registry.approval_status import list_approvals
from lineage_pipelines.queries.versions.version_headline import headline, phrases
from lineage_pipelines.records.decisions.key_event import KeyChange, decode_key_event
from lineage_pipelines.records.values.codec import parse_time
from lineage_pipelines.records.values.model_name import PRODUCTION

_AGO = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PAGE = 50
NOTICEABLE = 0.01
"""The relative change from which on a metric without a noise band counts as moved."""


class EventKind(StrEnum):
    """What an event is about."""

    VERSION = "version"
    CHECKS = "checks"
    """A version that did not pass all of its checks."""
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
    text: str


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


def what_changed(
    catalog: Catalog,
    model: str,
    since: str,
    *,
    now: datetime,
    artifacts: ArtifactStore | None = None,
    project_dir: Path | None = None,
) -> Timeline:
    """Return the history of a model.

    Args:
        catalog: the catalog.
        model: the model's name.
        since: a REF of the model (events after it), an instant in ISO 8601 with a time zone, a day, or a span (`7d`).
        now: the end of a span, in UTC.
        artifacts: the store of package lists; None to leave out the differences of libraries.
        project_dir: the project whose policy decides whether an approval still counts.

    Raises:
        NotFoundError: there is no such model or version, or `since` is invalid.
        CatalogError: the catalog cannot be read.
    """
    name = known_model(catalog, model)
    begin, after = _since(catalog, name, since, now)
    entries = _entries(catalog, name, begin, after)
    pairs = [
        (previous, entry)
        for previous, entry in pairwise([None, *entries])
        if entry is not None and entry.seq > after and entry.recorded >= begin
    ]
    events = [*_versions(pairs, artifacts), *_others(catalog, name, project_dir)]
    recent = [event for event in events if event.seq > after and event.at >= begin]
    metric = headline(entries[-1].record)
    live, live_since = _live(catalog, name)
    noise = measure_noise(catalog.entries(name, limit=MAX_VERSIONS)).get(metric) if metric is not None else None
    return Timeline(
        model=name,
        since=since,
        live=live,
        live_since=live_since,
        metric=metric,
        noise=noise,
        moved=_moved(pairs, metric, noise),
        events=tuple(sorted(recent, key=lambda event: event.seq)),
    )


def _entries(catalog: Catalog, model: str, begin: datetime, after: int) -> Sequence[Entry]:
    """Return the versions since the begin and at least one before, oldest first."""
    found: list[Entry] = []
    while part := catalog.entries(model, limit=_PAGE, before=found[-1].version if found else None):
        found += part
        if part[-1].seq <= after or part[-1].recorded < begin:
            break
    return found[::-1]


def _since(catalog: Catalog, model: str, text: str, now: datetime) -> tuple[datetime, int]:
    """Return the instant and the place in the log after which events are included."""
    first = datetime.min.replace(tzinfo=UTC)
    if ago := _AGO.fullmatch(text):
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}), 0
        except OverflowError:
            return first, 0
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


def _live(catalog: Catalog, model: str) -> tuple[int | None, datetime | None]:
    moves = [each for each in list_decisions(catalog, model, PRODUCTION) if each.decision.moves_alias]
    return (moves[-1].decision.version, moves[-1].at) if moves else (None, None)


def _moved(pairs: Sequence[tuple[Entry | None, Entry]], metric: str | None, noise: float | None) -> Moved | None:
    for previous, entry in pairs:
        scores = [
            each.record.evaluation.metrics if each and each.record.evaluation else {} for each in (previous, entry)
        ]
        if metric is None or previous is None or not all(metric in each for each in scores):
            continue
        before, after = (each[metric] for each in scores)
        if abs(after - before) > (NOTICEABLE * abs(before) if noise is None else noise):
            return Moved(metric=metric, version=entry.version, previous=previous.version, before=before, after=after)
    return None


# Events


def _versions(pairs: Sequence[tuple[Entry | None, Entry]], artifacts: ArtifactStore | None) -> Iterator[Event]:
    for previous, entry in pairs:
        changes = phrases(previous.record, entry.record, artifacts) if previous else ["the first version"]
        text = f"{entry.ref}: {'; '.join(changes) or 'no difference from the version before'}"
        yield Event(seq=entry.seq, at=entry.recorded, kind=EventKind.VERSION, version=entry.version, text=text)
        checks = entry.record.evaluation.checks if entry.record.evaluation else ()
        failed = [f"{check.name} ({check.detail})" for check in checks if not check.passed]
        if failed:
            text = f"{entry.ref} did not pass: {', '.join(failed)}"
            yield Event(seq=entry.seq, at=entry.recorded, kind=EventKind.CHECKS, version=entry.version, text=text)


def _others(catalog: Catalog, model: str, project_dir: Path | None) -> Iterator[Event]:
    for each in list_decisions(catalog, model):
        decision = each.decision
        about = f"{decision.alias} → {model}@{decision.version}" if decision.version else decision.alias
        against = ", against the policy" if decision.override else ""
        text = f"{decision.action} {about} by {decision.by}{against}: {decision.reason}"
        yield Event(seq=each.seq, at=each.at, kind=EventKind.DECISION, version=decision.version, text=text)
    for given in list_approvals(catalog, model, project_dir=project_dir):
        approval = given.approval
        void = f" (no longer counts: {given.void})" if given.void else ""
        text = f"{approval.approver} approved {model}@{approval.version} for {approval.alias}: {approval.reason}{void}"
        yield Event(seq=given.seq, at=given.at, kind=EventKind.APPROVAL, version=approval.version, text=text)
    for entry in catalog.log.walk("key"):
        event = decode_key_event(entry.body)
        owner = f" of {event.owner}" if event.owner else ""
        verb = "new key" if event.change is KeyChange.NEW else "revoked key"
        text = f"{verb}{owner}, {event.key[:12]}, for {event.purpose}" + (f": {event.reason}" if event.reason else "")
        yield Event(seq=entry.seq, at=parse_time(entry.recorded), kind=EventKind.KEY, version=None, text=text)
