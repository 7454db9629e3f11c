"""Mutants: one line of the package changed at a time, to see whether the tests nearest to it notice.

`python -m lineage_pipelines_tests.mutants --count 60 --seed 7` copies the tree (nothing is changed in place), draws as
many places from each area as from the others, and runs the area's tests on each mutant until the first failure.
A mutant is caught when a test fails, or when they take five times as long as without it (`endless`).
"""

import argparse
import ast
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from lineage_pipelines_tests.flights.checkout import ROOT, check_out

_DIFF, _FILES = "queries/diff", "datasets/metafiles"
_LAYERS = f"{_DIFF}/explanation"
AREAS: Mapping[str, tuple[str, str]] = {
    "canonical": ("records/values/canonical", "records/test_canonical records/test_values"),
    "merkle": ("catalog/transparency/merkle", "catalog/test_merkle"),
    "append": (
        "catalog/log/writer catalog/commit",
        "catalog/test_commit catalog/test_append_all catalog/test_asking",
    ),
    "index": (
        "catalog/index/alias_index catalog/index/catalog_index",
        (
            "catalog/test_alias_index catalog/test_approval_rules catalog/test_impact_index "
            "catalog/test_partition_index catalog/test_index_comparison catalog/test_released_schemas"
        ),
    ),
    "diff of data": (
        f"{_DIFF}/data/column_changes {_DIFF}/data/dataset_changes {_DIFF}/units",
        (
            f"{_DIFF}/test_dataset_changes {_DIFF}/test_column_changes {_DIFF}/test_units {_DIFF}/test_file_changes "
            "diff_faults/test_rules"
        ),
    ),
    "diff of explanations": (
        f"{_DIFF}/comparison {_LAYERS}/ranking {_LAYERS}/data_layer {_LAYERS}/record_layers",
        (
            f"{_DIFF}/test_comparison {_DIFF}/test_ranking {_DIFF}/test_data_layer {_DIFF}/test_record_layers "
            "diff_faults/test_rules reports/test_diff"
        ),
    ),
    "diff of runs": (
        f"{_DIFF}/alignment {_DIFF}/run/evaluation {_DIFF}/run/noise_band",
        f"{_DIFF}/test_alignment {_DIFF}/test_evaluation {_DIFF}/test_parameters {_DIFF}/test_comparison",
    ),
    "metafiles": (
        f"{_FILES}/metafile_reader {_FILES}/metafile_entries {_FILES}/quiet_read {_FILES}/yaml_reader",
        "datasets/test_metafiles datasets/test_yaml_reader datasets/test_quiet_read",
    ),
    "capture": (
        "capture/secrets capture/git/git_state capture/git/public_url capture/tool_caches",
        "capture/test_secrets capture/test_git capture/test_hostile_git capture/test_public_url",
    ),
    "gates": ("orchestration/training/gates", "orchestration/test_gates"),
    "policy": (
        "queries/registry/promotion_policy",
        "queries/test_promotion_policy queries/test_approval_status cli/test_decisions",
    ),
}
"""By area: the modules that are mutated, and the tests that must notice."""
_SWAPPED: Mapping[type[ast.AST], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in", ast.And: "or", ast.Or: "and",
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*",
}  # fmt: skip
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_TIMES_AS_LONG = 5
_MIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed line."""

    area: str
    module: str
    line: int
    before: str
    after: str
    source: str
    """The whole module as it is changed."""


Text = Callable[[ast.AST], str]


def _another_operator(node: ast.AST, text: Text) -> Iterator[str]:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _SWAPPED:
            yield f"({text(left)} {_SWAPPED[type(op)]} {text(right)})"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SWAPPED and '"' not in text(node):
            yield f"({text(left)} {_SWAPPED[type(op)]} {text(right)})"
        case ast.BoolOp(op=op, values=values):
            yield "(" + f" {_SWAPPED[type(op)]} ".join(f"({text(value)})" for value in values) + ")"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"bool({text(operand)})"
        case _:
            pass


def _another_choice(node: ast.AST, text: Text) -> Iterator[str]:
    match node:
        case ast.BoolOp(op=ast.Or(), values=[*values]) if not any(isinstance(each, ast.Compare) for each in values):
            yield "(" + " or ".join(f"({text(value)})" for value in reversed(values)) + ")"
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield f"({text(orelse)} if {text(test)} else {text(body)})"
        case ast.Tuple(elts=[first, second, *rest], ctx=ast.Load()) if not isinstance(second, ast.Starred):
            yield f"({', '.join(map(text, [first, *rest]))},)"
        case ast.Continue():
            yield "break"
        case _:
            pass


def _another_value(node: ast.AST, text: Text) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            yield _CALLS[name] + text(node)[len(name) :]
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Constant(value=int(value)):
            yield str(value + 1)
        case _:
            pass


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node of what functions do: not their decorators, annotations and defaults, nor what errors say."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            for statement in node.body:
                yield from _nodes(ast.Module([statement], []))
        elif isinstance(node, ast.AnnAssign):
            yield from _nodes(ast.Expr(node.value) if node.value is not None else ast.Pass())
        elif not isinstance(node, ast.Raise | ast.JoinedStr | ast.arguments):
            yield node
            yield from _nodes(node)


def mutants_of(area: str, module: str) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    source = (ROOT / "lineage_pipelines" / f"{module}.py").read_text()
    lines, tree = source.splitlines(keepends=True), ast.parse(source)
    conditions = {id(node.test) for node in ast.walk(tree) if isinstance(node, ast.If | ast.While | ast.IfExp)}

    def text(node: Any) -> str:  # `ast.get_source_segment` splits the whole source each time
        line: str = lines[node.lineno - 1]
        return line.encode()[node.col_offset : node.end_col_offset].decode()

    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for node in {id(node): node for function in functions for node in _nodes(ast.Module([function], []))}.values():
        if not isinstance(node, ast.expr | ast.stmt) or node.lineno != node.end_lineno:
            continue
        # In a condition, the order of what is asked makes no difference.
        others = () if id(node) in conditions else _another_choice(node, text)
        for after in (*_another_operator(node, text), *others, *_another_value(node, text)):
            line = lines[node.lineno - 1].encode()
            changed = (line[: node.col_offset] + after.encode() + line[node.end_col_offset :]).decode()
            whole = "".join([*lines[: node.lineno - 1], changed, *lines[node.lineno :]])
            yield Mutant(area, module, node.lineno, lines[node.lineno - 1].strip(), changed.strip(), whole)


def draw(count: int, seed: int) -> list[Mutant]:
    """Draw mutants, area by area in turn, no line twice."""
    chance = random.Random(seed)
    waiting: dict[str, list[Mutant]] = {}
    for area, (modules, _) in AREAS.items():
        waiting[area] = [mutant for module in modules.split() for mutant in mutants_of(area, module)]
        chance.shuffle(waiting[area])
    drawn: dict[tuple[str, int], Mutant] = {}
    while any(waiting.values()):
        for left in filter(None, waiting.values()):
            mutant = left.pop()
            drawn.setdefault((mutant.module, mutant.line), mutant)
    return list(drawn.values())[:count]


def run_tests(tree: Path, area: str, limit: float) -> str:
    """Run an area's tests until the first failure; return `passed`, `failed` or `endless`."""
    tests = [f"lineage_pipelines_tests/{name}.py" for name in AREAS[area][1].split()]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", "not postgresql", *tests]
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False, timeout=limit)
    except subprocess.TimeoutExpired:
        return "endless"
    return "failed" if done.returncode else "passed"


def seconds_without(trees: "SimpleQueue[Path]", area: str) -> float:
    """Return how long an area's tests take without a mutant.

    Raises:
        RuntimeError: they fail.
    """
    tree, began = trees.get(), time.monotonic()
    try:
        if run_tests(tree, area, 3600) != "passed":
            raise RuntimeError(f"without a mutant these fail: {AREAS[area][1]}")
    finally:
        trees.put(tree)
    return time.monotonic() - began


def is_caught(trees: "SimpleQueue[Path]", mutant: Mutant, limit: float) -> bool:
    """Run the tests on a mutant, say what came of it, and put the module back."""
    tree = trees.get()
    path = tree / "lineage_pipelines" / f"{mutant.module}.py"
    original = path.read_text()
    try:
        path.write_text(mutant.source)
        verdict = run_tests(tree, mutant.area, limit)
    finally:
        path.write_text(original)
        trees.put(tree)
    mark, where = verdict.upper() if verdict == "passed" else verdict, f"{mutant.module}.py:{mutant.line}"
    sys.stdout.write(f"{mark:7}  {where}  {mutant.before}  →  {mutant.after}\n")
    sys.stdout.flush()
    return verdict != "passed"


def main() -> int:
    """Draw, run and report; return 1 when fewer than `--least` of a hundred are caught."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--least", type=float, default=90.0, help="per cent that must be caught")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    drawn = draw(options.count, options.seed)
    sys.stdout.write(f"{len(drawn)} mutants of seed {options.seed}\n")
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        trees: SimpleQueue[Path] = SimpleQueue()
        for job in range(options.jobs):
            trees.put(check_out(Path(folder) / str(job)))
        plain = dict(zip(AREAS, pool.map(lambda area: seconds_without(trees, area), AREAS), strict=True))
        limits = {area: max(_MIN_SECONDS, _TIMES_AS_LONG * seconds) for area, seconds in plain.items()}
        caught = list(pool.map(lambda mutant: is_caught(trees, mutant, limits[mutant.area]), drawn))
    for area in AREAS:
        here = [each for mutant, each in zip(drawn, caught, strict=True) if mutant.area == area]
        sys.stdout.write(f"{area}: {sum(here)} of {len(here)}\n")
    sys.stdout.write(f"{sum(caught)} of {len(drawn)} caught, {100 * sum(caught) / len(drawn):.0f} %\n")
    return int(100 * sum(caught) < options.least * len(drawn))


if __name__ == "__main__":
    sys.exit(main())
