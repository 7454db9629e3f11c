"""What a launch form cannot mean is refused at launch, before a run exists."""

import os
import subprocess
import sys
from dataclasses import InitVar, dataclass, field
from typing import Annotated, Any, Literal

import annotated_types
import dagster as dg
import pydantic
import pytest

from lineage_pipelines import (
    CaptureError,
    LineageResource,
    RecordError,
    build_attribute_job,
    build_promote_job,
    build_reproduce_job,
)
from lineage_pipelines.orchestration.launch_check import check_at_launch
from lineage_pipelines.orchestration.training.launch_form import build_parameters, config_class
from lineage_pipelines_tests.orchestration.conftest import INPUTS, build_defs
from lineage_pipelines_tests.orchestration.shop import MODEL, Shop, run


class Inner(pydantic.BaseModel):
    depth: Annotated[int, annotated_types.Ge(1)] = 3
    mode: Literal["x", "y"] = "x"
    level: Literal[1, 2] = 1


@dataclass(frozen=True)
class Bounded:
    rate: Annotated[float, annotated_types.Gt(0), pydantic.Field(le=1)] = 0.1
    """Learning rate."""
    folds: Literal[2, 5] = 5
    loss: Literal["log", "hinge"] = "log"
    spare: Literal["log", "hinge"] | None = None
    losses: tuple[Literal["log", "hinge"], ...] = ("log",)
    inner: Inner = field(default_factory=Inner)
    optional: Inner | None = None
    grid: tuple[Annotated[float, annotated_types.Gt(0)], ...] = (0.1,)

    def __post_init__(self) -> None:
        if self.folds == 2 and self.rate == 1:
            raise ValueError("a rate of 1 needs more folds")


def launch(values: dict[str, Any]) -> object:
    """Execute a job of one op that takes the form."""
    seen: list[object] = []
    form = config_class(Bounded)

    @dg.op
    def train(config: form) -> None:  # type: ignore[valid-type]
        seen.append(build_parameters(Bounded, config))

    check_at_launch(train, "bounded", lambda given: build_parameters(Bounded, form(**given)))

    @dg.job
    def job() -> None:
        train()

    with dg.DagsterInstance.ephemeral() as instance:
        try:
            job.execute_in_process(run_config={"ops": {"train": {"config": values}}}, instance=instance)
        except Exception:
            assert not instance.get_runs(), "refused before there was a run"
            raise
    return seen[0]


def test_bounds_and_choices_stand_in_the_description_of_their_field() -> None:
    fields = config_class(Bounded).model_fields
    assert fields["rate"].description == "Learning rate. Greater than 0, at most 1."
    assert fields["folds"].description == "One of 2, 5."
    assert fields["grid"].description == "Each greater than 0."
    assert fields["loss"].description is None, "the form shows the choices"


def test_what_is_within_bounds_arrives_as_the_author_wrote_it() -> None:
    assert launch({}) == Bounded()
    given = {"folds": 2, "spare": "hinge", "losses": ["hinge", "log"], "optional": {"level": 2}, "inner": {"mode": "y"}}
    assert launch(given) == Bounded(
        folds=2, spare="hinge", losses=("hinge", "log"), optional=Inner(level=2), inner=Inner(mode="y")
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate": -1.0}, "bounded cannot be launched: rate: Input should be greater than 0"),
        ({"rate": 1.5}, "rate: Input should be less than or equal to 1"),
        ({"folds": 3}, "folds: Input should be one of 2, 5"),
        ({"inner": {"depth": 0}}, "inner.depth: Input should be greater than or equal to 1"),
        ({"optional": {"level": 7}}, "optional.level: Input should be one of 1, 2"),
        ({"grid": [0.1, -2.0]}, "grid.1: Input should be greater than 0"),
        ({"rate": 1.0, "folds": 2}, "ValueError: a rate of 1 needs more folds"),
    ],
)
def test_what_is_beyond_is_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(CaptureError) as raised:
        launch(values)
    assert message in raised.value.what


@pytest.mark.parametrize("values", [{"loss": "other"}, {"losses": ["other"]}, {"spare": "other"}])
def test_choices_are_dagsters_own(values: dict[str, Any]) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError, match="not in enum type"):
        launch(values)


def test_a_value_from_an_environment_variable_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", "hunter2hunter2")

    @dataclass
    class Named:
        word: str = ""
        rate: Annotated[float, annotated_types.Gt(0)] = 1.0

    form = config_class(Named)

    @dg.op
    def train(config: form) -> None:  # type: ignore[valid-type]
        """Train nothing."""

    check_at_launch(train, "named", lambda given: form(**given))

    @dg.job
    def job() -> None:
        train()

    config = {"ops": {"train": {"config": {"word": {"env": "WORD"}, "rate": -1.0}}}}
    with pytest.raises(CaptureError) as raised:
        job.execute_in_process(run_config=config)
    assert "hunter2" not in str(raised.value)


def test_an_init_var_is_refused_by_name() -> None:
    @dataclass
    class Hidden:
        scale: InitVar[int] = 3

    with pytest.raises(CaptureError, match=r"Hidden\.scale is an InitVar"):
        config_class(Hidden)


def test_a_literal_of_several_kinds_is_refused_by_name() -> None:
    @dataclass
    class Mixed:
        size: Literal[1, "all"] = 1

    with pytest.raises(CaptureError, match=r"Mixed\.size"):
        config_class(Mixed)


@pytest.mark.parametrize(
    ("job", "op", "form", "message"),
    [
        (build_promote_job(), "promote", {"ref": "churn", "reason": " "}, "the reason is empty"),
        (build_promote_job(), "promote", {"ref": "churn", "reason": "good", "alias": "v3"}, "taken for a version"),
        (build_promote_job(), "promote", {"ref": "", "reason": "good"}, "ref: String should have at least 1"),
        (
            build_attribute_job(),
            "ask",
            {"old": "a@1", "new": "a@2", "metric": "auc", "seeds": 2},
            "seeds: Input should",
        ),
        (build_reproduce_job(), "reproduce", {"ref": "churn", "timeout_minutes": 0.0}, "timeout_minutes: Input should"),
    ],
)
def test_forms_of_jobs_are_checked_and_described(
    job: dg.JobDefinition, op: str, form: dict[str, Any], message: str
) -> None:
    schema: Any = job.graph.node_named(op).definition.config_schema
    assert all(each.description for each in schema.config_type.fields.values())
    with dg.DagsterInstance.ephemeral() as instance, pytest.raises((CaptureError, RecordError)) as raised:
        job.execute_in_process(
            run_config={"ops": {op: {"config": form}}}, instance=instance, resources={"lineage": LineageResource()}
        )
    assert message in raised.value.what


def test_the_job_reproduces_a_version(split_shop: Shop, instance: dg.DagsterInstance) -> None:
    split_shop.world.commit("Split")
    assert run(build_defs(split_shop), "train", instance).success
    lineage = split_shop.resources()["lineage"]
    result = build_reproduce_job().execute_in_process(
        run_config={"ops": {"reproduce": {"config": {"ref": "churn@1", "check_only": True}}}},
        resources={"lineage": lineage},
        instance=instance,
    )
    (output,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    assert "R2" in str(output.step_output_data.metadata["reproduction/verdict"].value)


LOCATION = """
import dagster as dg
from lineage_pipelines import DvcProject, LineageResource, model_asset
from {module} import churn

model = model_asset(project=DvcProject("{root}"), inputs={inputs})(churn)
defs = dg.Definitions(
    assets=[model],
    jobs=[dg.define_asset_job("train", selection=[model])],
    resources={{"lineage": LineageResource(project_dir="{root}")}},
)
"""


def test_a_launch_through_the_code_location_is_refused_and_leaves_no_run(split_shop: Shop) -> None:
    """In processes of their own, as the UI and the daemon launch."""
    shop = split_shop
    bounded = MODEL.replace("    strength: float = 1.0", "    strength: Annotated[float, Gt(0)] = 1.0").replace(
        "from typing import", "from annotated_types import Gt\nfrom typing import Annotated,"
    )
    shop.world.write(f"{shop.module_name}.py", bounded)
    shop.world.write("location.py", LOCATION.format(module=shop.module_name, root=shop.root, inputs=INPUTS))
    home = shop.root / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dagster", "job", "launch", "-f", "location.py", "-j", "train"),
            *("--config-json", '{"ops": {"churn": {"config": {"strength": -1}}}}'),
        ],
        cwd=shop.root,
        env={**os.environ, "DAGSTER_HOME": str(home)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "churn cannot be launched: strength: Input should be greater than 0" in done.stderr
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        assert not instance.get_runs()
