"""Records of any number of training runs, which share data, code and libraries as those of a team do.

Twenty models of five teams. The models of a team read the same two tables, which are made every month from the files
that were delivered in the last three; in a month a model is trained ten times. Every fifth version comes of a new
commit, which changed one of forty source files; every fiftieth of a new release of one of two hundred libraries. So
the answer to a question about one snapshot, file, commit or release does not grow with the catalog.
"""

import dataclasses
import random
from collections.abc import Mapping
from datetime import timedelta
from functools import cache, lru_cache

from benchmarks.profiles import PROFILES, ROLES, put_profiles
from lineage_pipelines import LineageRecord, SliceMetrics
from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.records.statement.code import CodeVersion, SourceClosure, SourceFile
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, StageInput, StageOutput, StageRun
from lineage_pipelines.records.statement.environment import Environment
from lineage_pipelines.records.statement.training_run import Evaluation
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.samples import BEGIN, digest, digests, make_record, run_key

MODELS, TEAMS = 20, 5
PER_MONTH, PER_COMMIT, PER_RELEASE = 200, 5, 50
"""How many versions, of all models together, come of one state of the data, of the code and of the libraries."""
_BEHIND, _FILES, _LIBRARIES = 3, 40, 200
_SLICES = {"origin": ("EWR", "JFK", "LGA"), "carrier": ("AA", "B6", "DL", "UA"), "band": ("early", "noon", "late")}


def model_of(number: int) -> str:
    """Return the name of the model of a version, by its number from 0."""
    return f"model_{number % MODELS:02}"


def team_of(number: int) -> str:
    return f"team{number % MODELS * TEAMS // MODELS}"


def ref_of(number: int) -> str:
    return f"{model_of(number)}@{number // MODELS + 1}"


def month_of(number: int) -> int:
    return number // PER_MONTH


def snapshot(team: str, role: str, month: int) -> str:
    """Return the text whose digests a snapshot has: see `digests`."""
    return f"{role} of {team} in month {month}"


def delivered(team: str, month: int) -> str:
    """Return the path of a file that was delivered; its content is the same ever after."""
    return f"data/raw/{team}/month-{month:04}.csv"


def revision_of(number: int) -> str:
    return digest(f"commit {number // PER_COMMIT}").hex[:40]


def release_of(number: int) -> str:
    """Return the one library of which every list of packages has another release."""
    return f"features=={number // PER_RELEASE // 10}.{number // PER_RELEASE % 10}"


class Versions:
    """The records of a history, and the files that they name.

    Args:
        artifacts: where sources, lists of packages and profiles are put.
    """

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts
        self._profiles = put_profiles(artifacts)
        self._code = lru_cache(4)(self._code_of)
        self._environment = lru_cache(4)(self._environment_of)
        self._stages = lru_cache(TEAMS)(_stages)
        self._source = cache(self._put_source)

    def record(self, number: int) -> LineageRecord:
        """Return the record of a version, by its number from 0, the oldest."""
        team, month, draw = team_of(number), month_of(number), random.Random(number)
        sample = make_record(model=model_of(number))
        begun = BEGIN + timedelta(hours=3.6 * number / MODELS)
        run = dataclasses.replace(sample.run, started=begun, finished=begun + timedelta(seconds=42))
        evaluation = sample.evaluation
        assert evaluation is not None
        return dataclasses.replace(
            sample,
            model=dataclasses.replace(sample.model, run_key=run_key(str(number))),
            data=tuple(self._snapshot(team, role, month) for role in ROLES),
            stages=self._stages(team, month),
            code=self._code(number // PER_COMMIT),
            environment=self._environment(number // PER_RELEASE),
            run=run,
            parameters=_parameters(draw),
            evaluation=_evaluation(evaluation, draw),
            artifact=dataclasses.replace(sample.artifact, digest=digest(f"model file {number}")),
        )

    def _snapshot(self, team: str, role: str, month: int) -> DatasetSnapshot:
        schema, profile = self._profiles[month % PROFILES, role]
        return DatasetSnapshot(
            name=role,
            role=role,
            path=f"data/{team}/{role}.parquet",
            asset_key=f"data/{team}/{role}",
            digest=digests(snapshot(team, role, month)),
            size=5_300_000,
            files=1,
            rows=52_341 + month,
            schema=schema,
            profile=profile,
            produced_by=f"split@{team}",
        )

    def _put_source(self, file: int, edition: int) -> SourceFile:
        lines = [f"def step_{n}(table):\n    return table * {n}\n" for n in range(20)]
        lines[edition % 20] = f"def step_{edition % 20}(table):\n    return table * {edition + 20}\n"
        stored = self._artifacts.put_bytes("\n".join(lines).encode())
        return SourceFile(path=f"project/module_{file:02}.py", sha256=stored.hex)

    def _code_of(self, commit: int) -> CodeVersion:
        files = tuple(self._source(n, (commit - n) // _FILES + 1) for n in range(_FILES))
        lines = "".join(f"{file.sha256}  {file.path}\n" for file in files)
        source = SourceClosure(entry="project.module_00:step_0", files=files, digest=Digest.of(lines.encode()))
        revision = revision_of(commit * PER_COMMIT)
        return CodeVersion(
            repository="https://example.invalid/team.git", revision=revision, branch="main", source=source
        )

    def _environment_of(self, release: int) -> Environment:
        lines = [f"library-{n:03}==1.{(release - n) // _LIBRARIES + 1}" for n in range(_LIBRARIES)]
        listed = "\n".join(sorted([release_of(release * PER_RELEASE), "scikit-learn==1.9.1", *lines])) + "\n"
        sample = make_record().environment
        packages = self._artifacts.put_bytes(listed.encode())
        return dataclasses.replace(sample, packages=packages, package_count=_LIBRARIES + 2)


def _stages(team: str, month: int) -> tuple[StageRun, ...]:
    months = range(max(0, month - _BEHIND + 1), month + 1)
    features = StageOutput(path=f"data/{team}/features.parquet", digest=digests(f"features of {team} in month {month}"))
    program = StageInput(path=f"{team}/features.py", digest=digests(f"{team} program {month // 6}"), origin="git")
    raw = (delivered(team, each) for each in months)
    deps = [StageInput(path=path, digest=digests(path), size=9_000_000, origin=f"tracked:{path}.dvc") for path in raw]
    outs = (
        StageOutput(path=f"data/{team}/{role}.parquet", digest=digests(snapshot(team, role, month))) for role in ROLES
    )
    return (
        StageRun(
            name=f"features@{team}",
            command=f"python -m {team}.features",
            deps=(*deps, program),
            params={"params.yaml": {"features.lags": [1, 24], "features.month": month}},
            outs=(features,),
            lock=digest(f"lock of features of {team} in month {month}"),
        ),
        StageRun(
            name=f"split@{team}",
            command=f"python -m {team}.split",
            deps=(StageInput(path=features.path, digest=features.digest, origin=f"stage:features@{team}"),),
            outs=tuple(outs),
            lock=digest(f"lock of split of {team} in month {month}"),
        ),
    )


def _parameters(draw: random.Random) -> Mapping[str, float | int]:
    return {f"parameter_{n:02}": n if n % 4 else round(draw.uniform(0.01, 0.3), 3) for n in range(20)}


def _evaluation(sample: Evaluation, draw: random.Random) -> Evaluation:
    def measured(count: int) -> dict[str, float]:
        names = ["roc_auc", "log_loss", "brier", *(f"metric_{n:02}" for n in range(17))][:count]
        return {name: round(draw.uniform(0.72, 0.78), 4) for name in names}

    slices = tuple(
        SliceMetrics(name=name, value=value, rows=draw.randrange(5_000, 10_000), metrics=measured(3))
        for name, values in _SLICES.items()
        for value in values
    )
    return dataclasses.replace(sample, metrics=measured(20), slices=slices)
