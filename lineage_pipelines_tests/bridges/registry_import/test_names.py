"""What registered models are called here: deterministic, no two alike, as somebody asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.bridges.mlflow.registry_import.naming import name_models
from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.values.model_name import check_model_name
from lineage_pipelines_tests.bridges.registry_import.conftest import Lineage
from lineage_pipelines_tests.bridges.registry_import.registry import Team

ODD = (
    "Flight delays",
    "flight_delays",
    "flight-delays",
    "Vols retardés ✈",
    'it\'s "quoted" 100%',
    "🚀",
    "火箭",
    "a\nb",
)


@given(st.lists(st.text(min_size=1, max_size=150), unique=True, max_size=8))
def test_every_name_is_one_of_ours_and_no_two_are_alike(theirs: list[str]) -> None:
    names = name_models(theirs, {})
    assert [*map(check_model_name, names.values())] or not theirs
    folded = {name.replace("-", "_").replace(".", "_") for name in names.values()}
    assert len(folded) <= len(names) == len(theirs)
    assert len(set(names.values())) == len(theirs)
    assert names == name_models(theirs, {})


def test_a_name_of_ours_is_kept_and_the_first_of_two_has_the_plain_one() -> None:
    names = name_models(["Flight Delays", "Flight.Delays", "flight_delays", "other"], {})
    assert names["flight_delays"] == "flight_delays"
    assert names["other"] == "other"
    assert names["Flight Delays"].startswith("flight_delays_")
    assert len({*names.values()}) == 4
    assert name_models(["Flight Delays", "Flight.Delays"], {})["Flight Delays"] == "flight_delays"


@pytest.mark.parametrize(
    "renamed", [{"gone": "x"}, {"a": "x", "b": "x"}, {"a": "Not A Name"}], ids=["unknown", "twice", "none"]
)
def test_a_name_that_cannot_be_given_is_refused(renamed: dict[str, str]) -> None:
    with pytest.raises(RecordError):
        name_models(["a", "b"], renamed)


def test_models_of_any_name_are_imported_and_found_again(team: Team, bring: Lineage) -> None:
    for name in ODD:
        team.register(name, team.train())
    first = bring("--artifacts", "none", "--format", "json")
    told = {each["theirs"]: each for each in first.json()["models"]}
    assert {*told} == {*ODD}
    assert all(each["imported"] == 1 and not each["skipped"] for each in told.values())
    assert len({each["model"] for each in told.values()}) == len(ODD)
    again = bring("--artifacts", "none", "--format", "json").json()["models"]
    assert [(each["model"], each["imported"]) for each in again] == [(each["model"], 0) for each in told.values()]


def test_a_model_keeps_its_name_when_another_one_comes(team: Team, bring: Lineage) -> None:
    team.register("My Model", team.train())
    bring("--artifacts", "none")
    team.register("my_model", team.train())
    team.register("My Model", team.train())
    told = {each["theirs"]: each for each in bring("--artifacts", "none", "--format", "json").json()["models"]}
    assert (told["My Model"]["model"], told["My Model"]["imported"]) == ("my_model", 1)
    assert told["my_model"]["imported"] == 1
    assert told["my_model"]["model"] != "my_model"


def test_chosen_models_under_names_of_ones_own(team: Team, bring: Lineage, lineage: Lineage) -> None:
    for name in ("One = 1", "Two"):
        team.register(name, team.train())
    said = bring("--model", "One = 1", "--rename", "One = 1=uno", "--artifacts", "none", "--format", "json")
    assert [(each["theirs"], each["model"]) for each in said.json()["models"]] == [("One = 1", "uno")]
    assert "uno" in lineage("models").out
    assert "two" not in lineage("models").out


@pytest.mark.parametrize(
    "words",
    [
        ("--model", "Missing"),
        ("--rename", "Two"),
        ("--rename", "Two=Not A Name"),
        ("--rename", "Two=a", "--rename", "Two=b"),
        ("--rename", "Three=a"),
    ],
)
def test_bad_input_stores_nothing(team: Team, bring: Lineage, lineage: Lineage, words: tuple[str, ...]) -> None:
    team.register("Two", team.train())
    assert bring(*words).code == 2
    assert lineage("models").code == 2 or "No model" in lineage("models").out


def test_which_mlflow_has_to_be_said(lineage: Lineage) -> None:
    said = lineage("import", "mlflow")
    assert said.code == 2
    assert "MLFLOW_TRACKING_URI" in said.err
