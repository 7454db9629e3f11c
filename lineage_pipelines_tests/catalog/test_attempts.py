"""Attempts and their fence, and what others are yet to be told: on every database."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.catalog.outbox.attempts import Attempt, AttemptEnd
from lineage_pipelines.errors import ConflictError
from lineage_pipelines_tests.samples import make_record, run_key


def _begin(catalog: Catalog, run: str = "1") -> Attempt:
    return catalog.outbox.begin_attempt(
        run_key(f"flight_delay {run}"), "flight_delay", host="vega", process="b1:4711", run="r1", folder="/tmp/x"
    )


def test_an_attempt_runs_until_it_commits(catalog: Catalog) -> None:
    attempt = _begin(catalog)
    assert attempt.epoch == 1
    assert list(catalog.outbox.running_attempts()) == [attempt]
    catalog.append(make_record("1"), attempt=attempt)
    assert list(catalog.outbox.running_attempts()) == []


@pytest.mark.parametrize("how", AttemptEnd)
def test_an_attempt_that_ended_commits_nothing(catalog: Catalog, how: AttemptEnd) -> None:
    attempt = _begin(catalog)
    catalog.outbox.end_attempt(attempt, how)
    catalog.outbox.end_attempt(attempt, AttemptEnd.ABANDONED)  # it is known already
    assert list(catalog.outbox.running_attempts()) == []
    with pytest.raises(ConflictError, match=f"attempt 1 of this run is over: it was found {how}") as caught:
        catalog.append(make_record("1"), attempt=attempt)
    assert "launch the run again" in caught.value.fix
    assert catalog.models() == []


def test_a_later_attempt_fences_an_earlier_one_off(catalog: Catalog) -> None:
    first, second = _begin(catalog), _begin(catalog)
    assert (first.epoch, second.epoch) == (1, 2)
    for zombie in (first, None):
        with pytest.raises(ConflictError, match="of this run was superseded by attempt 2") as caught:
            catalog.append(make_record("1"), attempt=zombie)
        assert caught.value.where == f"run key {first.run_key[:12]}"
    assert catalog.models() == []
    entry = catalog.append(make_record("1"), attempt=second)
    # The same claim again is the version that the run has, whoever makes it.
    assert catalog.append(make_record("1"), attempt=first) == entry
    assert list(catalog.outbox.running_attempts()) == []


def test_a_third_attempt_finds_what_the_second_committed(catalog: Catalog) -> None:
    _begin(catalog)
    entry = catalog.append(make_record("1"), attempt=_begin(catalog))
    third = _begin(catalog)
    assert catalog.append(make_record("1"), attempt=third) == entry
    assert [attempt.epoch for attempt in catalog.outbox.running_attempts()] == [1]


def test_attempts_at_other_runs_do_not_matter(catalog: Catalog) -> None:
    one, other = _begin(catalog, "1"), _begin(catalog, "2")
    assert catalog.append(make_record("2"), attempt=other).version == 1
    assert catalog.append(make_record("1"), attempt=one).version == 2


def test_of_attempts_that_race_only_the_last_commits(catalog: Catalog) -> None:
    many = 8
    barrier = Barrier(many)

    def try_once(_: int) -> Entry | ConflictError:
        barrier.wait(60)
        attempt = _begin(catalog)
        barrier.wait(60)
        try:
            return catalog.append(make_record("1"), attempt=attempt)
        except ConflictError as error:
            return error

    with ThreadPoolExecutor(many) as pool:
        told = list(pool.map(try_once, range(many)))
    committed = catalog.entries("flight_delay")
    assert len(committed) == 1
    assert {answer.digest for answer in told if isinstance(answer, Entry)} == {committed[0].digest}


def test_what_others_are_to_be_told_waits_until_it_arrived(catalog: Catalog) -> None:
    told = [catalog.append(make_record(run), notify=["dagster", "mlflow"]) for run in "12"]
    catalog.append(make_record("3"))
    catalog.append(make_record("1"), notify=["dagster"])  # the run has its version, and that is in the outbox
    assert list(catalog.outbox.pending_versions("dagster")) == told
    catalog.outbox.mark_delivered("dagster", told[:1])
    catalog.outbox.mark_delivered("dagster", told[:1])
    assert list(catalog.outbox.pending_versions("dagster")) == told[1:]
    assert list(catalog.outbox.pending_versions("mlflow")) == told
    assert list(catalog.outbox.pending_versions("nowhere")) == []
    catalog.rebuild()
    assert list(catalog.outbox.pending_versions("dagster")) == told[1:]


def test_only_what_was_to_be_told_is_delivered(catalog: Catalog) -> None:
    entry = catalog.append(make_record("1"))
    catalog.outbox.mark_delivered("dagster", [entry])
    assert list(catalog.outbox.pending_versions("dagster")) == []
