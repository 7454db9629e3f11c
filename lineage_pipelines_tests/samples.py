"""A plain, believable record, and variations of it: what most tests of the catalog, queries and reports need."""

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta

from lineage_pipelines.records.statement.code import CodeVersion, SourceClosure, SourceFile
from lineage_pipelines.records.statement.dataset import (
    Column,
    DatasetSnapshot,
    StageInput,
    StageOutput,
    StageRun,
)
from lineage_pipelines.records.statement.environment import Environment
from lineage_pipelines.records.statement.lineage_record import Completeness, LineageRecord, ModelIdentity, predicate
from lineage_pipelines.records.statement.metric import metric_specs
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.statement.training_run import (
    Candidate,
    CheckResult,
    CheckSeverity,
    DagsterRun,
    Evaluation,
    ModelFile,
    SliceMetrics,
    TrainingRun,
)
from lineage_pipelines.records.values.codec import from_json
from lineage_pipelines.records.values.digest import Digest, DigestSet

BEGIN = datetime(2013, 4, 2, 6, 0, tzinfo=UTC)


def digest(text: str) -> Digest:
    """Return the SHA-256 of some text: a digest that is easy to ask for again."""
    return Digest.of(text.encode())


def digests(text: str, *, folder: bool = False) -> DigestSet:
    """Return both digests of some text."""
    md5 = hashlib.md5(text.encode()).hexdigest()
    return DigestSet(md5=md5 + ".dir" if folder else md5, sha256=digest(text).hex)


def run_key(text: str) -> str:
    """Return the run key that stands for a run called `text`."""
    return digest("run " + text).hex


def make_record(
    run: str = "1",
    *,
    model: str = "flight_delay",
    raw: str = "through 2013-03",
    auc: float = 0.7421,
    partition: Partition | None = None,
) -> LineageRecord:
    """Return the record of one training run.

    Args:
        run: names the run; another one is another version.
        model: the model's name.
        raw: the content of the delivered data; everything behind it follows.
        auc: the metric `roc_auc`.
        partition: the partition, of a model that has some.
    """
    train, test = _split(raw)
    return LineageRecord(
        model=ModelIdentity(
            name=model,
            asset_key=model,
            run_key=run_key(f"{model} {run}"),
            partition=partition,
            description="Will a flight arrive more than 15 minutes late?",
            owners=("team:ops",),
        ),
        data=(train, test),
        stages=_stages(raw),
        code=_code(),
        environment=_environment(),
        run=_run(run),
        parameters={"learning_rate": 0.1, "max_iter": 200, "class_weight": None, "ratio": 1.0},
        evaluation=_evaluation(auc),
        candidates=_candidates(auc),
        artifact=_artifact(f"{model} {run}"),
        completeness=Completeness(missing=("environment.lock: the project has no lock file",)),
    )


def _split(raw: str) -> tuple[DatasetSnapshot, DatasetSnapshot]:
    schema = (Column(name="month", type="int8", nullable=False), Column(name="dep_delay", type="double"))
    train, test = (
        DatasetSnapshot(
            name=role,
            role=role,
            path=f"data/{role}.parquet",
            asset_key=f"data/{role}",
            digest=digests(f"{role} of {raw}"),
            size=size,
            files=1,
            rows=rows,
            schema=schema,
            profile=digest(f"profile of {role} of {raw}"),
            produced_by="split",
        )
        for role, size, rows in (("train", 5_300_000, 52_341), ("test", 1_900_000, 28_834))
    )
    return train, test


def _stages(raw: str) -> tuple[StageRun, ...]:
    months = StageInput(
        path="data/raw", digest=digests(raw, folder=True), size=9_000_000, files=4, origin="tracked:data/raw.dvc"
    )
    features = StageOutput(path="data/features.parquet", digest=digests(f"features of {raw}"), size=7_300_000, files=1)
    return (
        StageRun(
            name="features",
            command="python -m flights.features",
            deps=(months, StageInput(path="src/features.py", digest=digests("features.py"), origin="git")),
            params={"params.yaml": {"features.lags": [1, 24]}},
            outs=(features,),
            lock=digest(f"lock of features of {raw}"),
        ),
        StageRun(
            name="split",
            command="python -m flights.split",
            deps=(StageInput(path=features.path, digest=features.digest, origin="stage:features"),),
            outs=tuple(
                StageOutput(path=f"data/{role}.parquet", digest=digests(f"{role} of {raw}"))
                for role in ("train", "test")
            ),
            lock=digest(f"lock of split of {raw}"),
        ),
    )


def _code() -> CodeVersion:
    return CodeVersion(
        repository="https://example.invalid/flights.git",
        revision="4f0c9a1b2c3d4e5f60718293a4b5c6d7e8f90123",
        branch="main",
        dirty=True,
        patch=digest("patch"),
        source=SourceClosure(
            entry="flights.train:train",
            files=(SourceFile(path="flights/train.py", sha256=digest("train.py").hex),),
            digest=digest("source"),
        ),
    )


def _environment() -> Environment:
    return Environment(
        python="CPython 3.11.7",
        platform="Linux-6.1-x86_64",
        cpu="a processor",
        threads={"cpus": 2, "openblas": 2},
        packages=digest("packages"),
        package_count=212,
    )


def _run(run: str) -> TrainingRun:
    begin = BEGIN + timedelta(days=int(run)) if run.isdigit() else BEGIN
    return TrainingRun(
        dagster=DagsterRun(
            run_id=f"run-{run}", root_run_id=f"run-{run}", job="refresh", step="flight_delay", launched_by="user:ada"
        ),
        started=begin,
        finished=begin + timedelta(seconds=42),
        host="trainer-1",
        user="ada",
        seed=7,
    )


def _evaluation(auc: float) -> Evaluation:
    slices = tuple(
        SliceMetrics(name="origin", value=value, rows=rows, metrics={"roc_auc": auc + delta, "log_loss": 0.5 - delta})
        for value, rows, delta in (("EWR", 10_592, 0.01), ("JFK", 9_697, -0.03), ("LGA", 8_545, 0.002))
    )
    return Evaluation(
        snapshot="test",
        metrics={"roc_auc": auc, "log_loss": 0.4312, "brier": 0.137, "average_precision": 0.56},
        slices=slices,
        directions=metric_specs(("roc_auc", "log_loss", "brier", "average_precision")),
        checks=(
            CheckResult(name="min_roc_auc", passed=auc >= 0.7, severity=CheckSeverity.ERROR, detail="at least 0.7"),
            CheckResult(name="slices_covered", passed=True, severity=CheckSeverity.WARN, detail="3 of 3 evaluated"),
        ),
    )


def _candidates(auc: float) -> tuple[Candidate, ...]:
    return (
        Candidate(
            name="logistic", parameters={"C": 1.0}, metrics={"roc_auc": auc - 0.05}, reason="lower ROC AUC by 0.05"
        ),
        Candidate(
            name="boosting",
            parameters={"learning_rate": 0.1},
            metrics={"roc_auc": auc},
            selected=True,
            reason="highest ROC AUC on the validation month",
        ),
    )


def _artifact(text: str) -> ModelFile:
    return ModelFile(
        format="skops",
        size=312_456,
        estimator="sklearn.pipeline.Pipeline",
        trusted_types=("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",),
        requirements=("scikit-learn==1.9.1", "skops==0.16.0"),
        digest=digest("model of " + text),
    )


def at_schema_1(record: LineageRecord) -> LineageRecord:
    """Return the record as a release of schema 1 would have written it: without the facts that came later."""
    earlier: LineageRecord = from_json(LineageRecord, predicate(record, schema=1), schema=1)
    return dataclasses.replace(earlier, schema_version=1)


def with_metrics(record: LineageRecord, **metrics: float) -> LineageRecord:
    """Return the record with other metrics: as if the training had come out differently."""
    if record.evaluation is None:
        raise ValueError("the record has no evaluation")
    measured = dataclasses.replace(record.evaluation, metrics=metrics, directions=metric_specs(metrics))
    return dataclasses.replace(record, evaluation=measured)
