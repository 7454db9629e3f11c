"""Many things in a line each: the models of a catalog, the versions of a model, the findings about a machine."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lineage_pipelines.records.decisions.key_event import KeyPurpose
from lineage_pipelines.records.values.metric import by_interest
from lineage_pipelines.reports.document import Document, Paragraph, Table
from lineage_pipelines.reports.formatting import moment, number, short

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log.entries import ModelSummary
    from lineage_pipelines.queries.doctor import Finding
    from lineage_pipelines.queries.verify.claims import CheckedClaim
    from lineage_pipelines.queries.verify.keyring import KnownKey
    from lineage_pipelines.queries.versions.version_log import LoggedVersion

_MOST_METRICS = 3


def models_document(models: "Sequence[ModelSummary]", live: Mapping[str, int]) -> Document:
    """List the models.

    Args:
        models: a line about each.
        live: the version in production of those that have one.
    """
    if not models:
        return Document(
            [Paragraph("No model has been recorded yet. Materialize a model asset; in the example: make demo")]
        )
    rows = [[m.name, str(m.versions), moment(m.latest_time), str(live.get(m.name, "–"))] for m in models]
    head = ["model", "versions", "latest", "production"]
    return Document([Table(head, rows, frozenset({"versions", "production"}))])


def log_document(versions: "Sequence[LoggedVersion]") -> Document:
    """List the versions of a model, newest first; a star marks what differs from the version before."""
    metrics = by_interest({name for version in versions for name in version.metrics})[:_MOST_METRICS]
    inputs = list(dict.fromkeys(name for version in versions for name in version.data))
    head = ["version", "committed", *metrics, "revision", *inputs, "checks"]
    rows = [_log_row(version, metrics, inputs) for version in versions]
    legend = "* behind data: changed since the version before; behind a revision: with uncommitted changes"
    return Document([Table(head, rows, frozenset({"version", *metrics})), Paragraph(f"\n  {legend}", "dim")])


def _log_row(version: "LoggedVersion", metrics: Sequence[str], inputs: Sequence[str]) -> list[str]:
    digests = {name: short(found.md5 or found.sha256)[:8] for name, found in version.data.items()}
    return [
        str(version.version),
        moment(version.created).removesuffix(" UTC"),
        *(number(version.metrics[name]) if name in version.metrics else "–" for name in metrics),
        f"{(version.revision or '–')[:8]}{'*' if version.dirty else ''}",
        *(f"{digests.get(name, '–')}{'*' if name in version.changed else ''}" for name in inputs),
        f"FAILED: {', '.join(version.failed)}" if version.failed else "passed" if version.checks else "none",
    ]


def doctor_document(findings: "Sequence[Finding]") -> Document:
    """List what was looked at, what is wrong first."""
    order = {"fail": 0, "warn": 1, "ok": 2}
    ranked = sorted(findings, key=lambda finding: order[finding.status])
    blocks: list[Table | Paragraph] = [
        Table(["check", "status", "detail"], [[f.check, f.status, f.detail] for f in ranked]),
    ]
    fixes = [finding for finding in ranked if finding.fix and finding.status != "ok"]
    blocks += [Paragraph(f"\n  {finding.check}: {finding.fix}", "warn") for finding in fixes]
    return Document(blocks)


def verify_document(claims: "Sequence[CheckedClaim]") -> Document:
    """List what was checked and what it has come to."""
    return Document([Table(["claim", "verdict", "detail"], [[c.claim, str(c.verdict), c.detail] for c in claims])])


_FOR = {KeyPurpose.LOG: "log", KeyPurpose.APPROVAL: "approvals"}


def keys_document(keys: "Sequence[KnownKey]") -> Document:
    """List the keys of a log."""
    if not keys:
        return Document([Paragraph("No key yet: the first entry that is committed makes one.")])
    rows = [
        [key.key[:12], _FOR[key.purpose], key.owner or "–", f"entry {key.since:,}", moment(key.introduced), _end(key)]
        for key in keys
    ]
    return Document([Table(["key", "for", "owner", "since", "introduced", "state"], rows)])


def _end(key: "KnownKey") -> str:
    return "signs" if key.revoked is None else f"revoked by entry {key.revoked:,}: {key.reason or 'no reason given'}"


def reconciled_document(rows: Sequence[tuple[str, str, str, str]], *, mirrored: bool = False) -> Document:
    """List what did not fit, and what was done about it; `mirrored` where MLflow was compared, too."""
    if not rows:
        both = "The catalog, Dagster's events and MLflow" if mirrored else "The catalog and Dagster's events"
        return Document([Paragraph(f"{both} agree, and nothing was left behind.")])
    return Document([Table(["what", "subject", "done", "detail"], [list(row) for row in rows])])
