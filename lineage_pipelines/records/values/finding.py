"""Finding: what a look at something detected, as a verdict.

`lineage doctor`, `verify` and `reconcile` answer with findings: a mismatch is an answer, not an exception. What differs
between two versions is a `Change` instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """What was looked at, or what does not agree."""

    # The machine and the project (doctor)
    ANTLR = "antlr"
    ARTIFACTS = "artifacts"
    """The artifact store (doctor), and the files in it (verify)."""
    CATALOG = "catalog"
    DAGSTER = "dagster"
    DVC = "dvc"
    DVC_FILES = "dvc files"
    DVC_LOCK = "dvc lock"
    GIT = "git"
    LOCK_FILE = "lock file"
    METAFILES = "metafiles"
    MLFLOW = "mlflow"
    UNFINISHED = "unfinished"
    # What is wrong with the files of a DVC project
    DVC_PROJECT = "DVC project"
    # What the catalog claims (verify)
    APPROVALS = "approvals"
    CHECKPOINT = "checkpoint"
    DATA = "data"
    DECISIONS = "decisions"
    ENTRIES = "entries"
    INCLUSION = "inclusion"
    INDEX = "index"
    MODELS = "models"
    ORDER = "order"
    SIGNATURES = "signatures"
    # What a crash left behind (reconcile)
    ATTEMPT_WITHOUT_END = "attempt without end"
    DECISION_WITHOUT_EVENT = "decision without event"
    EVENT_WITHOUT_DECISION = "event without decision"
    EVENT_WITHOUT_RECORD = "event without record"
    HALF_WRITTEN_FILE = "half-written file"
    RECORD_OF_FAILED_RUN = "record of failed run"
    RECORD_WITHOUT_EVENT = "record without event"
    RUN_WITHOUT_RECORD = "run without record"
    STRAY_FOLDER = "stray folder"
    # What differs between the catalog and MLflow (reconcile)
    ALIAS_DIFFERS = "alias differs"
    MLFLOW_NOT_COMPARED = "MLflow not compared"
    OWED_TO_MLFLOW = "owed to MLflow"
    VERSION_GONE_FROM_MLFLOW = "version gone from MLflow"
    VERSION_NOT_IN_MLFLOW = "version not in MLflow"
    VERSION_WITHOUT_LINEAGE = "version without lineage"
    VERSION_WITHOUT_RECORD = "version without record"


class FindingStatus(StrEnum):
    """The verdict, or what was done about a finding and would be done about it in a dry run."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    NOT_CHECKED = "not checked"
    """Could not be checked, which is not a pass."""

    ALARM = "ALARM"
    """A sign of forgery, or of work that nothing explains; left as it is."""
    LEFT = "left"
    """Not ours to change."""
    NOT_SENT = "not sent"
    """MLflow is not reachable."""
    REFUSED = "refused"
    """MLflow refuses the change."""
    WAITING = "waiting"
    """Too young to act on."""
    GIVEN_UP = "given up"
    MIRRORED = "mirrored"
    MOVED = "moved"
    REMOVED = "removed"
    REPORTED = "reported"
    SENT = "sent"
    TO_BE_GIVEN_UP = "to be given up"
    TO_BE_MIRRORED = "to be mirrored"
    TO_BE_MOVED = "to be moved"
    TO_BE_REMOVED = "to be removed"
    TO_BE_REPORTED = "to be reported"
    TO_BE_SENT = "to be sent"


_FAILURES = frozenset({FindingStatus.FAIL, FindingStatus.ALARM, FindingStatus.NOT_SENT, FindingStatus.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One detected fact and its verdict."""

    kind: FindingKind
    status: FindingStatus
    subject: str = ""
    """What it is about: a version, a file, an attempt; empty where kind and detail say it."""
    detail: str
    """One line, for people."""
    fix: str = ""
    """What to do about it; empty when there is nothing to do."""
    places: Sequence[int] = ()
    """Where: numbers of entries of the log, or lines of the file that is the subject (1-based); empty for all of it."""
    causes: tuple["Finding", ...] = ()
    """The single failures behind a failed claim; `detail` shows the first of them."""

    @property
    def failed(self) -> bool:
        """Whether something is wrong that a person has to look at: the command exits with 1."""
        return self.status in _FAILURES
