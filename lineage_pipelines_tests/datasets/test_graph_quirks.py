"""What real DVC projects contain, in small: our graph must be DVC's own, cold and warm, and Dagster must take it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import dagster as dg
import pytest

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.errors import LineageError
from lineage_pipelines.orchestration.dvc.asset_specs import build_dvc_asset_specs
from lineage_pipelines.orchestration.dvc.dvc_assets import build_dvc_sources, dvc_assets
from lineage_pipelines.orchestration.dvc.dvc_resource import DvcResource
from lineage_pipelines.orchestration.dvc.translator import DvcNodeData, DvcTranslator
from lineage_pipelines_tests.datasets.oracle import dvc_graph
from lineage_pipelines_tests.world import World

MD5 = "0123456789abcdef0123456789abcdef"


def tracked(path: str, **more: str) -> str:
    """Return a `.dvc` file of one path, with more keys at its top."""
    top = "".join(f"{key}: {value}\n" for key, value in more.items())
    return f"{top}outs:\n- md5: {MD5}\n  hash: md5\n  size: 3\n  path: {path}\n"


QUIRKS: dict[str, Mapping[str, str]] = {
    "foreach over a list, a mapping and a parameter": {
        "params.yaml": "kinds: {a: {lr: 1}, b: {lr: 2}}\n",
        "dvc.yaml": """\
            stages:
              raw: {foreach: [x, 1, true, 0.5], do: {cmd: "echo ${item}", outs: ["raw/${item}.csv"]}}
              fit:
                foreach: ${kinds}
                do: {cmd: "echo ${key} ${item.lr}", deps: [raw/x.csv], outs: ["fit/${key}"]}
              all: {cmd: echo, deps: [fit, raw/1.csv], outs: [all.txt]}
            """,
    },
    "a matrix of values and of mappings": {
        "dvc.yaml": """\
            vars: [{sets: [{name: s1}, {name: s2}]}]
            stages:
              fit:
                matrix: {model: [cnn, xgb], set: "${sets}"}
                cmd: echo ${item.model}
                deps: ["${item.set.name}.csv"]
                outs: ["out/${item.model}/${item.set.name}"]
              sum: {cmd: echo, deps: [out/cnn], outs: [sum.csv]}
            """,
    },
    "vars of a file, of a part of it, of a folder above and of a stage": {
        "conf/all.yaml": "paths: {raw: raw.csv}\nother: 1\n",
        "conf/py.py": "name = 'out'\n",
        "sub/own.toml": "[own]\nname = 'own'\n",
        "sub/dvc.yaml": """\
            vars: ["../conf/all.yaml:paths", ../conf/py.py]
            stages:
              one: {cmd: echo, vars: [own.toml], deps: ["../${paths.raw}"], outs: ["${own.name}.csv"]}
              two: {cmd: echo, deps: [own.csv], outs: ["../${name}.csv"]}
            """,
        "dvc.yaml": "stages: {raw: {cmd: echo, outs: [raw.csv]}, end: {cmd: echo, deps: [out.csv]}}\n",
    },
    "parameters in Python, TOML and JSON, and a file of parameters that a stage makes": {
        "p.py": "class Train:\n    lr = 0.1\n",
        "p.toml": "[a]\nb = 1\n",
        "p.json": '{"a": 1}',
        "params.yaml": "x: 1\n",
        "dvc.yaml": """\
            stages:
              tune: {cmd: echo, params: [x, {p.py: [Train.lr]}, {p.toml: [a.b]}], outs: [best.yaml]}
              fit: {cmd: echo, params: [{best.yaml: [lr]}, {p.json: }, {missing.yaml: [z]}], outs: [m.pkl]}
            """,
    },
    "several dvc.yaml with working folders": {
        "dvc.yaml": "stages: {raw: {cmd: echo, outs: [data/raw]}}\n",
        "a/b/dvc.yaml": "stages: {clean: {wdir: ../.., cmd: echo, deps: [data/raw/x.csv], outs: [data/clean.csv]}}\n",
        "a/dvc.yaml": "stages: {fit: {wdir: b, cmd: echo, deps: [../../data/clean.csv], outs: [./m.pkl]}}\n",
        "a/b/old.dvc": tracked("../old.csv", wdir=".."),
    },
    "sections beside the stages": {
        "m.json": "{}",
        "a/dvc.yaml": "metrics: [../m.json]\nplots: [../p.csv]\n",
        "dvc.yaml": """\
            params: [params.yaml]
            metrics: [m.json]
            plots: [p.csv, {loss: {x: step, y: {p.csv: loss}}}]
            artifacts: {best: {path: m.pkl, type: model, labels: [x]}}
            stages:
              fit:
                cmd: echo
                outs: [m.pkl]
                metrics: [n.json: {cache: false}]
                plots: [p.csv: {x: a, y: b}, q.csv]
              use: {cmd: echo, deps: [n.json, q.csv]}
            """,
    },
    "a file without stages, an empty one and one of comments": {
        "dvc.yaml": "# nothing yet\n",
        "a/dvc.yaml": "",
        "b/dvc.yaml": "stages: {}\nmetrics: []\n",
        "x.csv.dvc": tracked("x.csv"),
    },
    "anchors, merge keys, commands as a list and flags": {
        "dvc.yaml": """\
            vars: [{base: &base {always_changed: true}}]
            stages:
              a: {cmd: [echo a, echo b], outs: [a: {persist: true, cache: false, desc: x, push: false}], frozen: true}
              b: &b {cmd: echo, deps: [a], outs: [b]}
              c: {<<: *b, deps: [b], outs: [c], desc: last, meta: {owner: me@example.com, tags: [x], when: 2024-01-01}}
            """,
    },
    "paths spelt in many ways": {
        "dvc.yaml": """\
            stages:
              a: {cmd: echo, outs: [./x//y.csv, "z/", "with space/f;1.csv"]}
              b: {cmd: echo, deps: [x/y.csv, x/../x/y.csv, z/k.csv, "with space"], outs: [b.csv]}
              c: {cmd: echo, deps: [x, b.csv, b.csv], outs: [.hidden/c, -dash, "#hash", "=eq"]}
              d: {cmd: echo, deps: [.hidden, "#hash"]}
            """,
    },
    "names beyond ASCII": {
        "données/été.csv.dvc": tracked("été.csv"),
        "dvc.yaml": """\
            stages:
              подготовка: {cmd: echo, deps: [données/été.csv], outs: [数据/火车.csv]}
              训练: {foreach: [ä, 火], do: {cmd: "echo ${item}", deps: [数据], outs: ["модель/${item}.pkl"]}}
            """,
    },
    "dependencies on folders that hold outputs, and inside outputs": {
        "data/a.csv.dvc": tracked("a.csv"),
        "data/in/b.csv.dvc": tracked("b.csv"),
        "dvc.yaml": """\
            stages:
              all: {cmd: echo, deps: [data], outs: [all]}
              root: {cmd: echo, deps: [all/part/1.csv, all/part/2.csv, code.py], outs: [root.txt]}
              near: {cmd: echo, deps: [all2, al]}
            """,
    },
    "imports from a repository, a URL and the project itself": {
        "far.csv.dvc": f"""\
            md5: {MD5}
            frozen: true
            deps:
            - path: made.csv
              repo: {{url: "https://x.invalid/r", rev_lock: abc}}
            outs:
            - {{md5: {MD5}, path: far.csv}}
            """,
        "web.csv.dvc": "deps:\n- path: https://x.invalid/w.csv\n  etag: xyz\nouts:\n- path: web.csv\n",
        "own.csv.dvc": "frozen: true\ndeps:\n- path: made.csv\nouts:\n- path: own.csv\n",
        "two.dvc": f"outs:\n- {{md5: {MD5}, path: t1}}\n- {{md5: {MD5}.dir, nfiles: 2, path: t2}}\n",
        "dvc.yaml": """\
            stages:
              make: {cmd: echo, deps: ["https://x.invalid/z.csv", t2/f], outs: [made.csv]}
              use: {cmd: echo, deps: [far.csv, web.csv, own.csv, t1]}
            """,
    },
    "data sets and remotes by name": {
        ".dvc/config": "[core]\n    analytics = false\n['remote \"R\"']\n    url = https://x.invalid/d\n",
        "dvc.yaml": """\
            datasets: [{name: cats, type: dc}]
            stages:
              a: {cmd: echo, deps: ["ds://cats", "remote://r/x.csv"], outs: [a]}
              b: {cmd: echo, deps: ["remote://r/x.csv", a]}
            """,
    },
    "metafiles that DVC does not see": {
        ".dvcignore": "old/\n*.tmp\n!keep/\n",
        ".gitignore": "/hidden\n/lost.dvc\n",
        "old/dvc.yaml": "stages: {broken: [\n",
        "hidden/dvc.yaml": "stages: {broken: [\n",
        "lost.dvc": "broken: [\n",
        "made/inner/dvc.yaml": "stages: {broken: [\n",
        "dvc.yaml": "stages: {make: {cmd: echo, outs: [made]}, use: {cmd: echo, deps: [old/x, made/inner]}}\n",
        "x.dvc/dvc.yaml": "stages: {in_folder: {cmd: echo, outs: [y]}}\n",
        "up.DVC": "broken: [\n",
        "Dvcfile": "broken: [\n",
        "dvc.yml": "broken: [\n",
    },
    "a lock file of another time": {
        "dvc.lock": f"schema: '2.0'\nstages:\n  gone:\n    cmd: x\n    outs:\n    - {{path: a, md5: {MD5}, size: 1}}\n",
        "dvc.yaml": "stages: {a: {cmd: echo, outs: [a]}, b: {cmd: echo, deps: [a]}}\n",
    },
    "checksums that look like numbers": {
        "n.csv.dvc": "outs:\n- md5: '12345678901234567890123456789012'\n  size: 10\n  path: n.csv\n",
        "e.csv.dvc": "outs:\n- md5: '1e345678901234567890123456789012'\n  path: e.csv\n",
    },
}


def check_equal(root: Path) -> DvcProject:
    """Our graph is DVC's, and stays so without DVC."""
    project = DvcProject(root)
    graph = project.graph()
    ours = frozenset(node.address for node in graph.nodes()), frozenset(graph.edges)
    assert ours == dvc_graph(root)
    assert DvcProject(root).graph() == graph
    return project


def check_dagster(project: DvcProject) -> Mapping[dg.AssetKey, AbstractSet[dg.AssetKey]]:
    """Dagster loads the definitions; those without execution give the same parents by asset."""

    def run(context: dg.AssetExecutionContext, dvc: DvcResource) -> Iterator[object]:
        yield from dvc.run(context)

    assets = [*dvc_assets(project=project)(run), *build_dvc_sources(project)]
    defs = dg.Definitions(assets=assets, resources={"dvc": DvcResource(project_dir=str(project.root))})
    dg.Definitions.validate_loadable(defs)
    shown = dg.Definitions(assets=build_dvc_asset_specs(project))
    found, parents = (
        {key: graph.get(key).parent_keys for key in graph.get_all_asset_keys()}
        for graph in (defs.resolve_asset_graph(), shown.resolve_asset_graph())
    )
    assert found == parents
    return parents


@pytest.mark.parametrize("files", QUIRKS.values(), ids=QUIRKS.keys())
def test_the_graph_is_dvcs_own_and_dagster_takes_it(files: Mapping[str, str], world: World) -> None:
    for name, text in files.items():
        world.write(name, text)
    check_dagster(check_equal(world.root))


def test_an_import_of_the_projects_own_output_follows_it_in_dagster(world: World) -> None:
    world.write("dvc.yaml", "stages: {make: {cmd: echo, outs: [made.csv]}}\n")
    world.write("own.csv.dvc", "deps:\n- path: made.csv\nouts:\n- path: own.csv\n")
    parents = check_dagster(check_equal(world.root))
    assert parents[dg.AssetKey("own.csv")] == {dg.AssetKey("made.csv")}


@pytest.mark.parametrize("word", ["input", "output", "config", "class", "None"])
def test_words_that_dagster_keeps_for_itself_get_a_mark(word: str, world: World) -> None:
    world.write("raw.csv.dvc", tracked("raw.csv"))
    stages = f"{word}: {{cmd: echo, deps: [raw.csv], outs: [{word!r}]}}\n  m: {{cmd: echo, deps: [{word}/x]}}"
    world.write("dvc.yaml", f"stages:\n  {stages}\n")
    parents = check_dagster(check_equal(world.root))
    assert parents[dg.AssetKey("m")] == {dg.AssetKey(f"{word}_")}


class Renaming(DvcTranslator):
    """Gives every asset one key."""

    def get_asset_spec(self, data: DvcNodeData) -> dg.AssetSpec:
        return super().get_asset_spec(data).replace_attributes(key="output")


@pytest.mark.parametrize(
    ("stages", "translator", "told"),
    [
        ("a: {cmd: echo, outs: [x-1.csv, x_1.csv]}", None, "'x-1.csv' of a and 'x_1.csv' of a"),
        ("a: {cmd: echo, metrics: [m]}\n  b: {cmd: echo, outs: [a]}", None, "'a' of a and 'a' of b"),
        ("a-b: {cmd: echo, outs: [x]}\n  a_b: {cmd: echo, outs: [y]}", None, "stage 'a-b' and stage 'a_b'"),
        ("a: {cmd: echo, outs: [x]}", Renaming(), "output: 'output' of a"),
        ("observe_tracked_files: {cmd: echo, outs: [x]}", None, "name=…"),
    ],
)
def test_what_dagster_cannot_name_is_told_with_its_node(
    stages: str, translator: DvcTranslator | None, told: str, world: World
) -> None:
    world.write("dvc.yaml", f"stages:\n  {stages}\n")
    if "observe" in stages:
        world.write("raw.csv.dvc", tracked("raw.csv"))
    project = check_equal(world.root)
    with pytest.raises(LineageError, match=r"Dagster|observes") as raised:
        build_dvc_sources(project, translator=translator)
    assert told in str(raised.value)


def subproject(root: Path, files: Mapping[str, str]) -> None:
    """`dvc init --subdir`, with files."""
    from dvc.repo import Repo

    root.mkdir(parents=True)
    Repo.init(str(root), subdir=True).close()
    for name, text in files.items():
        (root / name).write_text(text)


def test_projects_in_sub_folders_do_not_see_each_other(world: World) -> None:
    world.write("dvc.yaml", "stages: {outer: {cmd: echo, deps: [ml/made.csv], outs: [o.csv]}}\n")
    subproject(world.path("ml"), {"dvc.yaml": "stages: {inner: {cmd: echo, deps: [../o.csv], outs: [made.csv]}}\n"})
    assert [stage.address for stage in check_equal(world.root).graph().stages] == ["outer"]
    assert [stage.address for stage in check_equal(world.path("ml")).graph().stages] == ["inner"]


def test_a_project_inside_this_one_changes_the_graph(world: World) -> None:
    world.write("dvc.yaml", "stages: {outer: {cmd: echo}}\n")
    world.write("ml/x.csv.dvc", tracked("x.csv"))
    assert len(check_equal(world.root).graph().tracked) == 1
    (world.path("ml/.dvc")).mkdir()
    assert not check_equal(world.root).graph().tracked


def test_a_project_without_git(tmp_path: Path) -> None:
    from dvc.repo import Repo

    Repo.init(str(tmp_path), no_scm=True).close()
    (tmp_path / ".gitignore").write_text("*.csv.dvc\n")
    (tmp_path / "x.csv.dvc").write_text(tracked("x.csv"))
    (tmp_path / "dvc.yaml").write_text("stages: {a: {cmd: echo, deps: [x.csv], outs: [b]}}\n")
    assert check_equal(tmp_path).graph().edges == (("a", "x.csv.dvc"),)


def test_folders_behind_symbolic_links_are_not_entered(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.csv.dvc").write_text(tracked("x.csv"))
    world.path("link").symlink_to(elsewhere)
    world.path("here").symlink_to(world.root)
    world.write("dvc.yaml", "stages: {a: {cmd: echo, deps: [link/x.csv], outs: [b]}}\n")
    assert check_equal(world.root).graph().edges == ()
    assert DvcProject(world.path("here")).root == world.root


WARM = """\
import sys
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
graph = DvcProject(sys.argv[1]).graph()
print(len(graph.stages), sorted(name for name in sys.modules if name.partition(".")[0] in ("dvc", "dvc_data")))
"""


def test_a_second_load_of_an_unchanged_project_imports_no_dvc(world: World) -> None:
    world.write("dvc.yaml", "stages: {a: {cmd: echo, deps: [x.csv], outs: [b]}}\n")
    world.write("x.csv.dvc", tracked("x.csv"))

    def load() -> str:
        command = [sys.executable, "-P", "-c", WARM, str(world.root)]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout.strip()

    assert "'dvc.repo'" in load()
    assert load() == "1 []"
    world.write("dvc.yaml", "stages: {a: {cmd: echo}, b: {cmd: echo}}\n")
    assert load().startswith("2 ['dvc'")
