"""Our graph of DVC projects against `dvc dag`, side by side, and the Dagster definitions made of it.

    python benchmarks/dvc_dag.py FOLDER...

Each folder is searched for DVC projects (folders that hold `.dvc`). One line a project; exit code 1 when a graph
differs, when we refuse what DVC accepts, or when something fails with an error that is not ours.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg

from lineage_pipelines import (
    DvcProject,
    DvcResource,
    LineageError,
    build_dvc_asset_specs,
    build_dvc_sources,
    dvc_assets,
)

_NODE = re.compile(r'^\t(node\d+)\["(.*)"\]$', re.MULTILINE)
_EDGE = re.compile(r"^\t(node\d+)-->(node\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Dag:
    """Nodes, and edges as (consumer, producer)."""

    nodes: frozenset[str]
    edges: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Row:
    """One project, measured."""

    project: str
    stages: int
    tracked: int
    edges: int
    verdict: str
    cold: float
    warm: float
    dvc: float
    note: str = ""
    problems: int = 0
    dagster: str = "–"
    """How many assets Dagster shows, or that they were refused."""


def main(folders: Sequence[str]) -> int:
    """Compare every project below the folders and print the table."""
    tops = [Path(folder).resolve() for folder in folders]
    rows = [compare(root, _name(root, tops)) for top in tops for root in projects(top)]
    print(table(rows))
    return 1 if not rows or any(row.verdict.isupper() or row.dagster.isupper() for row in rows) else 0


def projects(top: Path) -> Iterator[Path]:
    """Yield the DVC projects below a folder, the folder itself included."""
    for folder, dirs, _ in os.walk(top):
        if ".dvc" in dirs and (Path(folder) / ".dvc" / "config").exists():
            yield Path(folder)
        dirs[:] = sorted(name for name in dirs if name not in (".dvc", ".git"))


def _name(root: Path, tops: Sequence[Path]) -> str:
    top = next(top for top in tops if top == root or top in root.parents)
    return str(root.relative_to(top)) if root != top else top.name


def compare(root: Path, name: str) -> Row:
    """Load one project cold and warm, hold it against `dvc dag`, and make Dagster definitions of it."""
    shutil.rmtree(root / ".dvc" / "tmp" / "lineage_pipelines", ignore_errors=True)
    project = DvcProject(root)
    theirs, dvc_seconds = timed(lambda: dvc_dag(root))
    ours, cold = timed(lambda: our_dag(project))
    _, warm = timed(lambda: our_dag(project))
    row = Row(name, 0, 0, 0, "both refuse" if isinstance(theirs, str) else "WE REFUSE", cold, warm, dvc_seconds)
    if isinstance(ours, str):
        return replace(row, note=ours)
    graph = project.graph()
    assets, refusal = dagster_assets(project)
    row = replace(
        row,
        stages=len(graph.stages),
        tracked=len(graph.tracked),
        edges=len(graph.edges),
        problems=len(project.problems()),
        dagster=assets,
        note=refusal,
    )
    if isinstance(theirs, str):
        return replace(row, verdict="dvc refuses", note=f"{theirs}\n{refusal}".strip())
    if ours == theirs:
        return replace(row, verdict="equal")
    return replace(row, verdict="DIFFERENT", note=f"{difference(ours, theirs)}\n{refusal}".strip())


def dagster_assets(project: DvcProject) -> tuple[str, str]:
    """Return how many assets Dagster shows, both ways of defining them, or that ours refuse, and why."""

    def run(context: dg.AssetExecutionContext, dvc: DvcResource):  # noqa: ANN202
        yield from dvc.run(context)

    try:
        assets = [*dvc_assets(project=project)(run), *build_dvc_sources(project)]
        executable = dg.Definitions(assets=assets, resources={"dvc": DvcResource(project_dir=str(project.root))})
        shown = dg.Definitions(assets=build_dvc_asset_specs(project))
    except LineageError as error:
        return "refused", str(error)
    dg.Definitions.validate_loadable(executable)
    edges, shown_edges = (
        {key: graph.get(key).parent_keys for key in graph.get_all_asset_keys()}
        for graph in (executable.resolve_asset_graph(), shown.resolve_asset_graph())
    )
    return (str(len(edges)), "") if edges == shown_edges else ("UNEQUAL", f"{edges} {shown_edges}")


def timed(call):  # noqa: ANN001, ANN201
    """Return what a call returns, and the seconds it took."""
    begin = time.perf_counter()
    value = call()
    return value, time.perf_counter() - begin


def our_dag(project: DvcProject) -> Dag | str:
    """Return our graph, or why there is none."""
    try:
        graph = project.graph()
    except LineageError as error:
        return str(error)
    return Dag(frozenset(node.address for node in graph.nodes()), frozenset(graph.edges))


def dvc_dag(root: Path) -> Dag | str:
    """Return what `dvc dag` shows, or why it shows nothing."""
    command = [sys.executable, "-P", "-m", "dvc", "dag", "--mermaid"]
    env = os.environ | {"DVC_NO_ANALYTICS": "1", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        return " ".join(done.stderr.split())
    names = dict(_NODE.findall(done.stdout))
    edges = frozenset((names[user], names[maker]) for maker, user in _EDGE.findall(done.stdout))
    return Dag(frozenset(names.values()), edges)


def difference(ours: Dag, theirs: Dag) -> str:
    """Say how two graphs differ."""
    parts = {
        "nodes only ours": ours.nodes - theirs.nodes,
        "nodes only DVC's": theirs.nodes - ours.nodes,
        "edges only ours": ours.edges - theirs.edges,
        "edges only DVC's": theirs.edges - ours.edges,
    }
    return "; ".join(f"{name}: {sorted(values)[:4]}" for name, values in parts.items() if values)


def table(rows: Sequence[Row]) -> str:
    """Return the table as Markdown, notes below."""
    lines = [
        "| project | stages | tracked | edges | graph | problems | assets | cold ms | warm ms | dvc dag ms |",
        "|---|---:|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.project} | {row.stages} | {row.tracked} | {row.edges} | {row.verdict} "
        f"| {row.problems} | {row.dagster} | {row.cold * 1e3:.0f} | {row.warm * 1e3:.1f} | {row.dvc * 1e3:.0f} |"
        for row in rows
    ]
    equal = sum(row.verdict == "equal" for row in rows)
    lines += ["", f"{len(rows)} projects, {equal} equal to `dvc dag`."]
    lines += [f"\n{row.project}: {row.verdict}\n{row.note}" for row in rows if row.note]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
