"""Import statements: which modules a source file imports, read off its syntax; nothing is executed.

Imports anywhere in the file count, inside functions, `try` and `if` too, and `importlib.import_module("name")` with a
literal name. Imports under `if TYPE_CHECKING:` do not: they never run, so they cannot change what was trained. A
computed name cannot be followed; its line is reported.
"""

import ast
import contextlib
import gc
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_IMPORT_CALLS = frozenset(("import_module", "__import__"))


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement."""

    module: str
    """As written, without leading dots; empty in `from . import x`."""
    level: int = 0
    """Leading dots."""
    names: tuple[str, ...] = ()
    """What `from` takes, each perhaps a module; `*` alone for everything."""


@dataclass(frozen=True, slots=True)
class Imports:
    """What one file imports."""

    imports: tuple[Import, ...] = ()
    exported: tuple[str, ...] = ()
    """The names of `__all__`, where it is written out."""
    computed: tuple[int, ...] = ()
    """Lines that import a module by a computed name."""
    broken: bool = False
    """It is not Python that this interpreter can parse."""


def read_imports(source: bytes) -> Imports:
    """Return what a file imports, in order of appearance."""
    with _no_garbage():
        tree = parse_source(source)
        return _imports(tree, source) if tree is not None else Imports(broken=True)


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """Pause garbage collection: a tree has no cycles, but enough nodes to trigger it again and again."""
    looked_for = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looked_for:
            gc.enable()


def parse_source(source: bytes) -> ast.Module | None:
    """Return the syntax of a Python file; None when this interpreter cannot parse it. Nothing is executed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes are the author's business
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _imports(tree: ast.Module, source: bytes) -> Imports:
    imports: list[Import] = []
    exported: tuple[str, ...] = ()
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            imports += [Import(alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append(Import(node.module or "", node.level, tuple(alias.name for alias in node.names)))
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            exported += _exported(node)
    computed: list[int] = []
    if any(name.encode() in source for name in _IMPORT_CALLS):
        called, computed = _calls(tree)
        imports += called
    return Imports(tuple(dict.fromkeys(imports)), exported, tuple(computed))


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    waiting: list[ast.stmt] = tree.body[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += _inner(node)[::-1]


def _inner(node: ast.stmt) -> list[ast.stmt]:
    if isinstance(node, ast.If):
        return _branches(node)
    inner: list[ast.stmt] = list(getattr(node, "body", ()))
    for part in ("handlers", "cases"):
        for clause in getattr(node, part, ()):
            inner += clause.body
    return inner + list(getattr(node, "orelse", ())) + list(getattr(node, "finalbody", ()))


def _branches(node: ast.If) -> list[ast.stmt]:
    if _is_type_checking(node.test):
        return node.orelse
    if (
        isinstance(node.test, ast.UnaryOp)
        and isinstance(node.test.op, ast.Not)
        and _is_type_checking(node.test.operand)
    ):
        return node.body
    return node.body + node.orelse


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def _exported(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> tuple[str, ...]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if not any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
        return ()
    items = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else []
    return tuple(item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str))


def _calls(tree: ast.Module) -> tuple[list[Import], list[int]]:
    imports: list[Import] = []
    computed: list[int] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _callee(node.func) in _IMPORT_CALLS:
            name = node.args[0] if node.args else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                module = name.value.lstrip(".")
                imports.append(Import(module, len(name.value) - len(module)))
            else:
                computed.append(node.lineno)
    return imports, computed


def _callee(function: ast.expr) -> str | None:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
