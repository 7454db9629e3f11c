"""Answers as JSON values, for programs. Names and types are those of docs/reference/cli.md."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lineage_pipelines.records.statement.lineage_record import predicate
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time, to_json
from lineage_pipelines.reports.views.reproduce import reproduced_json

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log.entries import Entry, ModelSummary
    from lineage_pipelines.queries.doctor import Finding
    from lineage_pipelines.queries.verify.claims import CheckedClaim
    from lineage_pipelines.queries.verify.keyring import KnownKey
    from lineage_pipelines.queries.versions.analyses import Reproduced
    from lineage_pipelines.queries.versions.version_log import LoggedVersion


def models_json(models: "Sequence[ModelSummary]", live: Mapping[str, int]) -> Json:
    """Return the models, each with the version in production, if it has one."""
    return [
        {
            "name": model.name,
            "versions": model.versions,
            "latest_version": model.latest_version,
            "latest": format_time(model.latest_time),
            "production": live.get(model.name),
        }
        for model in models
    ]


def log_json(versions: "Sequence[LoggedVersion]") -> Json:
    """Return the versions of a model, newest first."""
    return [
        {
            "version": version.version,
            "record": version.record,
            "created": format_time(version.created),
            "run_id": version.run_id,
            "metrics": dict(version.metrics),
            "revision": version.revision,
            "dirty": version.dirty,
            "data": {name: to_json(digest) for name, digest in version.data.items()},
            "changed": sorted(version.changed),
            "checks": version.checks,
            "failed_checks": list(version.failed),
        }
        for version in versions
    ]


def show_json(entry: "Entry", reproduced: "Sequence[Reproduced]" = ()) -> Json:
    """Return the record's predicate with the version, the record's digest, and the verdicts of running it again."""
    plain = predicate(entry.record)
    assert isinstance(plain, Mapping)  # noqa: S101  # a record is an object
    said = {"reproductions": reproduced_json(reproduced)} if reproduced else {}
    return {"version": entry.version, "record": entry.digest.hex, **said, **plain}


def doctor_json(findings: "Sequence[Finding]") -> Json:
    """Return the findings."""
    return [{"check": f.check, "status": f.status, "detail": f.detail, "fix": f.fix} for f in findings]


def verify_json(claims: "Sequence[CheckedClaim]") -> Json:
    """Return the claims and their verdicts."""
    return [
        {
            "claim": claim.claim,
            "verdict": str(claim.verdict),
            "detail": claim.detail,
            "wrong": list(claim.wrong),
            "entries": list(claim.entries),
        }
        for claim in claims
    ]


def keys_json(keys: "Sequence[KnownKey]") -> Json:
    """Return the keys of a log."""
    return [
        {
            "key": key.key,
            "purpose": str(key.purpose),
            "owner": key.owner,
            "since": key.since,
            "introduced": format_time(key.introduced),
            "revoked": key.revoked,
            "reason": key.reason,
        }
        for key in keys
    ]


def reconciled_json(rows: Sequence[tuple[str, str, str, str]]) -> Json:
    """Return what did not fit between the catalog and Dagster."""
    return [dict(zip(("what", "subject", "done", "detail"), row, strict=True)) for row in rows]


def render_json(value: Json) -> str:
    """Write JSON for reading: indented, ASCII where a terminal could be misled."""
    return json.dumps(value, indent=2, sort_keys=False, ensure_ascii=True) + "\n"
