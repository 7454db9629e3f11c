"""Version card: a version's verdict, data, code and experiment on the first screen of its page.

Dagster shows Markdown of up to 1,000 characters without a click. Lines are broken here, since a value further down the
page that cannot be broken (a digest) would make all lines as wide as itself.
"""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from lineage_pipelines.orchestration.ui.outcome import Outcome
from lineage_pipelines.records.statement.code import CodeVersion
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord, same_data
from lineage_pipelines.records.statement.metric import by_interest, metric_text
from lineage_pipelines.records.values.model_name import scoped
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.formatting import duration, person, short_digest, shorten
from lineage_pipelines.reports.render.markdown import escape_markdown
from lineage_pipelines.reports.views.preparation import raw_inputs
from lineage_pipelines.reports.views.show import chosen_parameters

_LENGTH = 999
_WIDTH = 36
"""Characters of a line: what the overview of an asset has room for in a window of 1,280 pixels."""
_MAX_LINES = 4
_MAX_INPUTS = 5
_MAX_SOURCES = 2
_MAX_NAME = 24
_HTTPS = re.compile(r"(?:https?://|ssh://)?(?:[^@/]+@)?([\w.-]+(?::\d+)?)[:/](?!/)([\w./~-]+?)(?:\.git)?/?")


def version_card(outcome: Outcome) -> str:
    """Return the card, as Markdown of fewer than 1,000 characters; the last parts give way where there is no room."""
    record = outcome.entry.record
    paragraphs = [
        "  \n".join([*_verdict(outcome), *_production(outcome), *_score(outcome)]),
        "  \n".join(_experiment(record)),
        "\n".join(_inputs(record, outcome)),
        "  \n".join([*_sources(record, outcome), *_origin(record)]),
    ]
    while len(text := "\n\n".join(filter(None, paragraphs))) > _LENGTH:
        paragraphs.pop(1 if len(paragraphs) > 3 else -1)  # noqa: PLR2004  # what the tables below have as well
    return text


def _lines(label: str, words: str) -> Iterator[str]:
    """Yield a fact in lines, its label in bold."""
    plain = shorten(f"{label} {words}", _WIDTH * _MAX_LINES)
    lines = textwrap.wrap(plain, _WIDTH, break_long_words=False, break_on_hyphens=False)
    for place, line in enumerate(lines):
        if place == 0 and line.startswith(label):
            yield f"**{escape_markdown(label)}**{escape_markdown(line[len(label) :])}"
        else:
            yield escape_markdown(line)


def _verdict(outcome: Outcome) -> Iterator[str]:
    record = outcome.entry.record
    checks = record.evaluation.checks if record.evaluation else ()
    failed = [check.name for check in checks if not check.passed]
    if failed:
        words = f"FAILED {len(failed)} of {count(len(checks), 'check')}: {', '.join(failed)}"
    else:
        words = f"passed {count(len(checks), 'check')}" if checks else "has no checks"
    yield from _lines(f"{scoped(outcome.entry.model, outcome.entry.identity)}@{outcome.entry.version}", words)


def _production(outcome: Outcome) -> Iterator[str]:
    holder = outcome.holder
    if holder is None or holder.decision.version is None:
        yield from _lines("Production", "no version")
        return
    decision = holder.decision
    against = " against the policy" if decision.override else ""
    words = (
        f"version {decision.version} since {holder.at:%Y-%m-%d}, by {person(decision.by, decision.known_by)}{against}"
    )
    yield from _lines("Production", f"{words}: {decision.reason}")


def _score(outcome: Outcome) -> Iterator[str]:
    """Say the headline metric, and that of the version to beat."""
    record, baseline = outcome.entry.record, outcome.baseline
    metrics = record.evaluation.metrics if record.evaluation else {}
    name = next(iter(by_interest(metrics)), None)
    if record.evaluation is None or name is None:
        yield from _lines("Metrics", "none")
        return
    on = f" on {record.evaluation.snapshot}" if record.evaluation.snapshot else ""
    words = f"{metric_text(metrics[name])}{on}"
    earlier = baseline.record.evaluation if baseline else None
    if baseline is not None and earlier is not None and name in earlier.metrics:
        words += f"; {baseline.label}: {metric_text(earlier.metrics[name])}"
        if same_data(baseline.record.measured_on, record.measured_on) is False:
            words += ", on other data"
    yield from _lines(name, words)


def _experiment(record: LineageRecord) -> Iterator[str]:
    seed = f"; seed {record.run.seed}" if record.run.seed is not None else ""
    yield from _lines("Parameters", f"{chosen_parameters(record) or 'none'}{seed}")


def _inputs(record: LineageRecord, outcome: Outcome) -> Iterator[str]:
    """Yield the snapshots as a table, marked where they are new."""
    if not record.data:
        return
    before = _contents(outcome.previous.record.data) if outcome.previous else {}
    yield "| input | rows | snapshot |"
    yield "|---|--:|---|"
    for snapshot in record.data[:_MAX_INPUTS]:
        digest = short_digest(snapshot.digest.md5 or snapshot.digest.sha256)[:8]
        new = " new" if outcome.previous and before.get(snapshot.name) != snapshot.digest.sha256 else ""
        rows = f"{snapshot.rows:,}" if snapshot.rows is not None else "–"
        yield f"| {escape_markdown(shorten(snapshot.name, _MAX_NAME))} | {rows} | {digest}{new} |"
    if len(record.data) > _MAX_INPUTS:
        yield f"| and {len(record.data) - _MAX_INPUTS} more | | |"


def _contents(data: Sequence[DatasetSnapshot]) -> Mapping[str, str | None]:
    return {snapshot.name: snapshot.digest.sha256 for snapshot in data}


def _sources(record: LineageRecord, outcome: Outcome) -> Iterator[str]:
    """Say which raw data is behind the inputs, marked where it is new."""
    raw = _raw(record)
    before = _raw(outcome.previous.record) if outcome.previous else None
    words = [
        f"{path} {known.partition(',')[0][:8]}{' new' if before is not None and before.get(path) != known else ''}"
        for path, known in list(raw.items())[:_MAX_SOURCES]
    ]
    more = f" and {len(raw) - _MAX_SOURCES} more" if len(raw) > _MAX_SOURCES else ""
    if words:
        yield from _lines("From", f"{', '.join(words)}{more}")


def _raw(record: LineageRecord) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for snapshot in record.data:
        found |= raw_inputs(record, snapshot)
    return found


def _origin(record: LineageRecord) -> Iterator[str]:
    code, run = record.code, record.run
    commit = (code.revision or "no commit")[:10]
    address = commit_address(code)
    linked = f"[{commit}]({address})" if address else escape_markdown(commit)
    dirty = ", with uncommitted changes" if code.dirty else ""
    yield f"**Code** {linked}{dirty}"
    by = person(run.dagster.launched_by, run.dagster.known_by) if run.dagster else run.user or "unknown"
    identity = f", run {run.dagster.run_id[:8]}" if run.dagster else ""
    yield from _lines("Trained", f"by {by}{identity} in {duration(run.started, run.finished)}, on {run.host}")


def commit_address(code: CodeVersion) -> str | None:
    """Return the page of a commit on the host of its repository, as GitHub, GitLab and Gitea have it; None without.

    `git@example.org:team/x.git` and `https://example.org/team/x.git` both give `https://example.org/team/x/commit/…`.
    """
    found = _HTTPS.fullmatch(code.repository or "")
    if found is None or code.revision is None or "." not in found[1]:
        return None
    return f"https://{found[1]}/{quote(found[2])}/commit/{code.revision}"
