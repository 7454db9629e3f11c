"""One line of time: what happened since, in order, and what is said first."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion
from lineage_pipelines.queries.versions.bisect import bisect_metric
from lineage_pipelines.queries.versions.version_headline import phrases
from lineage_pipelines.queries.versions.what_changed import Timeline, what_changed
from lineage_pipelines.records.statement.lineage_record import LineageRecord
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


def _ask(folder: Path, since: str) -> Timeline:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        return what_changed(catalog, "flight_delay", since, now=datetime.now(UTC), project_dir=folder)


def test_everything_since_a_version_in_the_order_of_the_log(story: Path) -> None:
    found = _ask(story, "flight_delay@1")
    assert [(event.kind, event.version) for event in found.events] == [
        ("version", 2),
        ("version", 3),
        ("checks", 3),
        ("decision", 3),
        ("version", 4),
    ]
    texts = [event.text for event in found.events]
    assert texts[0] == "flight_delay@2: roc_auc rose from 0.74 to 0.741"
    assert "data differs: train, test" in texts[1]
    assert "min_roc_auc" in texts[2]
    assert "production → flight_delay@3 by ada" in texts[3]
    assert "it was late" in texts[3]
    assert not any("caused" in text for text in texts)


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
    assert found.events[1].text == "flight_delay@1: the first version"


def test_nothing_since_tomorrow(story: Path) -> None:
    found = _ask(story, f"{NOW + timedelta(days=1):%Y-%m-%dT%H:%MZ}")
    assert (found.events, found.moved) == ((), None)


@pytest.mark.parametrize("since", ["flight_delay@9", "yesterday", "0d", "9", "20d2", "minutes", "", "-1", "2013-13-01"])
def test_what_is_no_version_and_no_instant_is_refused(story: Path, since: str) -> None:
    with pytest.raises(NotFoundError):
        _ask(story, since)


def test_each_layer_has_its_phrase(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    lists = [store.put_bytes(f"scikit-learn==1.9.{n}\nzzz==1\n".encode()) for n in (0, 1)]
    before, after = (_with(make_record(), environment={"packages": each}) for each in lists)
    assert phrases(before, before, store) == []
    assert phrases(before, after, store) == ["libraries: scikit-learn 1.9.0 → 1.9.1"]
    assert "not in the artifact store" in phrases(before, after, None)[0]
    assert phrases(before, _with(before, parameters={**before.parameters, "max_iter": 300}), store) == [
        "parameters: max_iter 200 → 300"
    ]
    assert phrases(before, _with(before, code={"revision": "f" * 40, "patch": digest("other")}), store) == [
        "commit 4f0c9a1b → ffffffff",
        "other uncommitted changes",
    ]
    assert phrases(before, with_metrics(before, roc_auc=0.5), store) == ["roc_auc fell from 0.7421 to 0.5"]
    less = dataclasses.replace(before, data=before.data[:1], stages=before.stages[:1])
    assert phrases(before, less, store) == ["data no longer read: test", "preparation differs: split"]
    assert phrases(less, before, store) == ["data new: test", "preparation differs: split"]


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
        texts = [event.text for event in _ask(tmp_path, str(since)).events]
        assert texts == [f"flight_delay@{n}: no difference from the version before" for n in range(since + 1, 8)]
    assert _ask(tmp_path, "1h").events[0].text == "flight_delay@1: the first version"


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
