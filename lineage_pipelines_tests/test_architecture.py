"""The house: sizes, names and import times, which keep the rooms small and the command line quick."""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import lineage_pipelines

PACKAGE = Path(lineage_pipelines.__file__).parent
TESTS = Path(__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("dagster", "dvc", "sqlalchemy", "pandas", "sklearn", "skops", "pyarrow", "numpy", "mlflow", "rich")

LONGEST_MODULE = 600
LONGEST_FUNCTION = 50
FULLEST_FOLDER = 15


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_no_module_is_longer_than_600_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (*MODULES, *TESTS.rglob("*.py"))}
    assert {path.as_posix(): length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_no_function_is_longer_than_50_lines() -> None:
    assert [long for path in MODULES for long in _long_functions(path)] == []


def _long_functions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, _FUNCTIONS):
            body = [n for n in node.body if not _is_docstring(n)]
            inner = sum(_lines(n) for n in node.body if isinstance(n, _FUNCTIONS))
            if sum(_lines(n) for n in body) - inner > LONGEST_FUNCTION:
                yield f"{_name(path)}:{node.name}"


# Names: folders and files, read alone, tell the architecture.

NAMED = [path for path in MODULES if not path.name.startswith("__")]
CONCEPTS = {"code", "environment", "parameters", "evaluation", "profile", "preparation"}
CONCEPT_ROOMS = ("records", "capture", "queries/diff", "reports")
VERBS = {path.stem for path in (PACKAGE / "cli").glob("*.py")}
VERB_ROOMS = ("cli", "queries", "reports/views", "orchestration")
IRREGULAR = {"told", "kept", "said", "found", "drawn", "chosen", "held", "made", "known", "given", "meant", "stored"}


def test_a_folder_holds_at_most_15_modules() -> None:
    folders = Counter(_name(path.parent) for path in NAMED)
    assert {name: n for name, n in folders.items() if n > FULLEST_FOLDER and name not in ("cli", "reports/views")} == {}


def test_a_base_name_is_used_once() -> None:
    """Except for a concept of the record and for a verb, once in each of the rooms where these belong."""
    places: dict[str, list[str]] = {}
    for path in NAMED:
        places.setdefault(path.stem, []).append(_name(path))
    twice = {stem: names for stem, names in places.items() if len(names) > 1}
    assert {stem: names for stem, names in twice.items() if not _may_repeat(stem, names)} == {}


def _may_repeat(stem: str, names: Sequence[str]) -> bool:
    rooms = CONCEPT_ROOMS if stem in CONCEPTS else VERB_ROOMS if stem in VERBS else ()
    found = [[room for room in rooms if name.startswith(f"{room}/")] for name in names]
    return all(found) and len({room for each in found for room in each}) == len(names)


def test_a_module_is_named_by_a_noun_and_not_by_a_participle() -> None:
    """By its last word: `trained_model` is a model, `trained` is a riddle. A verb keeps its name."""
    last = {_name(path): path.stem.rpartition("_")[2] for path in NAMED if path.stem not in VERBS}
    assert {name for name, word in last.items() if word.endswith("ed") or word in IRREGULAR} == set()


def test_a_docstring_begins_with_the_noun_that_the_module_is_named_by() -> None:
    """One of the words of the name, in any form, is among the first five of the docstring."""
    assert [_name(path) for path in NAMED if not _says_its_name(path)] == []


def _says_its_name(path: Path) -> bool:
    doc = ast.get_docstring(ast.parse(path.read_text())) or ""
    parts = re.sub(r"([a-z])([A-Z])", r"\1 \2", doc)  # `LineageResource` has two words
    first = re.findall(r"[a-z0-9]+", parts.lower())[:5]
    return any(_is_form(word, other) for word in path.stem.strip("_").split("_") for other in first)


def _is_form(word: str, other: str) -> bool:
    """Whether two words differ in their ends only: record, records, recorded."""
    shorter = min(len(word), len(other))
    stem = max(3, shorter - 2) if shorter > 3 else shorter
    return word[:stem] == other[:stem]


def test_git_is_called_in_one_module_only() -> None:
    calling = {_name(path) for path in MODULES if _starts_processes(path) and _names_git(path)}
    # The worked pipeline uses Git as any user of the library does.
    assert {name for name in calling if not name.startswith("flights/")} == {"system/git_command.py"}


def _starts_processes(path: Path) -> bool:
    started = {"subprocess", "os.exec", "os.spawn", "os.popen", "os.system", "create_subprocess"}
    text = path.read_text()
    return any(name in text for name in started)


def _names_git(path: Path) -> bool:
    """Whether a text of the code is a command line of Git, as a word of a list or as a whole."""
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"git( [a-z-]+.*)?", node.value)
        for node in ast.walk(ast.parse(path.read_text()))
    )


def test_records_and_errors_import_the_standard_library_only() -> None:
    """Also inside functions, and for types; but for canonical JSON (RFC 8785), which is one module of pure Python."""
    outside = {
        f"{_name(path)}: {name}"
        for path in MODULES
        if _name(path).startswith("records/") or _name(path) == "errors.py"
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
        if name.partition(".")[0] not in sys.stdlib_module_names
        if not name.startswith(("lineage_pipelines.records", "lineage_pipelines.errors"))
    }
    assert outside == {"records/values/canonical.py: rfc8785"}


def _imported(node: ast.AST) -> Sequence[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _imported_by(code: str, among: tuple[str, ...]) -> set[str]:
    script = f"{code}\nimport sys\nprint(*[m for m in {among!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=PACKAGE.parent
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import lineage_pipelines",
        "import lineage_pipelines.cli",
        "import lineage_pipelines.records",
        "import lineage_pipelines.capture",
        "import lineage_pipelines.datasets",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_used(code: str) -> None:
    assert _imported_by(code, HEAVY) == set()


def test_loading_the_code_location_imports_no_dvc_and_no_training_library() -> None:
    heavy = ("dvc", "dvc_data", "mlflow", "pandas", "sklearn", "skops", "pyarrow", "matplotlib", "sqlalchemy")
    load = "from lineage_pipelines.definitions import defs\ndefs.get_repository_def()"
    _imported_by(load, heavy)  # fills the cache of the resolved graph
    assert _imported_by(load, heavy) == set()
    rooms = (
        *("catalog.catalog", "queries.registry.promotion_policy", "orchestration.ui.materialization"),
        *("capture.tables.profile", "artifacts.artifact_store"),
    )
    assert _imported_by(load, tuple(f"lineage_pipelines.{room}" for room in rooms)) == set()
