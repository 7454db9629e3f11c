"""Times that are none, have no zone, or stand before the time before (53, 54)."""

import json

import pytest

from lineage_pipelines_tests.bad_input.project import Project
from lineage_pipelines_tests.faults.owner import unguarded

NONE = "not a time: "
NO_ZONE = "has no time zone"
APPROVE = ("approve", "flight_delay@1", "--to", "production", "--reason", "x", "--key", "ann.pem")
WRONG = [
    ("yesterday", NONE),
    ("", "is empty"),
    ("2099-13-01T00:00Z", NONE),
    ("2099-02-30T00:00Z", NONE),
    ("2016-12-31T23:59:60Z", "leap second"),
    ("2099-01-01T24:30Z", NONE),
    ("2099-01-01", NO_ZONE),
    ("2099-03-29T02:30", NO_ZONE),  # in Berlin, an hour that is not there
    ("2099-10-25T02:30:00", NO_ZONE),  # and one that is there twice
    ("2099-10-25T02:30 Europe/Berlin", NONE),
    ("2099-01-01T00:00+25:00", NONE),
    ("9999-12-31T23:59:59-01:00", NONE),
    ("0001-01-01T00:00+14:00", NONE),
    ("\u0662\u0660\u0669\u0669-01-01T00:00Z", NONE),
    ("1893456000", NONE),
    ("now", NONE),
    ("2099-01-01T00:00Z" + "0" * 5000, NONE),
]


@pytest.mark.parametrize(("time", "told"), WRONG)
def test_what_is_no_instant_is_refused(people: Project, time: str, told: str) -> None:
    done = people.refused(2, *APPROVE, "--expires", time, told=[told, "--expires"])
    assert len(done.stderr) < 400


@pytest.mark.parametrize(("time", "told"), WRONG[:1] + WRONG[7:8] + WRONG[11:13])
def test_what_is_no_instant_is_not_asked_about(project: Project, time: str, told: str) -> None:
    project.refused(2, "history", "flight_delay", "--alias", "production", "--at", time, told=[told, "--at"])


@pytest.mark.parametrize("span", ["", "0d", "-1d", "1.5h", "1", "d", "7 d", "\u0667d", "99999d", "1y"])
def test_what_is_no_span_is_refused(people: Project, span: str) -> None:
    people.refused(2, *APPROVE, "--expires-in", span, told=["--expires-in"])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2099-03-28T02:30+14:00", "2099-03-27T12:30:00.000000Z"),
        ("2099-03-28T02:30:00.123456-12:00", "2099-03-28T14:30:00.123456Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("20990101T000000Z", "2099-01-01T00:00:00.000000Z"),
        ("2099-01-01T00:00-00:00", "2099-01-01T00:00:00.000000Z"),
    ],
)
def test_an_instant_is_kept_in_utc(people: Project, given: str, kept: str) -> None:
    done = people.run(*APPROVE, "--expires", given, env={"TZ": "Asia/Kathmandu"})
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(people.run("history", "flight_delay", "--format", "json").stdout)
    assert row["expires"] == kept
    promoted = people.run("promote", "flight_delay@1", "--to", "production", "--reason", "x")
    assert promoted.returncode == 0
    at = people.run("history", "flight_delay", "--alias", "production", "--format", "json", "--at", given)
    assert [row["version"] for row in json.loads(at.stdout)] == [1]


def test_a_time_that_is_over_is_no_end(people: Project) -> None:
    people.refused(2, *APPROVE, "--expires", "2013-01-01T00:00Z", told=["is in the past", "later time"])
    both = ("--expires", "2099-01-01T00:00Z", "--expires-in", "7d")
    people.refused(2, *APPROVE, *both, told=["give --expires or --expires-in, not both"])


@pytest.mark.parametrize("hours", ["nan", "inf", "1e308", "-1", "\u0661x", ""])
def test_an_age_that_is_none_is_refused(project: Project, hours: str) -> None:
    project.refused(2, "reconcile", "--older-than", hours, told=["--older-than"])


def test_a_clock_before_the_previous_entry_is_a_warning(project: Project) -> None:
    with unguarded(project.file) as raw:
        for table in ("log", "summary"):
            raw.execute(f"UPDATE {table} SET recorded = '2013-01-01T00:00:00.000000Z' WHERE seq = 3")
    done = project.run("verify", "--quick", "--format", "json")
    assert done.returncode == 0, done.stdout
    order = next(claim for claim in json.loads(done.stdout) if claim["claim"] == "order")
    assert order["verdict"] == "PASS"
    assert "warning: 1 entries were committed before the entry before them" in order["detail"]
    assert project.run("log", "flight_delay").returncode == 0
