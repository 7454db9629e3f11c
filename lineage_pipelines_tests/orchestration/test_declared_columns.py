"""Declared columns: what dvc.yaml says of an output's columns is shown by Dagster."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from lineage_pipelines import DatasetError, DvcProject, DvcResource, build_dvc_sources, dvc_assets
from lineage_pipelines.flights.delivery.delivery_reader import AFTER_DEPARTURE
from lineage_pipelines.flights.preparation.cleaning import SCHEDULE
from lineage_pipelines.flights.preparation.columns import IDENTITY, LABEL
from lineage_pipelines.flights.preparation.features import COLUMNS, FEATURES
from lineage_pipelines.orchestration.dvc.declared_columns import DeclaredColumn, column_lineage, read_columns
from lineage_pipelines_tests.flights.checkout import ROOT
from lineage_pipelines_tests.world import World

COPY = "import shutil; shutil.copy('data/orders.csv', 'data/clean.csv')"
COLUMNS_FILE = {
    "data/clean.csv": {
        "city": "where the order came from",
        "amount": {"desc": "euros", "from": "data/orders.csv:amount"},
    }
}


def declare(world: World, meta: Any, *, outs: Any = "data/clean.csv") -> None:
    world.write("data/orders.csv", "city,amount\nOslo,1\n")
    world.track("data/orders.csv")
    stage = {"cmd": f'python -c "{COPY}"', "deps": ["data/orders.csv"], "outs": [outs], "meta": {"columns": meta}}
    world.write("dvc.yaml", yaml.safe_dump({"stages": {"clean": stage}}))
    world.write("columns.yaml", yaml.safe_dump(COLUMNS_FILE))
    world.commit("Declare columns")


def materialize(world: World) -> tuple[Mapping[str, dg.MetadataValue[Any]], str]:
    project = DvcProject(world.root)

    @dvc_assets(project=project)
    def stages(context: dg.AssetExecutionContext, dvc: DvcResource) -> Any:
        yield from dvc.run(context)

    with dg.instance_for_test() as instance:
        result = dg.materialize(
            [*build_dvc_sources(project), *stages],
            instance=instance,
            resources={"dvc": DvcResource(project_dir=str(world.root))},
        )
        (event,) = result.asset_materializations_for_node("clean")
        warnings = [each.user_message for each in instance.all_logs(result.run_id) if each.level == 30]
        return event.metadata, "\n".join(warnings)


@pytest.mark.parametrize("meta", ["columns.yaml", COLUMNS_FILE["data/clean.csv"]])
def test_descriptions_and_sources_are_shown(world: World, meta: Any) -> None:
    declare(world, meta)
    metadata, warnings = materialize(world)
    schema = metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    assert {column.name: column.description for column in schema.schema.columns} == {
        "city": "where the order came from",
        "amount": "euros",
    }
    lineage = metadata["dagster/column_lineage"]
    assert isinstance(lineage, dg.TableColumnLineageMetadataValue)
    (source,) = lineage.value.deps_by_column["amount"]
    assert (source.asset_key, source.column_name) == (dg.AssetKey(["data", "orders.csv"]), "amount")
    assert "columns" not in warnings


@pytest.mark.parametrize(
    ("meta", "warning"),
    [
        ("gone.yaml", "the declared columns cannot be read"),
        (["city"], "no mapping of names"),
        ({"city": 7}, "does not declare a column"),
        ({"city": {"desc": "x", "form": "y"}}, "does not declare a column"),
        ({"city": {"from": "orders"}}, "names no column"),
        ({"city": {"from": "data/other.csv:city"}}, "which the stage does not read"),
        ({"town": "x"}, "has no column town, which is declared"),
    ],
)
def test_a_wrong_declaration_is_a_warning_and_the_stage_stands(world: World, meta: Any, warning: str) -> None:
    declare(world, meta)
    metadata, warnings = materialize(world)
    assert warning in warnings
    assert metadata["dagster/row_count"].value == 1


def test_an_output_overrides_its_stage_and_names_another_one(world: World) -> None:
    declare(world, "columns.yaml", outs={"data/clean.csv": {"meta": {"columns": {"city": "its own"}}}})
    (stage,) = DvcProject(world.root).graph().stages
    assert read_columns(world.root, stage, "data/clean.csv") == {"city": DeclaredColumn(desc="its own")}
    assert column_lineage({"city": DeclaredColumn(desc="x")}, {}) is None
    with pytest.raises(DatasetError, match="does not read"):
        column_lineage({"city": DeclaredColumn(desc=None, sources=(("data/x.csv", "city"),))}, {})


def test_the_flights_declare_every_column_of_every_table() -> None:
    stages = {stage.name: stage for stage in DvcProject(ROOT).graph().stages}
    tables = {out.path: stage for stage in stages.values() for out in stage.outs if Path(out.path).suffix == ".parquet"}
    found = {path: read_columns(ROOT, stage, path) for path, stage in tables.items()}
    assert all(found.values())
    features = found["data/features/flights.parquet"]
    assert set(features) == set(COLUMNS)
    assert set(found["data/clean/schedule.parquet"]) == {"flight_id", *SCHEDULE}
    assert set(found["data/clean/arrivals.parquet"]) == {"flight_id", *AFTER_DEPARTURE}
    assert set(found["data/clean/cancelled.parquet"]) == {"flight_id", "outcome", *AFTER_DEPARTURE}
    assert {feature.name: features[feature.name].desc for feature in FEATURES} == {
        feature.name: feature.meaning for feature in FEATURES
    }
    assert all(column.sources for column in features.values())
    assert {*IDENTITY, LABEL} <= set(features)
    for part in ("train", "validation", "test"):
        copied = found[f"data/features/{part}.parquet"]
        assert {name: column.sources for name, column in copied.items()} == {
            name: (("data/features/flights.parquet", name),) for name in features
        }
