"""What does this library cost when a code location is loaded?

`python -m benchmarks.load` compares, as whole processes in turn:

- the flights code location against the very same assets, jobs, schedules and sensors written out in plain Dagster
  (generated from what was loaded, so that nothing is forgotten): the budget is 1.1 times;
- a project of 500 DVC stages against an empty project: the budget is 2 seconds more.

What is kept between loads is there already, as for every load but the first after a change; the first is a row of its
own, without a budget.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import textwrap
from functools import partial
from pathlib import Path

import dagster as dg

from benchmarks.table import in_turn, row, seconds, show

ROOT = Path(__file__).parents[1]
_LOAD = "import dagster as dg, {module} as m; m.defs.get_repository_def(); assert m.defs.resolve_asset_graph()"
_STAGES = """
from collections.abc import Iterator
from pathlib import Path
import dagster as dg
from lineage_pipelines import DvcProject
from lineage_pipelines import DvcResource, build_dvc_sources, dvc_assets
project = DvcProject(Path(__file__).parent)
@dvc_assets(project=project)
def stages(context: dg.AssetExecutionContext, dvc: DvcResource):
    yield from dvc.run(context)
defs = dg.Definitions(assets=[*build_dvc_sources(project), *stages], resources={"dvc": DvcResource()})
"""


_CONDITION = """
changed = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())
waiting = dg.AutomationCondition.any_deps_in_progress() | dg.AutomationCondition.in_progress()
condition = (changed.since_last_handled() & ~waiting).with_label("new data")
"""


def plain_source(defs: dg.Definitions) -> str:
    """Write loaded definitions as plain Dagster code."""
    lines = ["import warnings", "import dagster as dg", "warnings.simplefilter('ignore', dg.BetaWarning)", _CONDITION]
    lines += ["class Lineage(dg.ConfigurableResource):", "    project_dir: str = '.'"]
    names: list[str] = []
    for number, assets in enumerate(defs.assets or ()):
        assert isinstance(assets, dg.AssetsDefinition)
        names.append(f"a{number}")
        lines.append(_definition(assets, f"a{number}"))
    selection = f"dg.AssetSelection.assets({', '.join(names)})"
    lines += [
        f"refresh = dg.define_asset_job('refresh', selection={selection})",
        "observe = dg.define_asset_job('observe', selection=dg.AssetSelection.assets(a0))",
        "defs = dg.Definitions(",
        f"    assets=[{', '.join(names)}], jobs=[refresh, observe],",
        "    schedules=[dg.ScheduleDefinition(job=refresh, cron_schedule='0 6 1 * *'),",
        "               dg.ScheduleDefinition(job=observe, cron_schedule='*/10 * * * *')],",
        "    sensors=[dg.AutomationConditionSensorDefinition('s', target=dg.AssetSelection.all())],",
        "    resources={'dvc': Lineage(), 'lineage': Lineage()})",
    ]
    return "\n".join(lines) + "\n"


def _definition(assets: dg.AssetsDefinition, name: str) -> str:
    specs = [_spec(spec) for spec in assets.specs]
    checks = [
        f"dg.AssetCheckSpec({c.name!r}, asset=dg.AssetKey({list(c.asset_key.path)!r}), blocking={c.blocking})"
        for c in assets.check_specs
    ]
    if not assets.is_materializable:
        return (
            f"@dg.multi_observable_source_asset(name={name!r}, can_subset=True, specs=[{', '.join(specs)}])\n"
            f"def {name}(context):\n    pass"
        )
    config = [f"    f{n}: int = {n}" for n in range(12)]
    head = f"class C{name}(dg.Config):\n" + "\n".join(config) + "\n" if checks else ""
    argument = f", config: C{name}" if checks else ""
    return (
        f"{head}@dg.multi_asset(name={name!r}, specs=[{', '.join(specs)}], check_specs=[{', '.join(checks)}])\n"
        f"def {name}(context{argument}):\n    pass"
    )


def _spec(spec: dg.AssetSpec) -> str:
    deps = ", ".join(f"dg.AssetKey({list(dep.asset_key.path)!r})" for dep in spec.deps)
    plain = {k: getattr(v, "value", v) for k, v in spec.metadata.items() if k != "dagster/code_references"}
    metadata = {k: v for k, v in plain.items() if isinstance(v, str | int | float | bool | dict)}
    return (
        f"dg.AssetSpec(dg.AssetKey({list(spec.key.path)!r}), deps=[{deps}], description={spec.description!r}, "
        f"group_name={spec.group_name!r}, owners={list(spec.owners)!r}, kinds={set(spec.kinds)!r}, "
        f"code_version={spec.code_version!r}, metadata={metadata!r}, "
        f"automation_condition={'condition' if spec.automation_condition else None})"
    )


def _stage_project(folder: Path, stages: int) -> None:
    folder.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / ".dvc").mkdir()
    (folder / ".dvc" / "config").touch()
    body = [
        f"  s{i}:\n    cmd: python step.py {i}\n    deps: [{'step.py' if i == 0 else f'out/{i - 1}.csv'}]\n"
        f"    outs: [out/{i}.csv]\n"
        for i in range(stages)
    ]
    (folder / "step.py").write_text("print()\n")
    if stages:
        (folder / "dvc.yaml").write_text("stages:\n" + "".join(body))
    (folder / "location.py").write_text(textwrap.dedent(_STAGES))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--stages", type=int, default=500)
    asked = parser.parse_args()
    plain, ours, empty = "the same assets in plain Dagster", "the flights code location", "an empty DVC project"
    many, first = f"{asked.stages} stages", f"{asked.stages} stages, the first time (DVC resolves)"
    from lineage_pipelines.flights.assets import defs

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plain.py").write_text(plain_source(defs))
        for stages in (0, asked.stages):
            _stage_project(folder / f"p{stages}", stages)
        cold = seconds(_load("location"), cwd=folder / f"p{asked.stages}")
        sides = {
            plain: partial(seconds, _load("plain"), cwd=folder),
            ours: partial(seconds, _load("lineage_pipelines.definitions"), cwd=ROOT),
            empty: partial(seconds, _load("location"), cwd=folder / "p0"),
            many: partial(seconds, _load("location"), cwd=folder / f"p{asked.stages}"),
        }
        found = in_turn(sides, asked.runs)
    more = statistics.median(a - b for a, b in zip(found[many], found[empty], strict=True))
    rows = [
        row(found, plain),
        row(found, ours, plain, "1.10 x"),
        row(found, empty),
        row(found, many, empty),
    ]
    rows[-1][-2:] = [f"+ {more:.2f} s", "+ 2 s"]
    rows.append([first, f"{cold:.2f} s", "", empty, f"+ {cold - statistics.median(found[empty]):.2f} s", ""])
    show(f"Loading a code location, {asked.runs} processes of each in turn", rows)


def _load(module: str) -> list[str]:
    return [sys.executable, "-c", _LOAD.format(module=module)]


if __name__ == "__main__":
    main()
