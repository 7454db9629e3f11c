"""DVC nodes as Dagster assets: what an asset says of its node, and how a stage runs and fails."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lineage_pipelines import (
    DatasetError,
    DvcNodeData,
    DvcProject,
    DvcProjectComponent,
    DvcResource,
    DvcTranslator,
    DvcTranslatorSettings,
    build_dvc_asset_specs,
    build_dvc_sources,
    dvc_assets,
)
from lineage_pipelines.datasets.pipeline import graph_cache
from lineage_pipelines_tests.world import World

DVC_YAML = """\
    stages:
      clean:
        cmd: cp data/raw.csv clean.csv && echo cleaned it
        desc: Copies the table.
        deps: [data/raw.csv]
        outs:
          - clean.csv:
              desc: The clean table.
              meta: {owner: ada@example.org}
        meta:
          owners: ["team:data", "not an owner"]
          tags: {domain: shop, "bad key!": x}
      fit:
        foreach:
          lr=0.1: fitting
        do:
          cmd: echo ${item}; echo no luck >&2; exit 3
          deps: [clean.csv]
          outs: ["models/${key}"]
      report:
        cmd: echo '{"auc":0.7,"by":{"city":{"oslo":1}}}' > report.json && echo 1 > plot.csv
        deps: [clean.csv]
        metrics: [report.json: {cache: false}]
        plots: [plot.csv: {cache: false}]
      old:
        frozen: true
        cmd: exit 1
        deps: [clean.csv]
        outs: [old.bin]
"""


@pytest.fixture
def project(world: World) -> DvcProject:
    world.write("data/raw.csv", "city,amount\nOslo,1\nRome,2\n")
    world.track("data/raw.csv")
    world.write("dvc.yaml", DVC_YAML)
    world.commit("Begin")
    return DvcProject(world.root)


def make_assets(project: DvcProject, **options: Any) -> list[dg.AssetsDefinition]:
    @dvc_assets(project=project, **options)
    def stages(context: dg.AssetExecutionContext, dvc: DvcResource) -> Iterator[Any]:
        yield from dvc.run(context)

    return stages


def specs(project: DvcProject, **options: Any) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in build_dvc_asset_specs(project, **options)}


def execute(project: DvcProject, stage: str) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        make_assets(project, select=[stage]),
        resources={"dvc": DvcResource(project_dir=str(project.root))},
        raise_on_error=False,
    )


def test_an_asset_says_what_dvc_yaml_says(project: DvcProject) -> None:
    found = specs(project)
    assert found.keys() == {"data/raw.csv", "clean.csv", "models/lr_0.1", "report", "old.bin"}
    clean = found["clean.csv"]
    assert clean.description == "The clean table."
    assert list(clean.owners) == ["ada@example.org"]
    assert clean.tags == {**clean.tags, "domain": "shop"}
    assert clean.kinds == {"dvc", "csv"}
    assert [dep.asset_key.to_user_string() for dep in clean.deps] == ["data/raw.csv"]
    references = clean.metadata["dagster/code_references"]
    assert isinstance(references, dg.CodeReferencesMetadataValue)
    (reference,) = references.code_references
    assert isinstance(reference, dg.LocalFileCodeReference)
    assert Path(reference.file_path) == project.root / "dvc.yaml"
    assert reference.line_number == 2
    assert clean.code_version
    assert found["data/raw.csv"].code_version is None


def test_parameters_of_any_yaml_have_a_code_version(world: World) -> None:
    """Keys may be numbers and text side by side, which JSON cannot sort."""
    world.write("dvc.yaml", "stages:\n  fit:\n    cmd: fit\n    params: [odd]\n    outs: [out.txt]\n")
    versions = set()
    for value in ("x", "y"):
        world.write("params.yaml", f"odd: {{1: {value}, two: z}}\n")
        versions.add(specs(DvcProject(world.root))["out.txt"].code_version)
    assert len(versions) == 2


def test_every_stage_is_one_op_and_the_graph_is_dvcs(project: DvcProject) -> None:
    assets = [*build_dvc_sources(project), *make_assets(project)]
    graph = dg.Definitions(assets=assets, resources={"dvc": DvcResource()}).resolve_asset_graph()
    parents = {
        key.to_user_string(): {p.to_user_string() for p in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }
    assert parents == {
        "data/raw.csv": set(),
        "clean.csv": {"data/raw.csv"},
        "models/lr_0.1": {"clean.csv"},
        "report": {"clean.csv"},
        "old.bin": {"clean.csv"},
    }
    assert graph.external_asset_keys == {dg.AssetKey(["data", "raw.csv"]), dg.AssetKey("old.bin")}
    assert {a.op.name for a in assets if a.is_executable} == {"observe_tracked_files", "clean", "fit_lr_0_1", "report"}
    assert all(a.op.pool == "dvc_workspace" for a in assets if a.is_materializable)


def test_a_stage_runs_through_dvc_and_reports_its_table(project: DvcProject, capfd: pytest.CaptureFixture[str]) -> None:
    result = execute(project, "clean")
    (event,) = result.asset_materializations_for_node("clean")
    assert "cleaned it" in "".join(capfd.readouterr())
    assert event.metadata["dagster/row_count"].value == 2
    schema = event.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    assert [(column.name, column.type) for column in schema.schema.columns] == [("city", "string"), ("amount", "int64")]
    assert event.tags is not None
    assert event.tags["dagster/data_version"] == project.recorded("clean.csv").content.md5
    assert event.metadata["dvc/size_bytes"].value == (project.root / "clean.csv").stat().st_size


def test_a_failing_stage_fails_with_the_commands_own_last_lines(project: DvcProject) -> None:
    execute(project, "clean")
    result = execute(project, "fit@lr=0.1")
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    error = failed.step_failure_data.error
    assert error is not None
    assert error.cause is not None
    for word in ("fit@lr=0.1", "exit code 3", "no luck", "dvc.yaml:"):
        assert word in error.cause.message


def test_metrics_and_plots_are_metadata(project: DvcProject) -> None:
    execute(project, "clean")
    (event,) = execute(project, "report").asset_materializations_for_node("report")
    assert event.metadata["metric/auc"].value == 0.7
    assert event.metadata["metric/by.city.oslo"].value == 1
    assert event.metadata["plot/plot.csv"].value == str(project.root / "plot.csv")


def test_a_translator_has_the_last_word(project: DvcProject) -> None:
    class Mine(DvcTranslator):
        def get_asset_spec(self, data: DvcNodeData) -> dg.AssetSpec:
            spec = super().get_asset_spec(data)
            return spec.replace_attributes(key=spec.key.with_prefix("lake"), group_name="prepare")

    found = specs(project, translator=Mine())
    assert {spec.group_name for spec in found.values()} == {"prepare"}
    assert [dep.asset_key.to_user_string() for dep in found["lake/clean.csv"].deps] == ["lake/data/raw.csv"]
    prefixed = DvcTranslator(DvcTranslatorSettings(key_prefix=("a", "b"), code_references=False))
    assert "a/b/clean.csv" in specs(project, translator=prefixed)


def test_a_stage_can_be_a_group_that_names_its_outputs(project: DvcProject) -> None:
    by_stage = DvcTranslator(DvcTranslatorSettings(by_stage=True, group_name="files"))
    found = specs(project, translator=by_stage)
    assert {name: spec.group_name for name, spec in found.items()}["clean/clean"] == "clean"
    assert found["data/raw.csv"].group_name == "files"
    assert [dep.asset_key.to_user_string() for dep in found["clean/clean"].deps] == ["data/raw.csv"]
    assert "report" in found


@pytest.mark.parametrize(("select", "count"), [(["clean"], 1), (["fit@*", "report"], 2), (None, 4)])
def test_stages_can_be_selected(project: DvcProject, select: list[str] | None, count: int) -> None:
    assert len(make_assets(project, select=select)) == count


def test_a_selection_of_nothing_is_told(project: DvcProject) -> None:
    with pytest.raises(DatasetError, match=r"(?s)'nothing'.*clean"):
        make_assets(project, select=["nothing"])


def test_names_that_dagster_would_confuse_are_told_with_the_fix(world: World) -> None:
    world.write("dvc.yaml", "stages:\n  a:\n    cmd: x\n    outs: [x.csv, x_csv]\n")
    with pytest.raises(DatasetError, match=r"(?s)'x.csv' of a and 'x_csv' of a.*get_asset_spec"):
        build_dvc_asset_specs(DvcProject(world.root))


def test_two_stages_with_one_output_are_told_at_their_lines(world: World) -> None:
    world.write("dvc.yaml", "stages:\n  a:\n    cmd: x\n    outs: [x]\n  b:\n    cmd: y\n    outs: [x]\n")
    with pytest.raises(DatasetError) as told:
        build_dvc_asset_specs(DvcProject(world.root))
    for word in ("'x'", "a", "b", "dvc.yaml:5"):
        assert word in str(told.value)


# Dagster's own reader of defs.yaml.
@pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")
@pytest.mark.parametrize("room", ["lineage_pipelines", "lineage_pipelines.orchestration"])
def test_a_project_is_a_component_under_its_name_and_its_earlier_one(project: DvcProject, room: str) -> None:
    from dagster.components.testing import create_defs_folder_sandbox

    body = {
        "type": f"{room}.DvcProjectComponent",
        "attributes": {"project": str(project.root), "select": ["clean"], "group_name": "prepare"},
    }
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(component_cls=DvcProjectComponent, defs_path="shop", defs_yaml_contents=body)
        with sandbox.load_component_and_build_defs(defs_path=path) as (component, defs):
            assert isinstance(component, DvcProjectComponent)
            keys = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
            assert keys == {"data/raw.csv", "clean.csv"}
            job = defs.resolve_implicit_global_asset_job_def()
            assert job.execute_in_process(asset_selection=[dg.AssetKey("clean.csv")]).success


@pytest.mark.parametrize("select", ['key:"clean.csv"+', "group:default", 'tag:"domain"="shop"', "kind:csv or *"])
def test_selections_in_words_work_beside_dvc(project: DvcProject, select: str) -> None:
    """With the antlr that DVC's own requirements resolve to, each of these raises TypeError."""
    assets = [*build_dvc_sources(project), *make_assets(project)]
    graph = dg.Definitions(assets=assets, resources={"dvc": DvcResource()}).resolve_asset_graph()
    assert dg.AssetSelection.from_string(select).resolve(graph)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The root of each load of a resolved graph."""
    found: list[Path] = []
    load = graph_cache.load

    def counted(root: Path) -> graph_cache.CachedGraph | None:
        found.append(root)
        return load(root)

    monkeypatch.setattr(graph_cache, "load", counted)
    return found


def test_tracked_files_are_observed_with_one_load_of_the_pipeline(world: World, loads: list[Path]) -> None:
    for number in range(30):
        world.write(f"data/{number}.csv", f"number\n{number}\n")
    world.track(*(f"data/{number}.csv" for number in range(30)))
    sources = build_dvc_sources(DvcProject(world.root))
    job = dg.define_asset_job("observe", selection=dg.AssetSelection.all(include_sources=True))
    defs = dg.Definitions(assets=sources, jobs=[job])
    loads.clear()
    observed = defs.resolve_job_def("observe").execute_in_process()
    assert len(observed.get_asset_observation_events()) == 30
    assert len(loads) == 1


def test_an_unchanged_stage_loads_the_pipeline_once(project: DvcProject, loads: list[Path]) -> None:
    assert execute(project, "clean").success
    loads.clear()
    assert execute(project, "clean").success
    assert len(loads) == 2  # once for the definitions of the test, once in the step
