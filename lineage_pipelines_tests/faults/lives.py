"""One life of an honest catalog: what people do with it, step by step, and what `verify` says meanwhile."""

import contextlib
import dataclasses
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.catalog.transparency.signing import ApprovalKey, LogKey
from lineage_pipelines.errors import CatalogError, LineageError
from lineage_pipelines.queries.registry.approval_status import draft_approval
from lineage_pipelines.queries.registry.decision_drafts import (
    draft_promotion,
    draft_rejection,
    draft_retirement,
    draft_rollback,
)
from lineage_pipelines.queries.verify.trusted_checkpoints import Anchor
from lineage_pipelines.queries.verify.verify import verify_catalog
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines_tests.faults.interposer import Faults
from lineage_pipelines_tests.faults.old_catalog import make_old_catalog
from lineage_pipelines_tests.faults.versions import open_catalog, open_store, store_shared, stored

MODELS = ("flight_delay", "churn")
ALIASES = ("production", "staging")
POLICIES = ("", 'checks = ["min_roc_auc"]', "no_worse = { roc_auc = 0.01 }", "complete = true", "approvals = 1")
_DAY = 86_400


@dataclasses.dataclass
class _Copy:
    """A copy of the file, and what had been kept when it was made."""

    file: Path
    notes: list[str]


class Life:
    """One catalog and its people.

    Args:
        folder: empty.
        seed: decides about everything.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._chance = random.Random(seed)
        self._notes: list[str] = []
        self._copy: _Copy | None = None
        self._runs = 0
        self._people: list[ApprovalKey] = []
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.verified = 0
        """How often the log was compared with a checkpoint."""
        self.alarms: list[str] = []
        store_shared(folder)
        if seed % 4 == 0:
            make_old_catalog(folder, self._chance.randint(1, 4))
        self._catalog = open_catalog(folder)
        self._append()

    def step(self) -> None:
        """Do something, or be refused it for a reason; sometimes verify."""
        what = self._chance.choices(list(_STEPS), [weight for _, weight in _STEPS.values()])[0]
        try:
            _STEPS[what][0](self)
        except LineageError:
            self.refused[what] += 1
        else:
            self.done[what] += 1
        if self._chance.random() < 0.2:
            self.verify()

    def verify(self) -> None:
        """Verify everything against every checkpoint that was kept."""
        earlier = [Anchor(note, f"note {number}") for number, note in enumerate(self._notes)]
        with Catalog(self._catalog.url, read_only=True) as catalog:
            claims = verify_catalog(
                catalog,
                anchor=self._notes[-1] if self._notes else None,
                anchor_name="the last note",
                earlier=earlier[:-1],
                artifacts=open_store(self._folder),
            )
        self.verified += len(self._notes)
        failed = [claim for claim in claims if claim.failed]
        self.alarms.extend(
            f"after {sum(self.done.values())} steps: {claim.kind}: {claim.detail[:200]}" for claim in failed
        )

    # What people do

    def _new(self) -> LineageRecord:
        self._runs += 1
        model = self._mostly(MODELS)
        record = stored(open_store(self._folder), f"run {self._runs}", model=model)
        if record.evaluation is None:
            raise ValueError("the record has no evaluation")
        metrics = {"roc_auc": self._chance.uniform(0.6, 0.9)}
        return dataclasses.replace(record, evaluation=dataclasses.replace(record.evaluation, metrics=metrics))

    def _append(self) -> None:
        self._record = self._new()
        self._catalog.append(self._record)

    def _retry(self) -> None:
        run = dataclasses.replace(self._record.run, finished=self._record.run.finished + timedelta(minutes=5))
        self._catalog.append(dataclasses.replace(self._record, run=run))

    def _append_at_once(self) -> None:
        records = [self._new() for _ in range(6)]
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(self._catalog.append, records))

    def _rebuild(self) -> None:
        self._catalog.rebuild()

    def _reopen(self) -> None:
        self._catalog.close()
        self._catalog = open_catalog(self._folder)

    def _lose_key(self) -> None:
        (self._folder / "keys" / "log.pem").unlink(missing_ok=True)
        self._append()

    def _revoke_key(self) -> None:
        file = self._folder / "keys" / "log.pem"
        gone = LogKey(file)
        if self._chance.random() < 0.5:  # it revokes itself; otherwise its successor does
            self._catalog.registry.revoke_key(gone.keyid, "the machine is sold")
            file.unlink()
        else:
            file.unlink()
            self._append()
            self._catalog.registry.revoke_key(gone.keyid, "the machine was stolen")

    def _checkpoint(self) -> None:
        self._notes.append(self._catalog.log.checkpoint())

    def _turn_clock(self) -> None:
        Faults().shift_clock(self._chance.randint(-_DAY, _DAY))

    def _change_policy(self) -> None:
        rules = "".join(f"[tool.lineage.promotion.{alias}]\n{self._chance.choice(POLICIES)}\n" for alias in ALIASES)
        (self._folder / "pyproject.toml").write_text(rules)

    # Decisions

    def _mostly(self, names: tuple[str, ...]) -> str:
        """Return one of the names, and mostly the first, so that it has a history."""
        return names[0] if self._chance.random() < 0.8 else self._chance.choice(names)

    def _entry(self) -> Entry:
        return self._chance.choice(self._catalog.entries(self._mostly(MODELS)) or [self._latest()])

    def _latest(self) -> Entry:
        entry = self._catalog.latest(self._record.model.name)
        if entry is None:
            raise ValueError("there is no version")
        return entry

    def _promote(self, *, override: bool = False) -> None:
        draft = draft_promotion(
            self._catalog,
            self._entry(),
            self._mostly(ALIASES),
            by=self._chance.choice(("ada", "grace")),
            reason="better",
            project_dir=self._folder,
            override=override,
        )
        if not override and not all(rule.passed for rule in draft.rules):
            raise CatalogError("the policy is against it")  # as the command says
        self._catalog.registry.decide(draft)

    def _override(self) -> None:
        self._promote(override=True)

    def _reject(self) -> None:
        alias = self._mostly(ALIASES)
        self._catalog.registry.decide(
            draft_rejection(self._catalog, self._entry(), alias, by="ada", reason="worse at night")
        )

    def _roll_back(self) -> None:
        model, alias = self._mostly(MODELS), self._mostly(ALIASES)
        self._catalog.registry.decide(draft_rollback(self._catalog, model, alias, by="ada", reason="complaints"))

    def _retire(self) -> None:
        model, alias = self._mostly(MODELS), self._mostly(ALIASES)
        self._catalog.registry.decide(draft_retirement(self._catalog, model, alias, by="ada", reason="not needed"))

    def _approve(self) -> None:
        if not self._people or self._chance.random() < 0.3:
            person = ApprovalKey(self._folder / f"person{len(self._people)}.pem", create=True)
            self._catalog.registry.introduce_key(person.introduction(f"person{len(self._people)}@example.org"))
            self._people.append(person)
        person, alias = self._chance.choice(self._people), self._mostly(ALIASES)
        draft = draft_approval(
            self._catalog, self._entry(), alias, key=person.keyid, reason="seen", project_dir=self._folder
        )
        self._catalog.registry.approve(person.approve(draft))

    def _dismiss(self) -> None:
        if self._people:
            self._catalog.registry.revoke_key(self._people.pop().keyid, "has left")

    # Copies

    def _keep_copy(self) -> None:
        file = self._folder / f"copy{self._chance.getrandbits(32)}.db"
        with contextlib.closing(sqlite3.connect(self._folder / "catalog.db")) as raw:
            if self._chance.random() < 0.5:
                raw.execute("VACUUM INTO ?", (str(file),))
            else:
                with contextlib.closing(sqlite3.connect(file)) as target:
                    raw.backup(target)
        self._copy = _Copy(file, list(self._notes))

    def _restore(self) -> None:
        """Go on with the last copy. What was kept of what came after it is of a log that is lost."""
        if self._copy is None:
            self._keep_copy()
        self._catalog.close()
        if self._copy is not None:
            for left in self._folder.glob("catalog.db*"):
                left.unlink()
            shutil.copy(self._copy.file, self._folder / "catalog.db")
            self._notes = list(self._copy.notes)
        self._catalog = open_catalog(self._folder)
        self._append()


_STEPS: dict[str, tuple[Callable[[Life], None], int]] = {
    "a version": (Life._append, 6),
    "a retry": (Life._retry, 2),
    "six versions by three writers": (Life._append_at_once, 1),
    "index rebuilt": (Life._rebuild, 1),
    "catalog opened again": (Life._reopen, 1),
    "key lost": (Life._lose_key, 1),
    "key revoked": (Life._revoke_key, 1),
    "checkpoint": (Life._checkpoint, 5),
    "clock turned": (Life._turn_clock, 2),
    "policy changed": (Life._change_policy, 2),
    "promotion": (Life._promote, 5),
    "promotion against the policy": (Life._override, 1),
    "rejection": (Life._reject, 1),
    "rollback": (Life._roll_back, 2),
    "retirement": (Life._retire, 1),
    "approval": (Life._approve, 3),
    "approver's key revoked": (Life._dismiss, 1),
    "copy made": (Life._keep_copy, 1),
    "copy restored and continued": (Life._restore, 1),
}
"""What may happen, and how often."""
