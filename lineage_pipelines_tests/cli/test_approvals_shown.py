"""Approvals where people look: the history, a version, the list of keys."""

import pytest

from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.cli.test_approvals import FOR, by, carol, key_of, people, promote

__all__ = ["carol", "people"]


@pytest.mark.usefixtures("people")
def test_the_history_a_version_and_the_keys_tell_of_approvals(lineage: Lineage) -> None:
    by(lineage, "ann", "bob")
    assert promote(lineage)[0] == 0
    lineage("key", "revoke", key_of(lineage, "bob"), "--reason", "stolen")
    history = lineage("history", "flight_delay")
    assert "approve (void)" in history.out
    assert history.out.count("  approve  ") == 1
    actions = [row["action"] for row in lineage("history", "flight_delay", "--format", "json").json()]
    assert actions == ["promote", "approve", "approve"]
    shown = lineage("show", "flight_delay@2").out
    assert shown.count("  approved  ") == 2
    assert "VOID: the key " in " ".join(shown.split())
    whole = " ".join(lineage("show", "flight_delay@2", "--full").out.split())
    assert "; approved by ann@example.org (entry 10), bob@example.org (entry 11)" in whole
    assert "approved" not in lineage("show", "flight_delay@1").out
    keys = lineage("key", "list", "--format", "json").json()
    assert [(key["purpose"], key["owner"]) for key in keys][:2] == [("log", None), ("approval", "ann@example.org")]
    assert "approvals  ann@example.org" in lineage("key", "list").out


@pytest.mark.usefixtures("people")
def test_an_approval_that_nobody_has_used_yet_is_in_the_history(lineage: Lineage) -> None:
    assert lineage(*FOR, "--key", "ann.pem", "--expires-in", "7d").code == 0
    (row,) = lineage("history", "flight_delay", "--format", "json").json()
    assert (row["action"], row["by"], row["void"]) == ("approve", "ann@example.org", None)
    assert lineage("history", "flight_delay", "--alias", "staging", "--format", "json").json() == []
    at = lineage("history", "flight_delay", "--alias", "production", "--at", row["at"], "--format", "json")
    assert at.json() == [], "an approval makes nobody live"
