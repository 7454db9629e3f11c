"""The public face: what `lineage_pipelines` exports, what its page says, and what `dg` finds."""

import ast
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lineage_pipelines
from lineage_pipelines_tests.world import World

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "python.md"
_LONGEST_DEFAULT = 24


def _type_checking_imports() -> dict[str, str]:
    """What type checkers see: each public name, and where it is defined."""
    tree = ast.parse(Path(lineage_pipelines.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _signature(name: str) -> str:
    """A name as its page shows it: with its arguments, unless it is an error."""
    value = getattr(lineage_pipelines, name)
    if isinstance(value, type) and issubclass(value, Exception):
        return name
    shown: list[str] = []
    for parameter in inspect.signature(value).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not any(text.startswith("*") for text in shown):
            shown.append("*")
        stars = "**" if parameter.kind is parameter.VAR_KEYWORD else "*" * (parameter.kind is parameter.VAR_POSITIONAL)
        default = "" if parameter.default is parameter.empty else repr(parameter.default)
        if "<" in default or len(default) > _LONGEST_DEFAULT:
            default = "…"
        shown.append(f"{stars}{parameter.name}={default}" if default else f"{stars}{parameter.name}")
    return f"{name}({', '.join(shown)})"


def test_the_list_the_table_and_the_type_checkers_see_the_same_names() -> None:
    assert lineage_pipelines.__all__ == sorted(lineage_pipelines._MODULES)
    table = {
        name: f"lineage_pipelines.{module}" if ":" in module else f"lineage_pipelines.{module}:{name}"
        for name, module in lineage_pipelines._MODULES.items()
    }
    assert _type_checking_imports() == table
    assert set(lineage_pipelines.__all__) <= set(dir(lineage_pipelines))


@pytest.mark.parametrize("name", lineage_pipelines.__all__)
def test_each_name_can_be_imported_and_says_what_it_is_for(name: str) -> None:
    value = getattr(lineage_pipelines, name)
    assert (inspect.getdoc(value) or "").strip()


def test_a_name_that_is_not_public_is_no_attribute() -> None:
    assert not hasattr(lineage_pipelines, "something_else")


def test_the_page_has_every_name_with_its_arguments() -> None:
    written = re.findall(r"^\| `([^`]+)` \| \S", PAGE.read_text(), re.MULTILINE)
    assert len(written) == len(set(written))
    assert set(written) == set(map(_signature, lineage_pipelines.__all__))


def _imports(source: str) -> set[str]:
    """What a program imports of the package, as `lineage_pipelines:model_asset`."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    found = {f"{node.module}:{alias.name}" for node in nodes for alias in node.names}
    return {name for name in found if name.startswith("lineage_pipelines")}


_PAGES = [page for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if "```python" in page.read_text()]
_FLIGHTS = sorted((ROOT / "lineage_pipelines" / "flights").rglob("*.py"))
_PUBLIC = {f"lineage_pipelines:{name}" for name in lineage_pipelines.__all__}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_the_python_of_the_pages_imports_public_names_only(page: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        assert _imports(block) <= _PUBLIC


@pytest.mark.parametrize("module", _FLIGHTS, ids=lambda path: path.stem)
def test_the_worked_pipeline_imports_public_names_only(module: Path) -> None:
    """It is written as a user's project would be."""
    own = {name for name in _imports(module.read_text()) if name.startswith("lineage_pipelines.flights")}
    assert _imports(module.read_text()) - own <= _PUBLIC


def _dg(*words: str, folder: Path) -> str:
    command = [str(Path(sys.executable).with_name("dg")), *words]
    env = os.environ | {"PYTHONPATH": str(folder), "DAGSTER_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_dg_finds_the_component_in_the_package() -> None:
    found = json.loads(_dg("list", "components", "--json", folder=ROOT))
    assert "lineage_pipelines.DvcProjectComponent" in {item["key"] for item in found["items"]}


_PROJECT = """
[project]
name = "shop"
version = "0"
[tool.dg]
directory_type = "project"
[tool.dg.project]
root_module = "shop"
"""


def test_dg_scaffolds_the_component_and_loads_it_under_its_earlier_name_as_well(world: World) -> None:
    """In a project of its own, as a reader of the how-to has it."""
    world.write("pyproject.toml", _PROJECT)
    world.write("data/orders.csv", "id\n1\n")
    world.track("data/orders.csv")
    world.write("shop/__init__.py", "")
    world.write("shop/defs/__init__.py", "")
    world.write(
        "shop/definitions.py",
        "from pathlib import Path\nimport dagster as dg\n"
        "defs = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)\n",
    )
    _dg("scaffold", "defs", "lineage_pipelines.DvcProjectComponent", "data", folder=world.root)
    path = world.root / "shop" / "defs" / "data" / "defs.yaml"
    name = "type: lineage_pipelines.DvcProjectComponent"
    assert name in path.read_text()
    for written in (name, "type: lineage_pipelines.orchestration.DvcProjectComponent"):
        path.write_text(f"{written}\nattributes:\n  project: ../../..\n")
        defs = json.loads(_dg("list", "defs", "--json", folder=world.root))
        assert "data/orders.csv" in json.dumps(defs)
