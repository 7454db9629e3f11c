"""One line of time: what happened since, in order, and what is said first."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.diff.comparison import compare_records, compare_versions
from lineage_pipelines.queries.diff.explanation.change import Change, ChangeKind, Layer
from lineage_pipelines.queries.diff.explanation.ranking import rank
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion
from lineage_pipelines.queries.versions.bisect import bisect_metric
from lineage_pipelines.queries.versions.what_changed import Timeline, what_changed
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.reports.change_text import change_text
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.what_changed import event_text, timeline_document, timeline_json
from lineage_pipelines_tests.samples import digest, make_record, with_metrics

NOW = datetime.now(UTC)


@pytest.fixture
def story(tmp_path: Path) -> Path:
    """Four versions; the third is on other data, worse and live."""
    with Catalog(f"sqlite:///{tmp_path}/catalog.db", keys=tmp_path / "keys") as catalog:
        catalog.append(make_record("1", auc=0.74))
        catalog.append(make_record("2", auc=0.741))
        bad = catalog.append(make_record("3", auc=0.61, raw="through July"))
        catalog.registry.decide(
            draft_promotion(catalog, bad, "production", by="ada", reason="it was late", project_dir=tmp_path)
        )
        catalog.append(make_record("4", auc=0.74, raw="July again"))
    return tmp_path


def _ask(folder: Path, since: str, *, limit: int | None = None) -> Timeline:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        return what_changed(catalog, "flight_delay", since, now=datetime.now(UTC), project_dir=folder, limit=limit)


def _texts(found: Timeline) -> list[str]:
    return [event_text(event, found) for event in found.events]


def test_everything_since_a_version_in_the_order_of_the_log(story: Path) -> None:
    found = _ask(story, "flight_delay@1")
    assert [(event.kind, event.version) for event in found.events] == [
        ("version", 2),
        ("version", 3),
        ("decision", 3),
        ("version", 4),
    ]
    second, third, decision, fourth = found.events
    assert [change.kind for change in second.changes] == [ChangeKind.UNEXPLAINED]
    assert (second.previous, second.metric, second.failed) == (1, (0.74, 0.741), {})
    assert third.changes[0].layer is Layer.DATA
    assert {change.subject for change in third.changes} >= {"train", "test"}
    assert (third.previous, third.metric) == (2, (0.741, 0.61))
    assert third.failed == {"min_roc_auc": "at least 0.7"}
    assert (decision.changes, decision.previous, decision.failed) == ((), None, {})
    assert fourth.previous == 3
    texts = _texts(found)
    assert texts[0].startswith("version 2: roc_auc 0.74 → 0.741; nothing that was recorded differs")
    assert texts[1].startswith("version 3: FAILED min_roc_auc; roc_auc 0.741 → 0.61; ")
    assert change_text(third.changes[0])[:60] in texts[1]
    assert texts[1].endswith(f" (and {len(third.changes) - 1} more)")
    assert "production → flight_delay@3 by ada" in texts[2]
    assert "it was late" in texts[2]
    assert not any("caused" in text for text in texts)


def test_what_differs_is_what_the_comparison_of_the_two_versions_finds(story: Path) -> None:
    found = _ask(story, "1")
    with Catalog(f"sqlite:///{story}/catalog.db", read_only=True) as catalog:
        for event in found.events:
            if event.previous is not None and event.version is not None:
                first, second = (catalog.get("flight_delay", each) for each in (event.previous, event.version))
                assert event.changes == compare_versions(catalog, first, second, project_dir=story).changes


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9])
def test_of_more_events_than_are_shown_the_newest_are_and_the_others_are_counted(story: Path, limit: int) -> None:
    whole, found = _ask(story, "1"), _ask(story, "1", limit=limit)
    assert found.events == whole.events[-limit:]
    assert (whole.earlier, found.earlier) == (0, max(0, 4 - limit))
    assert (found.moved, found.noise, found.live) == (whole.moved, whole.noise, whole.live)
    shown = render_text(timeline_document(found))
    assert ("not shown (-n 0 shows all)" in shown) == (limit < 4)
    assert not render_text(timeline_document(whole)).count("not shown")


def test_the_answer_begins_with_what_is_live_and_where_the_metric_moved(story: Path) -> None:
    found = _ask(story, "1")
    first, ask, *_ = render_text(timeline_document(found)).splitlines()
    assert first.startswith("flight_delay@3 is in production, since ")
    assert "roc_auc fell from 0.741 to 0.61 with flight_delay@3 first (by more than 1 %)." in first
    assert f"What differs first: {change_text(found.events[1].changes[0])}." in first
    assert ask == "  lineage diff flight_delay@2 flight_delay@3"
    plain = timeline_json(found)
    assert isinstance(plain, dict)
    events = plain["events"]
    assert isinstance(events, list)
    assert isinstance(events[1], dict)
    assert events[1]["failed"] == {"min_roc_auc": "at least 0.7"}
    assert events[1]["metric"] == {"before": 0.741, "after": 0.61}


@pytest.mark.parametrize("since", ["7x", "7 days", "0d", "1.5h"])
def test_a_span_in_another_unit_is_called_one(story: Path, since: str) -> None:
    with pytest.raises(NotFoundError, match="not a span of time") as refused:
        _ask(story, since)
    assert "7d" in (refused.value.fix or "")


def test_what_is_said_first_is_who_is_live_and_where_the_metric_moved(story: Path) -> None:
    found = _ask(story, "1")
    assert (found.live, found.metric) == (3, "roc_auc")
    assert found.live_since is not None
    assert found.moved is not None
    assert (found.moved.previous, found.moved.version, found.moved.before, found.moved.after) == (2, 3, 0.741, 0.61)
    assert _ask(story, "flight_delay@production").moved == _ask(story, "3").moved
    assert _ask(story, "flight_delay").moved is None


@pytest.mark.parametrize("since", ["1h", "7d", "99999w", f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%MZ}", "2013-01-01"])
def test_since_may_be_an_instant_or_so_long_ago(story: Path, since: str) -> None:
    found = _ask(story, since)
    assert sum(event.kind == "version" for event in found.events) == 4
    assert found.events[0].kind == "key"
    first = found.events[1]
    assert (first.version, first.previous, first.changes) == (1, None, ())
    assert event_text(first, found) == "version 1: roc_auc 0.74; the first version"


def test_nothing_since_tomorrow(story: Path) -> None:
    found = _ask(story, f"{NOW + timedelta(days=1):%Y-%m-%dT%H:%MZ}")
    assert (found.events, found.moved) == ((), None)


@pytest.mark.parametrize("since", ["flight_delay@9", "yesterday", "0d", "9", "20d2", "minutes", "", "-1", "2013-13-01"])
def test_what_is_no_version_and_no_instant_is_refused(story: Path, since: str) -> None:
    with pytest.raises(NotFoundError):
        _ask(story, since)


def _kinds(before: LineageRecord, after: LineageRecord, store: ArtifactStore | None) -> list[tuple[ChangeKind, str]]:
    return [(change.kind, change.subject) for change in _changes(before, after, store)]


def _changes(before: LineageRecord, after: LineageRecord, store: ArtifactStore | None) -> tuple[Change, ...]:
    return rank(compare_records(before, after, artifacts=store))


def test_each_layer_is_told(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    lists = [store.put_bytes(f"scikit-learn==1.9.{n}\nzzz==1\n".encode()) for n in (0, 1)]
    before, after = (_with(make_record(), environment={"packages": each}) for each in lists)
    assert _kinds(before, before, store) == [(ChangeKind.NOTHING, "")]
    (library,) = _changes(before, after, store)
    assert (library.kind, library.subject) == (ChangeKind.LIBRARY_CHANGED, "scikit-learn")
    assert (library.before, library.after) == ("1.9.0", "1.9.1")
    more = _with(before, parameters={**before.parameters, "max_iter": 300})
    assert _kinds(before, more, store) == [(ChangeKind.PARAMETER_CHANGED, "max_iter")]
    other = _with(before, code={"revision": "f" * 40, "patch": digest("other")})
    assert ChangeKind.UNEXPLAINED not in [kind for kind, _ in _kinds(before, other, store)]
    assert _kinds(before, with_metrics(before, roc_auc=0.5), store) == [(ChangeKind.UNEXPLAINED, "")]
    less = dataclasses.replace(before, data=before.data[:1], stages=before.stages[:1])
    gone, back = _kinds(before, less, store), _kinds(less, before, store)
    assert {(ChangeKind.INPUT_REMOVED, "test"), (ChangeKind.STEP_REMOVED, "split")} <= set(gone)
    assert {(ChangeKind.INPUT_ADDED, "test"), (ChangeKind.STEP_ADDED, "split")} <= set(back)


def test_that_libraries_differ_is_told_where_their_lists_are_not_kept() -> None:
    before, after = (_with(make_record(), environment={"packages": digest(each)}) for each in ("one", "other"))
    (change,) = _changes(before, after, None)
    assert change.layer is Layer.ENVIRONMENT
    assert "librar" in change_text(change)


def _with(record: LineageRecord, **parts: Any) -> LineageRecord:
    changed: dict[str, Any] = {}
    for name, value in parts.items():
        old = getattr(record, name)
        nested = isinstance(value, dict) and dataclasses.is_dataclass(old) and not isinstance(old, type)
        changed[name] = dataclasses.replace(old, **value) if nested else value
    return dataclasses.replace(record, **changed)


def test_more_versions_than_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineage_pipelines.queries.versions.what_changed._PAGE", 2)
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        for number in range(7):
            catalog.append(make_record(str(number)))
    for since in range(1, 8):
        found = _ask(tmp_path, str(since))
        assert [(event.version, event.previous) for event in found.events] == [(n, n - 1) for n in range(since + 1, 8)]
        assert {change.kind for event in found.events for change in event.changes} <= {ChangeKind.NOTHING}
        assert all("nothing differs in data" in text for text in _texts(found))
    assert _ask(tmp_path, "1h").events[0].previous is None


def test_a_metric_moved_when_it_left_its_noise_where_there_are_repeats(tmp_path: Path) -> None:
    """Of versions that are made alike the spread says what is nothing; one per cent is for those without repeats."""
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        for number, auc in enumerate((0.70, 0.72, 0.74, 0.72)):
            catalog.append(make_record(str(number), auc=auc))
        catalog.append(make_record("9", auc=0.60, raw="through July"))
    found = _ask(tmp_path, "1")
    assert found.noise == pytest.approx(2 * 0.01633, abs=1e-4)
    assert found.moved is not None
    assert found.moved.version == 5
    with Catalog(f"sqlite:///{tmp_path}/catalog.db", read_only=True) as catalog:
        crossed = bisect_metric(catalog, "flight_delay", "roc_auc", good="3", bad="1")
    assert crossed.noise == found.noise
    assert crossed.first.within_noise
