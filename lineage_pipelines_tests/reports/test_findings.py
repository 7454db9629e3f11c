"""Findings in their released forms: the keys and words that scripts read."""

import pytest

from lineage_pipelines.records.values.finding import Finding, FindingKind, FindingStatus
from lineage_pipelines.reports.views.doctor import doctor_json
from lineage_pipelines.reports.views.reconcile import reconciled_json
from lineage_pipelines.reports.views.verify import verify_json

FAILURES = {"fail", "ALARM", "refused", "not sent"}


@pytest.mark.parametrize("status", FindingStatus)
def test_what_fails_sets_the_exit_code(status: FindingStatus) -> None:
    finding = Finding(kind=FindingKind.GIT, status=status, detail="")
    assert finding.failed == (str(status) in FAILURES)


def test_doctor_names_its_check() -> None:
    finding = Finding(kind=FindingKind.DVC_LOCK, status=FindingStatus.FAIL, detail="damaged", fix="rm it")
    assert doctor_json([finding]) == [{"check": "dvc lock", "status": "fail", "detail": "damaged", "fix": "rm it"}]


def test_reconcile_says_what_was_done() -> None:
    finding = Finding(
        kind=FindingKind.HALF_WRITTEN_FILE, subject="/a", status=FindingStatus.TO_BE_REMOVED, detail="3 bytes"
    )
    row = {"what": "half-written file", "subject": "/a", "done": "to be removed", "detail": "3 bytes"}
    assert reconciled_json([finding]) == [row]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (FindingStatus.OK, "PASS"),
        (FindingStatus.FAIL, "FAIL"),
        (FindingStatus.NOT_CHECKED, "NOT CHECKED"),
    ],
)
def test_verify_gives_a_verdict(status: FindingStatus, verdict: str) -> None:
    cause = Finding(kind=FindingKind.ORDER, status=FindingStatus.FAIL, detail="entry 2 is missing", places=(2,))
    finding = Finding(kind=FindingKind.ORDER, status=status, detail="a gap", places=(2,), causes=(cause,))
    row = {"claim": "order", "verdict": verdict, "detail": "a gap", "wrong": ["entry 2 is missing"], "entries": [2]}
    assert verify_json([finding]) == [row]
