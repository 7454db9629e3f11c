"""Show: one version, on one screen or in full: what is missing first, then data, code, experiment and artifact."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineage_pipelines.records.statement.lineage_record import LineageRecord, predicate
from lineage_pipelines.records.statement.metric import by_interest
from lineage_pipelines.records.statement.training_run import (
    Candidate,
    CheckResult,
    DagsterRun,
    ModelFile,
    SliceMetrics,
    UndeclaredReads,
)
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import format_time
from lineage_pipelines.records.values.model_name import PRODUCTION, scoped
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Table
from lineage_pipelines.reports.formatting import (
    duration,
    number,
    person,
    short_digest,
    shorten,
    size,
    utc_time,
)
from lineage_pipelines.reports.views.history import approval_line, approved_by
from lineage_pipelines.reports.views.preparation import preparation_trees, raw_inputs
from lineage_pipelines.reports.views.reproduce import reproduced_json, reproduced_line

if TYPE_CHECKING:
    from lineage_pipelines.catalog.log.entries import Entry
    from lineage_pipelines.queries.registry.alias_history import LoggedDecision, Standing
    from lineage_pipelines.queries.registry.approval_status import ApprovalStatus
    from lineage_pipelines.queries.tombstones import PurgedFile
    from lineage_pipelines.queries.versions.analyses import LoggedAttribution, LoggedReproduction


_MAX_SLICES = 12
_MAX_INPUTS = 5
_MAX_SOURCES = 2
_MAX_METRICS = 5
_MAX_GAPS = 2
_MAX_APPROVALS = 3
_SHORT_VALUE = 40
_LONG_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequel:
    """What the log has about a version besides its record, each oldest first."""

    standing: "Standing | None" = None
    decided: "Sequence[LoggedDecision]" = ()
    approved: "Sequence[ApprovalStatus]" = ()
    reproduced: "Sequence[LoggedReproduction]" = ()
    attributed: "Sequence[LoggedAttribution]" = ()
    """Analyses of changes from or to it."""
    previous: "Entry | None" = None
    """Of a version with a partition, the one that it follows there."""
    purged: "Sequence[PurgedFile]" = ()
    """The stored files that were removed on purpose."""


def show_document(entry: "Entry", sequel: Sequel) -> Document:
    """Describe a version on one screen.

    Args:
        entry: the version.
        sequel: what was decided and found out about it since.
    """
    record = entry.record
    facts = [
        ("gates", _verdict(record.evaluation.checks if record.evaluation else ())),
        *_standing(sequel),
        *_scores(record),
        ("parameters", chosen_parameters(record)),
        ("seed", str(record.run.seed) if record.run.seed is not None else ""),
        ("window", _window(record)),
    ]
    origin = [
        ("commit", _revision(record)),
        ("trained", _trained(record)),
        ("libraries", f"{record.environment.python}, {count(record.environment.package_count, 'distribution')}"),
        ("model file", f"{_file(record.artifact)}, {record.artifact.estimator}".removesuffix(", ")),
        ("record", f"{short_digest(entry.digest.hex)}, committed {utc_time(entry.recorded)}"),
        ("follows", _follows(record, sequel.previous)),
        ("imported", _imported(record)),
        *(("approved", approval_line(each)) for each in sequel.approved[-_MAX_APPROVALS:]),
        *(("made again", reproduced_line(each)) for each in sequel.reproduced[-1:]),
        *(("attributed", _attribution(each)) for each in sequel.attributed[-1:]),
        *(("purged", _purged(each)) for each in sequel.purged[:_MAX_GAPS]),
        *_not_captured(record),
    ]
    return Document(
        [
            Heading(f"{scoped(entry.model, entry.identity)} version {entry.version}", 1),
            *([Paragraph(shorten(record.model.description), "dim")] if record.model.description else []),
            _named(facts),
            *_inputs(record),
            Paragraph(""),
            _named(origin),
        ]
    )


def _named(rows: Sequence[tuple[str, str]]) -> Pairs:
    return Pairs([(name, value) for name, value in rows if value])


def _standing(sequel: Sequel) -> Iterator[tuple[str, str]]:
    """Say which aliases name it since when, by whose decision; else what was decided last."""
    live = sequel.standing.live if sequel.standing else ()
    for each in live:
        yield each.decision.alias_name, f"since {utc_time(each.at)}, {_by_whom(each)}"
    if any(each.decision.alias_name == PRODUCTION for each in live):
        return
    holder = sequel.standing.production if sequel.standing else None
    other = f", version {holder} is" if holder is not None else ""
    last = next((each for each in reversed(sequel.decided) if each not in live), None)
    decided = f"; last decision: {last.decision.action} {utc_time(last.at)}, {_by_whom(last)}" if last else ""
    yield PRODUCTION, f"no{other}{decided}"


def _by_whom(decided: "LoggedDecision") -> str:
    decision, who = decided.decision, approved_by(decided.decision)
    against = ", AGAINST THE POLICY" if decision.override else ""
    approved = f"; approved by {who}" if who else ""
    return f"by {person(decision.by, decision.known_by)}{against}: {decision.reason}{approved}"


def _scores(record: LineageRecord) -> Iterator[tuple[str, str]]:
    evaluation = record.evaluation
    names = by_interest(evaluation.metrics) if evaluation else []
    if evaluation is None or not names:
        yield "metrics", "none"
        return
    measured = record.measured_on
    rows = f" ({measured.rows:,} rows)" if measured is not None and measured.rows is not None else ""
    on = f" on {evaluation.snapshot}{rows}" if evaluation.snapshot else ""
    yield names[0], f"{number(evaluation.metrics[names[0]])}{on}"
    others = [f"{name} {number(evaluation.metrics[name])}" for name in names[1:_MAX_METRICS]]
    yield "", ", ".join(others) + _more(len(names) - 1 - len(others))


def chosen_parameters(record: LineageRecord) -> str:
    """Say which parameters are not at their defaults; all of them where the defaults are not recorded."""
    defaults, values = record.parameter_defaults, record.parameters
    if defaults is None:
        shown = [f"{name} {shorten(_value(value), _SHORT_VALUE)}" for name, value in values.items()]
        return shorten(", ".join(shown)) + ("; which are defaults is not recorded" if shown else "")
    chosen = [name for name, value in values.items() if name not in defaults or defaults[name] != value]
    shown = [
        f"{name} {shorten(_value(values[name]), _SHORT_VALUE)}"
        + (f" (default {shorten(_value(defaults[name]), _SHORT_VALUE)})" if name in defaults else "")
        for name in chosen
    ]
    left = len(values) - len(chosen)
    rest = f"{left} at {'its default' if left == 1 else 'their defaults'}" if left else ""
    return "; ".join(part for part in (", ".join(shown), rest) if part)


def _trained(record: LineageRecord) -> str:
    run = record.run
    launcher = f", launched by {_launcher(run.dagster)} (run {run.dagster.run_id[:8]})" if run.dagster else ""
    by = f", by {run.user}" if run.user and not run.dagster else ""
    took = duration(run.started, run.finished)
    return f"{utc_time(run.started)}, {took}, on {_known(run.host)}{by}{launcher}"


def _launcher(run: DagsterRun) -> str:
    claimed = person(run.launched_by, run.known_by).endswith("(claimed)")
    return f"{run.launched_by}, claimed" if claimed else run.launched_by


def _not_captured(record: LineageRecord) -> Iterator[tuple[str, str]]:
    facts = record.completeness
    for word, gaps in (("missing", facts.missing), ("inferred", facts.inferred)):
        yield from ((word, gap) for gap in gaps[:_MAX_GAPS])
        if len(gaps) > _MAX_GAPS:
            yield word, f"and {len(gaps) - _MAX_GAPS} more"


def _more(left: int) -> str:
    return f" and {left} more" if left > 0 else ""


def _inputs(record: LineageRecord) -> Iterator[Block]:
    """Show each snapshot that was read with the raw data behind it, and what that is, once."""
    yield Paragraph("")
    if not record.data:
        yield from _data(record)
        return
    rows, sources = [], dict[str, str]()
    for snapshot in record.data:
        raw = raw_inputs(record, snapshot)
        sources |= raw
        columns = f"{len(snapshot.schema)}" if snapshot.schema else "–"
        shown = f"{snapshot.rows:,}" if snapshot.rows is not None else "–"
        digest = short_digest(snapshot.digest.md5 or snapshot.digest.sha256)
        rows.append([snapshot.name, shown, columns, digest, snapshot.path, ", ".join(raw) or "–"])
    head = ["input", "rows", "columns", "digest", "path", "raw data behind it"]
    yield Table(head, rows[:_MAX_INPUTS], frozenset({"rows", "columns"}))
    if len(rows) > _MAX_INPUTS:
        yield Paragraph(f"  and {count(len(rows) - _MAX_INPUTS, 'more input')}")
    shown_sources = list(sources.items())[:_MAX_SOURCES]
    yield from (Paragraph(f"  {path}: {words}", "dim") for path, words in shown_sources if words)
    if len(sources) > _MAX_SOURCES:
        yield Paragraph(f"  and {count(len(sources) - _MAX_SOURCES, 'more source')}", "dim")


def full_document(entry: "Entry", sequel: Sequel) -> Document:
    """Describe a version for the people who have to trust it: everything but what JSON alone has.

    Args:
        entry: the version.
        sequel: what was decided and found out about it since.
    """
    record = entry.record
    return Document(
        [
            *_head(entry, sequel),
            *_gaps(record),
            Heading("Data"),
            *_data(record),
            Heading("Code"),
            *_code(record),
            Heading("Experiment"),
            *_experiment(record),
            Heading("Artifact"),
            *_artifact(record),
        ]
    )


def _head(entry: "Entry", sequel: Sequel) -> Iterator[Block]:
    record = entry.record
    yield Heading(f"{scoped(entry.model, entry.identity)} version {entry.version}", 1)
    if record.model.description:
        yield Paragraph(record.model.description, "dim")
    yield _named(
        [
            ("record", short_digest(entry.digest.hex)),
            ("committed", utc_time(entry.recorded)),
            ("window", _window(record)),
            ("follows", _follows(record, sequel.previous)),
            ("imported", _imported(record)),
            ("owners", ", ".join(record.model.owners)),
            ("checks", _verdict(record.evaluation.checks if record.evaluation else ())),
            *(("approved", approval_line(each)) for each in sequel.approved),
            *(("made again", reproduced_line(each)) for each in sequel.reproduced),
            *(("attributed", _attribution(each)) for each in sequel.attributed),
            *(("purged", _purged(each)) for each in sequel.purged),
            *(("decided", _decision(each)) for each in sequel.decided),
        ]
    )


def _window(record: LineageRecord) -> str:
    partition = record.model.partition
    return f"from {utc_time(partition.window)}" if partition is not None and partition.window is not None else ""


def _follows(record: LineageRecord, previous: "Entry | None") -> str:
    if record.model.partition is not None:
        return previous.ref if previous is not None else "nothing, it is the first of its partition"
    digest = record.model.previous
    return f"record {short_digest(str(digest))}" if digest else "nothing, it is the first"


def _imported(record: LineageRecord) -> str:
    """Say what an imported version is called where it comes from."""
    mlflow = record.run.mlflow
    if mlflow is None or not mlflow.is_imported:
        return ""
    run = f"run {mlflow.run_id}" if mlflow.run_id else "registered without a run"
    where = f"experiment {mlflow.experiment}, " if mlflow.experiment else ""
    return f"from MLflow's {mlflow.model!r}, version {mlflow.version}; {run}, {where}{mlflow.server}"


def _attribution(attributed: "LoggedAttribution") -> str:
    from lineage_pipelines.reports.views.attribute import sentence  # pages and plots, which few versions need

    attribution = attributed.attribution
    return f"from {attribution.old.ref} to {attribution.new.ref}, {utc_time(attributed.at)}: {sentence(attribution)}"


def _purged(file: "PurgedFile") -> str:
    return shorten(f"{file.what}, {file.logged.words}", _LONG_REASON)


def _decision(decided: "LoggedDecision") -> str:
    decision = decided.decision
    return f"{decision.action}, {decision.alias_name}, {utc_time(decided.at)}, {_by_whom(decided)}"


def _verdict(checks: Sequence[CheckResult]) -> str:
    if not checks:
        return "none declared"
    blocking = [check.name for check in checks if not check.passed and check.is_blocking]
    warned = [check.name for check in checks if not check.passed and not check.is_blocking]
    parts = [f"{sum(check.passed for check in checks)} of {len(checks)} passed"]
    parts += [f"FAILED: {', '.join(blocking)}"] if blocking else []
    parts += [f"warned: {', '.join(warned)}"] if warned else []
    return "; ".join(parts)


def _gaps(record: LineageRecord) -> Iterator[Block]:
    facts = record.completeness
    if facts.missing:
        yield Heading("Missing")
        yield from (Paragraph(f"  {gap}", "warn") for gap in facts.missing)
    if facts.inferred:
        yield Heading("Inferred, not seen")
        yield from (Paragraph(f"  {gap}", "warn") for gap in facts.inferred)
    if facts.declared and _imported(record):
        yield Heading("Declared, not seen")
        yield from (Paragraph(f"  {gap}", "warn") for gap in facts.declared)


def _data(record: LineageRecord) -> Iterator[Block]:
    if not record.data:
        unknown = record.completeness.lacks("data")
        yield Paragraph("  no snapshot is known: see what is missing" if unknown else "  no inputs")
        return
    yield Table(
        ["input", "path", "rows", "columns", "size", "md5", "sha256"],
        [
            [
                s.name if s.role == s.name else f"{s.name} ({s.role})",
                s.path,
                f"{s.rows:,}" if s.rows is not None else "–",
                str(len(s.schema)) if s.schema else "–",
                size(s.size) if s.files == 1 else f"{size(s.size)}, {count(s.files, 'file')}",
                short_digest(s.digest.md5),
                short_digest(s.digest.sha256),
            ]
            for s in record.data
        ],
        frozenset({"rows", "columns", "size"}),
    )
    for snapshot in record.data:
        for shared in (each for each in snapshot.overlaps if each.rows):
            words = f"  {shared.rows:,} of {snapshot.rows:,} rows of {snapshot.name} are rows of {shared.trained}"
            yield Paragraph(words, "warn")
    folders = {each.path: each.kinds for each in record.data} | {each.path: each.kinds for each in record.sources}
    yield from (Paragraph(f"  {path}: {_kinds(kinds)}", "dim") for path, kinds in folders.items() if kinds)
    yield Paragraph("")
    yield from preparation_trees(record)


def _kinds(kinds: Mapping[str, int]) -> str:
    ordered = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{number:,} {kind or 'without suffix'}" for kind, number in ordered)


def _code(record: LineageRecord) -> Iterator[Block]:
    code, environment = record.code, record.environment
    rows = [
        ("revision", _revision(record)),
        ("repository", code.repository or ""),
        ("function", code.source.entry if code.source else ""),
        (
            "source",
            f"{count(len(code.source.files), 'file')} reachable, {short_digest(code.source.digest.hex)}"
            if code.source
            else "",
        ),
        ("python", f"{environment.python} on {_known(environment.platform)}"),
        ("machine", f"{_known(environment.cpu)}; threads {_list(environment.threads)}"),
        ("packages", f"{count(environment.package_count, 'distribution')}, {short_digest(environment.packages.hex)}"),
        ("lock file", f"{environment.lock_file}, {short_digest(environment.lock.hex)}" if environment.lock else ""),
    ]
    yield _named(rows)


def _revision(record: LineageRecord) -> str:
    code = record.code
    if code.revision is None:
        return "none"
    branch = f" on {code.branch}" if code.branch else "" if _imported(record) else ", detached"
    unknown = record.completeness.lacks("code.dirty")
    dirty = ", with uncommitted changes" if code.dirty else ", perhaps changed" if unknown else ", clean"
    return f"{short_digest(code.revision)}{branch}{dirty}" + (
        f" (patch {short_digest(code.patch.hex)})" if code.patch else ""
    )


def _experiment(record: LineageRecord) -> Iterator[Block]:
    run = record.run
    rows = [
        ("trained", f"{utc_time(run.started)}, {duration(run.started, run.finished)}, on {_known(run.host)}"),
        ("by", (run.user or "") if _imported(record) else ""),
        ("seed", str(run.seed) if run.seed is not None else ""),
        ("undeclared", _undeclared(run.undeclared)),
    ]
    if run.dagster:
        retry = f", retry {run.dagster.retry}" if run.dagster.retry else ""
        partition = f", partition {run.dagster.partition}" if run.dagster.partition else ""
        rows.insert(0, ("run", f"{run.dagster.run_id} (job {run.dagster.job}{partition}{retry})"))
        rows.insert(1, ("launched by", _launcher(run.dagster)))
    yield _named(rows)
    if record.parameters:
        yield Paragraph("\n  Parameters")
        yield Pairs([(name, _value(value)) for name, value in record.parameters.items()])
    if record.evaluation:
        on = f" on {record.evaluation.snapshot}" if record.evaluation.snapshot else ""
        yield Paragraph(f"\n  Metrics{on}")
        yield Pairs([(n, number(record.evaluation.metrics[n])) for n in by_interest(record.evaluation.metrics)])
        yield from _checks(record.evaluation.checks)
        yield from _slices(record.evaluation.slices, record)
    yield from _candidates(record.candidates)


def _undeclared(read: UndeclaredReads | None) -> str:
    """The variables and files that training read beside what the record holds."""
    lists = (("variables", read.environment), ("files", read.files)) if read else ()
    return "; ".join(f"{kind} {shorten(', '.join(names), 200)}" for kind, names in lists if names)


def _checks(checks: Sequence[CheckResult]) -> Iterator[Block]:
    if checks:
        marks = {True: "passed", False: "FAILED"}
        rows = [[c.name, marks[c.passed] if c.passed or c.is_blocking else "warned", c.detail] for c in checks]
        yield Table(["check", "verdict", "detail"], rows, title="Checks")


def _slices(slices: Sequence[SliceMetrics], record: LineageRecord) -> Iterator[Block]:
    shared = set.intersection(*(set(part.metrics) for part in slices)) if slices else set()
    names = by_interest(shared)[:4]
    if not names:
        return
    greater = record.greater_is_better(names[0])
    sign = 1 if greater else -1

    def rank(part: SliceMetrics) -> tuple[float, str, str]:
        return (-part.rows if greater is None else sign * part.metrics[names[0]], part.name, part.value)

    ordered = sorted(slices, key=rank)
    rows = [
        [f"{p.name}={p.value}", f"{p.rows:,}", *(number(p.metrics[n]) for n in names)] for p in ordered[:_MAX_SLICES]
    ]
    title = "Slices, largest first" if greater is None else f"Slices, worst {names[0]} first"
    yield Table(["slice", "rows", *names], rows, frozenset({"rows", *names}), title=title)
    if len(ordered) > _MAX_SLICES:
        others = "smaller" if greater is None else "better"
        yield Paragraph(f"  … and {len(ordered) - _MAX_SLICES} {others} ones", "dim")


def _candidates(candidates: Sequence[Candidate]) -> Iterator[Block]:
    shared = set.intersection(*(set(c.metrics) for c in candidates)) if candidates else set()
    names = by_interest(shared)[:2]
    rows = [["→" if c.selected else "", c.name, *(number(c.metrics[n]) for n in names), c.reason] for c in candidates]
    if rows:
        yield Table(["", "candidate", *names, "why"], rows, frozenset(names), title="Candidates")


def _artifact(record: LineageRecord) -> Iterator[Block]:
    file = record.artifact
    rows = [
        ("file", _file(file)),
        ("estimator", file.estimator),
        ("needs", ", ".join(file.requirements)),
        ("trusts", ", ".join(file.trusted_types)),
    ]
    yield _named(rows)


def _known(text: str) -> str:
    return "an unknown machine" if text == "unknown" else text


def _file(file: ModelFile) -> str:
    """Say what the record's subject is: a file, the list of a folder's files, or a note on where they were."""
    if file.format == "mlflow-reference":
        return f"not here: {short_digest(file.digest.hex)} is a note on where MLflow had it"
    what = "a model folder of MLflow" if file.format == "mlflow" else file.format
    return f"{what}, {size(file.size)}, {short_digest(file.digest.hex)}"


def _value(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    return "none" if value is None else str(value)


def _list(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "unknown"


def show_json(entry: "Entry", sequel: Sequel | None = None) -> Json:
    """Return the record's predicate with the version, the record's digest, and what was found out about it since."""
    plain = predicate(entry.record)
    assert isinstance(plain, Mapping)  # noqa: S101  # a record is an object
    sequel = sequel or Sequel()
    extra = {"reproductions": reproduced_json(sequel.reproduced)} if sequel.reproduced else {}
    extra |= {"purged": [_purged_json(each) for each in sequel.purged]} if sequel.purged else {}
    return {"version": entry.version, "record": entry.digest.hex, **extra, **plain}


def _purged_json(file: "PurgedFile") -> Json:
    logged = file.logged
    return {
        "blob": logged.tombstone.blob.hex,
        "what": file.what,
        "entry": logged.seq,
        "at": format_time(logged.at),
        "by": logged.tombstone.by,
        "reason": logged.tombstone.reason,
    }
