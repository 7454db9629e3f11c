"""An approval gets into the log only when it could count, and a promotion only with the approvals that still do."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.catalog.transparency.signing import ApprovalKey
from lineage_pipelines.errors import CatalogError, ConflictError, LineageError, NotFoundError, RecordError
from lineage_pipelines.queries.registry.alias_history import find_holder
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion
from lineage_pipelines.queries.verify.keyring import list_keys
from lineage_pipelines.records.decisions.approval import SignedApproval, encode_approval, encode_envelope
from lineage_pipelines.records.decisions.decision import CountedApproval, Decision
from lineage_pipelines.records.decisions.key_event import KeyEvent, KeyPurpose, decode_key_event
from lineage_pipelines_tests.catalog.people import Person, forge, introduce, plain_policy, size
from lineage_pipelines_tests.samples import digest, make_record

POLICY = plain_policy(approvals=1)


@pytest.fixture
def catalog(url: str, tmp_path: Path) -> Iterator[Catalog]:
    """A catalog of two versions, whose project asks for one approval."""
    (tmp_path / "pyproject.toml").write_text("[tool.lineage.promotion.production]\napprovals = 1\n")
    with Catalog(url, keys=tmp_path / "keys") as opened:
        opened.append(make_record(run="1", auc=0.7))
        opened.append(make_record(run="2", auc=0.75))
        yield opened


@pytest.fixture
def entry(catalog: Catalog) -> Entry:
    return catalog.get("flight_delay", 2)


@pytest.fixture
def ann(catalog: Catalog, tmp_path: Path) -> Person:
    return introduce(catalog, tmp_path, "ann@example.org")


def draft(catalog: Catalog, entry: Entry, tmp_path: Path, by: str = "carol") -> Decision:
    return draft_promotion(catalog, entry, "production", by=by, reason="x", project_dir=tmp_path)


def test_an_approval_is_an_entry_in_its_envelope_signed_by_both(catalog: Catalog, entry: Entry, ann: Person) -> None:
    signed = ann.sign(entry, POLICY)
    seq = catalog.registry.approve(signed)
    (row,) = catalog.log.walk("approval")
    assert (row.seq, row.body) == (seq, encode_envelope(signed))
    (log_key,) = [key for key in list_keys(catalog) if key.purpose is KeyPurpose.LOG]
    assert row.keyid == log_key.key != ann.key.keyid


Change = Callable[[Person, Entry], SignedApproval]
NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda ann, entry: ann.sign(entry, POLICY, version=9), NotFoundError, "no version 9"),
        (lambda ann, entry: ann.sign(entry, POLICY, model="nothing"), NotFoundError, "no version 2 of nothing"),
        (lambda ann, entry: ann.sign(entry, POLICY, record=digest("x")), NotFoundError, "with the record"),
        (lambda ann, entry: ann.sign(entry, POLICY, version=1), NotFoundError, "with the record"),
        (lambda ann, entry: ann.sign(entry, POLICY, approver="bob"), CatalogError, "not signed by bob"),
        (lambda ann, entry: ann.sign(entry, POLICY, expires=NOW - timedelta(1)), CatalogError, "expired at"),
        (lambda ann, entry: ann.sign(entry, POLICY, given=NOW + timedelta(1)), CatalogError, "claims to be given"),
        (lambda ann, entry: ann.sign(entry, POLICY, given=NOW - timedelta(1)), CatalogError, "claims to be given"),
        (
            lambda ann, entry: replace(
                ann.sign(entry, POLICY), payload=encode_approval(ann.statement(entry, POLICY, reason="another"))
            ),
            CatalogError,
            "not signed by ann",
        ),
        (lambda ann, entry: replace(ann.sign(entry, POLICY), key="5f" * 32), NotFoundError, "does not know"),
        (lambda ann, entry: replace(ann.sign(entry, POLICY), payload=b"{}"), RecordError, "fields are missing"),
    ],
)
def test_an_approval_that_could_never_count_is_refused(
    catalog: Catalog, ann: Person, make: Change, error: type[LineageError], told: str
) -> None:
    before = size(catalog)
    with pytest.raises(error, match=told):
        catalog.registry.approve(make(ann, catalog.get("flight_delay", 2)))
    assert size(catalog) == before


def test_the_trainer_does_not_approve_whatever_the_mailbox(catalog: Catalog, entry: Entry, tmp_path: Path) -> None:
    for owner in ("ada", "ada@example.org", "Ada+work@example.net"):
        ada = introduce(catalog, tmp_path, owner)
        before = size(catalog)
        with pytest.raises(CatalogError, match=r"trained flight_delay@2 \(as ada\)"):
            ada.approve(catalog, entry, POLICY)
        assert size(catalog) == before


def test_a_revoked_key_and_the_key_of_the_log_approve_nothing(
    catalog: Catalog, entry: Entry, ann: Person, tmp_path: Path
) -> None:
    log = Person("ann@example.org", ApprovalKey(tmp_path / "keys" / "log.pem"))
    with pytest.raises(CatalogError, match="it signs the log"):
        log.approve(catalog, entry, POLICY)
    catalog.registry.revoke_key(ann.key.keyid, "stolen")
    before = size(catalog)
    with pytest.raises(CatalogError, match="was revoked by entry"):
        ann.approve(catalog, entry, POLICY)
    assert size(catalog) == before
    *_, revoked = (decode_key_event(row.body) for row in catalog.log.walk("key"))
    assert (revoked.purpose, revoked.reason) == (KeyPurpose.APPROVAL, "stolen")


def test_the_very_approval_is_not_given_twice(catalog: Catalog, entry: Entry, ann: Person) -> None:
    signed = ann.sign(entry, POLICY)
    seq = catalog.registry.approve(signed)
    with pytest.raises(ConflictError, match=f"is entry {seq} already"):
        catalog.registry.approve(signed)


# Keys


def test_a_key_for_approvals_signs_no_entry(catalog: Catalog, ann: Person, tmp_path: Path) -> None:
    (tmp_path / "keys" / "log.pem").write_bytes(ann.key.path.read_bytes())
    before = size(catalog)
    with pytest.raises(CatalogError, match="is a person's, for approvals"):
        catalog.append(make_record(run="3"))
    with pytest.raises(CatalogError, match="is a person's, for approvals"):
        catalog.registry.revoke_key(ann.key.keyid, "x")
    assert size(catalog) == before


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda event, _: replace(event, owner="bob@example.org"), CatalogError),
        (lambda event, other: replace(event, public=other.public), CatalogError),
        (lambda event, other: replace(event, key=other.key, public=other.public), CatalogError),
        (lambda event, other: replace(event, proof=other.proof), CatalogError),
        (lambda event, _: replace(event, proof=None), CatalogError),
        (lambda event, _: replace(event, proof="zz"), CatalogError),
        (lambda event, _: replace(event, purpose=KeyPurpose.LOG), CatalogError),
        (lambda event, _: replace(event, public="no key"), CatalogError),
        (lambda event, _: replace(event, owner=None), RecordError),
    ],
)
def test_who_introduces_a_key_has_to_hold_it(
    catalog: Catalog, tmp_path: Path, spoil: Callable[[KeyEvent, KeyEvent], KeyEvent], error: type[LineageError]
) -> None:
    one, other = (ApprovalKey(tmp_path / name, create=True).introduction("ann@example.org") for name in ("a", "b"))
    before = size(catalog)
    with pytest.raises(error):
        catalog.registry.introduce_key(spoil(one, other))
    assert size(catalog) == before
    catalog.registry.introduce_key(one)
    with pytest.raises(ConflictError, match="knows the key"):
        catalog.registry.introduce_key(one)


def test_a_revoked_key_does_not_come_back(catalog: Catalog, entry: Entry, ann: Person) -> None:
    event = next(row.body for row in catalog.log.walk("key") if b"ann@" in row.body)
    catalog.registry.revoke_key(ann.key.keyid, "stolen")
    with pytest.raises(ConflictError):
        catalog.registry.introduce_key(decode_key_event(event))
    forge(catalog, "key", event)
    with pytest.raises(CatalogError, match="was revoked"):
        ann.approve(catalog, entry, POLICY)


# The transaction that commits a promotion


def test_a_promotion_counts_what_the_log_holds(catalog: Catalog, entry: Entry, ann: Person, tmp_path: Path) -> None:
    seq = ann.approve(catalog, entry, POLICY)
    decision = draft(catalog, entry, tmp_path)
    assert decision.approvals == (CountedApproval(entry=seq, approver="ann@example.org", key=ann.key.keyid),)
    catalog.registry.decide(decision)


def test_a_key_that_is_revoked_between_draft_and_commit_counts_no_more(
    catalog: Catalog, entry: Entry, ann: Person, tmp_path: Path
) -> None:
    ann.approve(catalog, entry, POLICY)
    late = draft(catalog, entry, tmp_path)
    catalog.registry.revoke_key(ann.key.keyid, "stolen")
    before = size(catalog)
    with pytest.raises(ConflictError, match="was revoked by entry"):
        catalog.registry.decide(late)
    with pytest.raises(ConflictError, match="was revoked by entry"):
        catalog.registry.decide(replace(late, override=True))
    assert size(catalog) == before


def _expired(catalog: Catalog, entry: Entry, ann: Person) -> int:
    now = datetime.now(UTC)
    signed = ann.sign(entry, POLICY, given=now - timedelta(minutes=9), expires=now - timedelta(minutes=1))
    return forge(catalog, "approval", encode_envelope(signed))


@pytest.mark.parametrize(
    ("seq", "told"),
    [
        (_expired, "expired"),
        (lambda catalog, entry, ann: ann.approve(catalog, entry, POLICY, alias="staging"), "for the alias staging"),
        (lambda catalog, entry, ann: ann.approve(catalog, entry, plain_policy(approvals=2)), "another policy"),
        (lambda catalog, _, ann: ann.approve(catalog, catalog.get("flight_delay", 1), POLICY), "another record"),
        (lambda *_: 2, "not an approval of ann"),
        (lambda *_: 99, "not an approval of ann"),
    ],
)
def test_a_decision_that_counts_what_does_not_count_is_refused(
    catalog: Catalog, ann: Person, tmp_path: Path, seq: Callable[[Catalog, Entry, Person], int], told: str
) -> None:
    entry = catalog.get("flight_delay", 2)
    counted = CountedApproval(entry=seq(catalog, entry, ann), approver=ann.owner, key=ann.key.keyid)
    forged = replace(draft(catalog, entry, tmp_path), approvals=(counted,))
    before = size(catalog)
    with pytest.raises(ConflictError, match=told):
        catalog.registry.decide(forged)
    assert size(catalog) == before


@pytest.mark.parametrize("other", [{"approver": "bob@example.org"}, {"key": "5f" * 32}])
def test_a_decision_does_not_say_that_somebody_else_approved(
    catalog: Catalog, entry: Entry, ann: Person, tmp_path: Path, other: dict[str, str]
) -> None:
    seq = ann.approve(catalog, entry, POLICY)
    counted = CountedApproval(**{"entry": seq, "approver": ann.owner, "key": ann.key.keyid, **other})  # type: ignore[arg-type]
    forged = replace(draft(catalog, entry, tmp_path), approvals=(counted,))
    with pytest.raises(ConflictError, match=f"entry {seq} is not an approval of"):
        catalog.registry.decide(forged)


def test_one_approval_is_not_counted_twice(catalog: Catalog, entry: Entry, ann: Person, tmp_path: Path) -> None:
    policy = plain_policy(approvals=2)
    seq = ann.approve(catalog, entry, policy)
    counted = CountedApproval(entry=seq, approver=ann.owner, key=ann.key.keyid)
    forged = replace(draft(catalog, entry, tmp_path), policy=policy, approvals=(counted, counted))
    with pytest.raises(ConflictError, match="approved it already"):
        catalog.registry.decide(forged)


@pytest.mark.parametrize("by", ["ann", "user:ann", "Ann@example.org"])
def test_who_asks_is_not_counted_by_the_transaction_either(
    catalog: Catalog, entry: Entry, ann: Person, tmp_path: Path, by: str
) -> None:
    ann.approve(catalog, entry, POLICY)
    decision = draft(catalog, entry, tmp_path)
    with pytest.raises(ConflictError, match="asks for the promotion"):
        catalog.registry.decide(replace(decision, by=by))


def test_a_promotion_without_enough_approvals_is_an_override_or_nothing(
    catalog: Catalog, entry: Entry, tmp_path: Path
) -> None:
    decision = draft(catalog, entry, tmp_path)
    before = size(catalog)
    with pytest.raises(CatalogError, match="asks for 1 approvals"):
        catalog.registry.decide(decision)
    with pytest.raises(ConflictError, match="evaluated too long ago"):
        catalog.registry.decide(replace(decision, override=True, judged=NOW - timedelta(1)))
    assert size(catalog) == before
    catalog.registry.decide(replace(decision, override=True))


def test_approvals_count_as_before_once_the_indexes_are_derived_again(
    catalog: Catalog, entry: Entry, ann: Person, tmp_path: Path
) -> None:
    seq = ann.approve(catalog, entry, POLICY)
    judged = catalog.index.decisions()
    assert catalog.rebuild() == 2
    assert catalog.index.decisions() == judged
    decision = draft(catalog, entry, tmp_path)
    assert [counted.entry for counted in decision.approvals or ()] == [seq]
    catalog.registry.decide(decision)
    assert catalog.rebuild() == 2
    assert find_holder(catalog, "flight_delay", "production") == entry
