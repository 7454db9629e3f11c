"""The laws of the design (section 5), each under its own number."""

import dataclasses
import hashlib
import itertools
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.parameters import effective_parameters
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import CaptureError, ConflictError
from lineage_pipelines.orchestration.training.training_step import TrainingStep
from lineage_pipelines.orchestration.ui.outcome import Outcome
from lineage_pipelines.queries.diff.alignment import flatten
from lineage_pipelines.queries.diff.changes import Kind
from lineage_pipelines.queries.diff.comparison import compare_versions
from lineage_pipelines.queries.diff.explanation.change import Change, ChangeKind, Layer
from lineage_pipelines.queries.diff.version_diff import VersionDiff
from lineage_pipelines.queries.doctor import examine
from lineage_pipelines.queries.versions.version_log import log_versions
from lineage_pipelines.queries.versions.what_changed import what_changed
from lineage_pipelines.records.decisions.attribution import PlayerKind
from lineage_pipelines.records.statement.lineage_record import Completeness, LineageRecord, decode, encode
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.replay.mix_design import SEED, differing_parts
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.show import Sequel, full_document
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests import strategies
from lineage_pipelines_tests.orchestration.conftest import build_defs, instance, shop
from lineage_pipelines_tests.orchestration.shop import MODEL, Shop, run
from lineage_pipelines_tests.queries.diff.stored import pairs
from lineage_pipelines_tests.queries.test_impact import test_law_8_impact_is_trace_reversed
from lineage_pipelines_tests.samples import digest, digests, make_record, run_key, with_metrics

__all__ = ["instance", "shop", "test_law_8_impact_is_trace_reversed"]

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

CRASH = """
import os, sys
import dagster as dg
from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines import Catalog
from lineage_pipelines.catalog.outbox.outbox import Outbox
from lineage_pipelines.orchestration.training import training_step
from lineage_pipelines_tests.orchestration.conftest import build_defs
from lineage_pipelines_tests.orchestration.shop import Opened

owners = {"read_inputs": training_step, "save_model": training_step, "put_file": ArtifactStore}
owners |= dict.fromkeys(["begin_attempt", "mark_delivered"], Outbox)
point, root, module, home = sys.argv[1:]
owner = owners.get(point, Catalog)
real = getattr(owner, point)

def dies_after(*args, **kwargs):
    real(*args, **kwargs)
    os._exit(9)

setattr(owner, point, dies_after)
with dg.DagsterInstance.local_temp(home) as instance:
    build_defs(Opened(root, module)).resolve_job_def("train").execute_in_process(instance=instance)
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(f"sqlite:///{tmp_path / 'catalog.db'}") as opened:
        yield opened


_WITHOUT_RECORD = [
    pytest.param(point, marks=pytest.mark.soak) for point in ("begin_attempt", "read_inputs", "save_model")
]


@pytest.mark.parametrize("point", [*_WITHOUT_RECORD, "put_file", "append"])
def test_law_1_the_catalog_is_the_truth_and_an_event_is_a_copy(shop: Shop, tmp_path: Path, point: str) -> None:
    """A crash anywhere leaves no event without a record, and no record without its artifact."""
    home = tmp_path / "home"
    home.mkdir()
    shop.split()
    arguments = [point, str(shop.root), shop.module_name, str(home)]
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", CRASH, *arguments], capture_output=True, check=False)
    assert done.returncode == 9, done.stderr.decode()[-2000:]
    with dg.DagsterInstance.local_temp(str(home)) as instance, shop.catalog() as catalog:
        records = {str(entry.digest) for entry in catalog.entries("churn")}
        assert len(records) == (point == "append")
        assert instance.get_latest_materialization_event(dg.AssetKey("churn")) is None
        store = ArtifactStore(resolve_settings(start=shop.root).artifacts)
        for entry in catalog.entries("churn"):
            assert store.read(entry.record.artifact.digest)
        # Wiping everything that Dagster knows takes nothing away, and the next run goes on.
        instance.wipe_assets([dg.AssetKey("churn")])
        assert {str(entry.digest) for entry in catalog.entries("churn")} == records
        assert run(build_defs(shop), "refresh", instance).success
        assert len(catalog.entries("churn")) == len(records) + 1


def test_law_2_a_record_names_the_bytes_that_were_read(shop: Shop, instance: dg.DagsterInstance) -> None:
    """Training edits the workspace under its own feet; it reads on what it was given, and that is what is recorded."""
    edit = """
    import hashlib, pathlib
    before = hashlib.sha256(train.read_bytes()).hexdigest()
    workspace = pathlib.Path(__file__).parent / "data/parts/train.csv"
    workspace.chmod(0o644)
    workspace.write_text("amount,visits,city,left\\n1,1,Rome,1\\n1,1,Oslo,0\\n")
    after = hashlib.sha256(train.read_bytes()).hexdigest()
    import pandas as pd
    train = pd.read_csv(train)
    """
    text = MODEL.replace('train: "pd.DataFrame"', 'train: "Path"').replace(
        "    features = [", f"{edit}\n    features = ["
    )
    text = text.replace("estimator=model,", 'estimator=model, parameters={"before": before, "after": after},')
    shop.world.write(f"{shop.module_name}.py", text)
    shop.world.repro("split")
    shop.world.commit("Split")
    read = hashlib.sha256(shop.world.path("data/parts/train.csv").read_bytes()).hexdigest()
    assert run(build_defs(shop), "refresh", instance).success
    with shop.catalog() as catalog:
        record = catalog.get("churn", 1).record
    assert record.parameters["before"] == record.parameters["after"] == read
    assert {s.name: s.digest.sha256 for s in record.data}["train"] == read
    assert hashlib.sha256(shop.world.path("data/parts/train.csv").read_bytes()).hexdigest() != read


@given(strategies.records)
def test_law_3_same_content_same_name(record: LineageRecord) -> None:
    data = encode(record)
    assert decode(data) == record
    assert encode(decode(data)) == data


@in_one_folder
@given(aucs=st.lists(st.floats(0, 1), min_size=1, max_size=6), seed=st.integers())
def test_law_4_nothing_is_edited(tmp_path_factory: pytest.TempPathFactory, aucs: list[float], seed: int) -> None:
    """Whatever is appended later, what was there stays, byte for byte; and the file itself refuses the rest."""
    path = tmp_path_factory.mktemp("catalog") / "catalog.db"
    bodies: list[bytes] = []
    with Catalog(f"sqlite:///{path}") as catalog:
        for number, auc in enumerate(aucs):
            model = random.Random(seed + number).choice(["one", "other"])
            catalog.append(make_record(run=str(number), model=model, auc=auc))
            entries = [entry for name in ("one", "other") for entry in catalog.entries(name)]
            now = [entry.body for entry in sorted(entries, key=lambda entry: entry.seq)]
            assert now[: len(bodies)] == bodies
            bodies = now
    with sqlite3.connect(path) as raw:
        tables = [name for (name,) in raw.execute("select name from sqlite_master where type = 'table'")]
        log = next(name for name in tables if "body" in {row[1] for row in raw.execute(f"pragma table_info({name})")})
        for attempt in (f"update {log} set body = x'00'", f"delete from {log}"):
            with pytest.raises(sqlite3.IntegrityError):
                raw.execute(attempt)
    raw.close()


@in_one_folder
@given(runs=st.lists(st.tuples(st.sampled_from(["one", "other"]), st.integers(1, 4)), min_size=1, max_size=12))
def test_law_5_one_run_one_version(tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[str, int]]) -> None:
    """Runs are told again and again, in any order: each keeps its version, and versions have no gaps."""
    path = tmp_path_factory.mktemp("catalog") / "catalog.db"
    versions: dict[tuple[str, int], int] = {}
    with Catalog(f"sqlite:///{path}") as catalog:
        for model, number in runs:
            record = make_record(run=str(number), model=model)
            version = catalog.append(record).version
            assert versions.setdefault((model, number), version) == version
            with pytest.raises(ConflictError):
                catalog.append(with_metrics(record, roc_auc=0.5))
        for model in ("one", "other"):
            ours = sorted(version for (name, _), version in versions.items() if name == model)
            assert ours == list(range(1, len(ours) + 1))
            assert [entry.version for entry in catalog.entries(model)] == ours[::-1]


def test_law_5_a_lost_acknowledgement_is_no_second_version(
    shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record was committed, and the step died before Dagster heard of it; its retry reports the same version."""
    real = TrainingStep.run
    deaths = iter([True])

    def dies_once(step: TrainingStep, parameters: object) -> Outcome:
        outcome = real(step, parameters)
        if next(deaths, False):
            raise ConnectionError("the event log is gone")
        return outcome

    monkeypatch.setattr(TrainingStep, "run", dies_once)
    result = run(build_defs(shop, retry_policy=dg.RetryPolicy(max_retries=1)), "refresh", instance)
    assert result.success
    (event,) = result.asset_materializations_for_node("churn")
    with shop.catalog() as catalog:
        (entry,) = catalog.entries("churn")
    assert event.metadata["lineage/record"].value == f"sha256:{entry.digest.hex}"
    checks = [each for each in result.get_asset_check_evaluations() if each.asset_key == dg.AssetKey("churn")]
    assert len(checks) == 3


@pytest.mark.parametrize("lost", ["catalog", "artifacts"])
def test_law_6_fail_closed(shop: Shop, instance: dg.DagsterInstance, lost: str) -> None:
    """Where lineage cannot be stored there is no materialization either."""
    where = {"catalog": "sqlite:///split.py/catalog.db", "artifacts": "split.py/artifacts"}[lost]
    shop.world.write("pyproject.toml", f'[tool.lineage]\n{lost} = "{where}"\n')
    result = run(build_defs(shop), "refresh", instance)
    assert not result.success
    assert instance.get_latest_materialization_event(dg.AssetKey("churn")) is None


@in_one_folder
@given(missing=st.lists(st.from_regex(r"[a-z]{1,8}\.[a-z]{1,8}: [a-z ]{1,30}[a-z]", fullmatch=True), max_size=5))
def test_law_7_gaps_are_listed_first(tmp_path_factory: pytest.TempPathFactory, missing: list[str]) -> None:
    record = dataclasses.replace(make_record(), completeness=Completeness(missing=tuple(missing)))
    with Catalog(f"sqlite:///{tmp_path_factory.mktemp('catalog') / 'catalog.db'}") as catalog:
        text = render_text(full_document(catalog.append(record), Sequel()), colour=False)
    places = [text.index(f"  {gap}") for gap in missing]
    assert all(place < text.index("\nData\n") for place in places)
    assert ("\nMissing\n" in text) == bool(missing)


def test_law_9_a_mismatch_is_an_answer(shop: Shop, instance: dg.DagsterInstance) -> None:
    """What is wrong with a machine is found, one thing beside the other, and none of it raises."""
    assert run(build_defs(shop), "refresh", instance).success
    found = resolve_settings(start=shop.root)
    assert {finding.kind: finding.status for finding in examine(found) if finding.status != "ok"} == {
        "lock file": "warn"
    }
    (shop.root / "data" / "orders.csv.dvc").write_bytes(b"")
    (shop.root / ".dvc" / "tmp" / "rwlock").write_text("{torn")
    (shop.root / ".lineage" / "catalog.db").write_bytes(b"torn")
    failed = {finding.kind: finding for finding in examine(found) if finding.status == "fail"}
    assert failed.keys() == {"catalog", "dvc files", "dvc lock"}
    assert all(finding.fix for finding in failed.values())


@in_one_folder
@given(
    key=st.sampled_from(["password", "api_key", "apiKey", "DB_PASSWORD", "client_secret", "auth_token", "aws-secret"]),
    value=st.from_regex(r"[A-Za-z0-9]{20,40}", fullmatch=True),
    depth=st.integers(0, 3),
)
def test_law_10_secrets_never_enter(key: str, value: str, depth: int) -> None:
    parameters: dict[str, object] = {key: value}
    for _ in range(depth):
        parameters = {"settings": [parameters]}
    with pytest.raises(CaptureError) as told:
        effective_parameters(parameters)
    assert value not in str(told.value)
    assert key in str(told.value)


def test_law_10_no_environment_variable_is_recorded(
    shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = "correct-horse-battery-staple-2013"
    monkeypatch.setenv("WAREHOUSE_LOGIN", value)
    assert run(build_defs(shop), "refresh", instance).success
    for folder, _, names in os.walk(shop.root / ".lineage"):
        for name in names:
            assert value.encode() not in (Path(folder) / name).read_bytes()


_RUNS = itertools.count()


def _compared(catalog: Catalog, records: tuple[LineageRecord, LineageRecord]) -> tuple[VersionDiff, VersionDiff]:
    """Commit two records, and compare them in both directions."""
    entries = []
    for record in records:
        model = dataclasses.replace(record.model, name="m", run_key=run_key(f"m {next(_RUNS)}"), previous=None)
        entries.append(catalog.append(dataclasses.replace(record, model=model)))
    return compare_versions(catalog, *entries), compare_versions(catalog, *entries[::-1])


@in_one_folder
@given(record=strategies.records)
def test_law_8_a_version_does_not_differ_from_itself(catalog: Catalog, record: LineageRecord) -> None:
    _compared(catalog, (record, record))
    latest = catalog.latest("m")
    assert latest is not None
    diff = compare_versions(catalog, latest, latest)
    assert diff.identical
    assert diff.changes == ()
    assert {change.kind for change in diff.data} | {step.kind for step in diff.stages} <= {Kind.IDENTICAL}
    assert (diff.parameters, diff.facts, diff.overlaps, diff.code.files, diff.environment.packages) == (
        (),
        {},
        (),
        (),
        (),
    )


_OTHER = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED}


def _what(diff: VersionDiff, *, turned: bool) -> dict[str, object]:
    """What differs, without an order; turned round if that is asked for."""
    way = slice(None, None, -1 if turned else 1)

    def kind(each: Kind) -> Kind:
        return _OTHER.get(each, each) if turned else each

    measured = (*diff.evaluation.metrics, *diff.evaluation.slices)
    return {
        "identical": diff.identical,
        "data": sorted((repr(kind(c.kind)), c.role[way], c.digest[way], c.rows[way]) for c in diff.data)
        if not any(None in (*c.role, *c.digest, *c.rows) for c in diff.data)
        else len(diff.data),
        "stages": [
            (c.name, kind(c.kind), c.command[way], {n: p[way] for n, p in c.params.items()}) for c in diff.stages
        ],
        "code": (diff.code.identical, diff.code.revision[way], diff.code.unchanged),
        "files": [(file.path, kind(file.kind), file.lines[way]) for file in diff.code.files],
        "environment": {name: pair[way] for name, pair in diff.environment.facts.items()},
        "parameters": [(c.name, kind(c.kind), (c.before, c.after)[way]) for c in diff.parameters],
        "measured": sorted((m.slice, m.name, repr((m.before, m.after)[way])) for m in measured),
        "checks": {name: pair[way] for name, pair in diff.evaluation.checks.items()},
        "facts": {name: pair[way] for name, pair in diff.facts.items()},
        "overlaps": [(o.measured, o.trained, o.shared[way], o.rows[way]) for o in diff.overlaps],
    }


@in_one_folder
@given(records=pairs)
def test_law_8_a_comparison_mirrors(catalog: Catalog, records: tuple[LineageRecord, LineageRecord]) -> None:
    there, back = _compared(catalog, records)
    assert _what(there, turned=False) == _what(back, turned=True)


@in_one_folder
@given(records=pairs)
def test_law_8_folding_loses_nothing(catalog: Catalog, records: tuple[LineageRecord, LineageRecord]) -> None:
    """Whatever either record says is told as the same or as different, once."""
    diff, _ = _compared(catalog, records)
    flat = [flatten(record.parameters) for record in records]
    assert {change.name for change in diff.parameters} | set(diff.same_parameters) == flat[0].keys() | flat[1].keys()
    assert len(diff.parameters) + diff.unchanged_parameters == len(flat[0] | flat[1])
    for side, record in enumerate(records):
        digests = [each.digest.sha256 or each.digest.md5 for each in record.data]
        assert sorted(map(str, digests)) == sorted(
            str(change.digest[side]) for change in diff.data if _is_there(change.kind, side)
        )
        assert len(record.stages) == sum(_is_there(change.kind, side) for change in diff.stages)
        checks = record.evaluation.checks if record.evaluation else ()
        told = [pair[side] for pair in diff.evaluation.checks.values() if pair[side] is not None]
        assert len(checks) == len(told) + diff.evaluation.unchanged_checks
    sources = [record.code.source for record in records]
    if sources[0] and sources[1] and not diff.code.identical:
        for side, source in enumerate(sources):
            assert source is not None
            known = [file for file in diff.code.files if _is_there(file.kind, side)]
            assert len(source.files) == len(known) + diff.code.unchanged


def _is_there(kind: Kind, side: int) -> bool:
    return kind is not (Kind.ADDED, Kind.REMOVED)[side]


def _part(name: str, **facts: object) -> Callable[[LineageRecord], LineageRecord]:
    """Replace facts of one part of a record."""
    return lambda record: dataclasses.replace(
        record,
        **{name: dataclasses.replace(getattr(record, name), **facts)},
    )


def _input(place: int, **facts: object) -> Callable[[LineageRecord], LineageRecord]:
    """Replace facts of one input."""

    def edit(record: LineageRecord) -> LineageRecord:
        data = list(record.data)
        data[place] = dataclasses.replace(data[place], **facts)  # type: ignore[arg-type]
        return dataclasses.replace(record, data=tuple(data))

    return edit


def _parameters(**values: Json) -> Callable[[LineageRecord], LineageRecord]:
    return lambda record: dataclasses.replace(record, parameters={**record.parameters, **values})


def _source(**facts: object) -> Callable[[LineageRecord], LineageRecord]:
    source = make_record().code.source
    assert source is not None
    return _part("code", source=dataclasses.replace(source, **facts))  # type: ignore[arg-type]


def _other_file() -> Callable[[LineageRecord], LineageRecord]:
    source = make_record().code.source
    assert source is not None
    files = (dataclasses.replace(source.files[0], sha256=digest("other source").hex),)
    return _source(files=files, digest=digest("other closure"))


def _chosen(record: LineageRecord) -> LineageRecord:
    """Another candidate was chosen, which is a parameter as well."""
    candidates = tuple(dataclasses.replace(each, selected=not each.selected) for each in record.candidates)
    return dataclasses.replace(record, candidates=candidates, parameters={**record.parameters, "chosen": "logistic"})


_EDITS: dict[str, Callable[[LineageRecord], LineageRecord]] = {
    "other training data": _input(0, digest=digests("other train")),
    "other test data": _input(1, digest=digests("other test")),
    "an input under another name": _input(0, name="training"),
    "an input in another role": _input(0, role="reference"),
    "an input at another place": _input(0, path="elsewhere.parquet"),
    "an input gone": lambda record: dataclasses.replace(record, data=record.data[:1]),
    "other steps": lambda record: dataclasses.replace(record, stages=record.stages[:1]),
    "another source file": _other_file(),
    "another training function": _source(entry="flights.train:other"),
    "other uncommitted work": _part("code", patch=digest("other patch")),
    "another commit": _part("code", revision="f" * 40),
    "no sources": _part("code", source=None),
    "other libraries": _part("environment", packages=digest("other packages")),
    "another Python": _part("environment", python="CPython 3.12.0"),
    "another processor": _part("environment", cpu="another processor"),
    "a parameter": _parameters(learning_rate=0.3),
    "a parameter of another type": _parameters(ratio=1),
    "a new parameter": _parameters(depth={"most": [3, 4]}),
    "the seed as a parameter": _parameters(seed=8),
    "the seed": _part("run", seed=8),
    "the chosen candidate": _chosen,
}
_edited = st.tuples(st.sets(st.sampled_from(sorted(_EDITS))), st.sets(st.sampled_from(sorted(_EDITS))))
"""What is done to each of two versions that were made alike."""


def _made(edits: set[str]) -> LineageRecord:
    record = _parameters(seed=7, chosen="boosting")(make_record())
    for name, edit in _EDITS.items():
        record = edit(record) if name in edits else record
    return record


@in_one_folder
@given(records=_edited.map(lambda two: (_made(two[0]), _made(two[1]))) | pairs)
def test_law_8_what_verbs_say_of_two_versions_is_one_answer(
    catalog: Catalog, records: tuple[LineageRecord, LineageRecord]
) -> None:
    """`log`, `what-changed`, `diff` and `attribute` agree on what differs, each as far as it tells of it.

    Versions of different partitions do not follow each other: `log` and `what-changed` do not compare them.
    """
    first, second = (
        dataclasses.replace(record, model=dataclasses.replace(record.model, partition=None)) for record in records
    )
    diff, _ = _compared(catalog, (first, second))
    moved = [change for change in diff.data if change.kind is not Kind.IDENTICAL]
    (logged,) = log_versions(catalog, "m", limit=1)
    assert logged.changed == {change.name for change in moved if change.kind is not Kind.REMOVED}
    found = what_changed(catalog, "m", str(diff.first.version), now=datetime.now(UTC))
    (event,) = (each for each in found.events if each.version == diff.second.version)
    assert _places(event.changes) == _places(diff.changes)
    told = [change for change in diff.changes if any(change.dataset is each for each in moved)]
    assert bool(told) == bool(moved)
    stored = (catalog.get("m", side.version).record for side in (diff.first, diff.second))
    _agrees_with_attribution(diff, told, (next(stored), next(stored)))


def _places(changes: Sequence[Change]) -> list[tuple[ChangeKind, str]]:
    return [(change.kind, change.subject) for change in changes]


def _agrees_with_attribution(
    diff: VersionDiff, told: Sequence[Change], records: tuple[LineageRecord, LineageRecord]
) -> None:
    """A part of an attribution is what differs in a layer, but for what training does not take or finds out itself."""
    parts = {each.part.kind for each in differing_parts(*records)}
    by_layer = {layer: [change for change in diff.changes if change.layer is layer] for layer in Layer}
    # The training function is given each input by its name.
    names = [{each.name for each in record.data} for record in records]
    renamed = {change.name for change in diff.data if change.kind is Kind.IDENTICAL} - (names[0] & names[1])
    data = {PlayerKind.DATA, PlayerKind.EVALUATION, PlayerKind.PREPARATION}
    assert bool(parts & data) == bool(told or renamed)
    # Sources that are not known cannot be run, and are no part.
    code = [change for change in by_layer[Layer.CODE] if change.kind is not ChangeKind.SOURCES_UNKNOWN]
    if all(record.code.source for record in records):
        assert (PlayerKind.CODE in parts) == bool(code)
    # Processor, threads and platform are those of whoever trains again.
    environment = [
        change for change in by_layer[Layer.ENVIRONMENT] if change.kind not in _MACHINE or _is_python(change)
    ]
    assert (PlayerKind.ENVIRONMENT in parts) == bool(environment)
    # The seed is a part of its own; what names the chosen candidate is an outcome.
    outcomes = {
        name
        for record in records
        for name, value in record.parameters.items()
        if value in [each.name for each in record.candidates]
    }
    seeds = [change for change in by_layer[Layer.PARAMETERS] if _is_of(change, SEED)]
    others = [change for change in by_layer[Layer.PARAMETERS] if change not in seeds]
    if PlayerKind.SEED in parts:
        assert seeds
    if not outcomes or outcomes == {"chosen"}:
        taken = [change for change in others if not _is_of(change, "chosen")]
        assert (PlayerKind.PARAMETERS in parts) == bool(taken)
    assert not parts or diff.changes[0].kind not in (ChangeKind.NOTHING, ChangeKind.UNEXPLAINED) or renamed


_MACHINE = (ChangeKind.MACHINE_CHANGED, ChangeKind.RECORDER_CHANGED, ChangeKind.UNDECLARED_CHANGED)


def _is_python(change: Change) -> bool:
    return change.subject == "python"


def _is_of(change: Change, parameter: str) -> bool:
    return change.subject == parameter or change.subject.startswith((f"{parameter}.", f"{parameter}["))
