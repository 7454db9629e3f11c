"""Parameter changes: which effective parameters differ, and which of them are defaults."""

import ast
from collections.abc import Iterator, Mapping

from lineage_pipelines.queries.diff.alignment import changed_values, flatten, same_value
from lineage_pipelines.queries.diff.changes import Kind, ParameterChange
from lineage_pipelines.queries.diff.stored_sources import Blobs, StoredSources
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.canonical import Json


def compare_parameters(
    first: LineageRecord, second: LineageRecord, blobs: Blobs | None = None
) -> tuple[tuple[ParameterChange, ...], int]:
    """Return the parameters that differ, by their dotted names, and how many are the same.

    A record holds effective values and does not say who set them. A default has moved when on both sides the value is
    the one that the parameter class of the stored sources gives when nobody says another; somebody who typed that
    very value cannot be told apart.

    Args:
        first: the version on the left.
        second: the version on the right.
        blobs: the stored sources; without them no default is known.
    """
    before, after = flatten(first.parameters), flatten(second.parameters)
    changed, unchanged = changed_values(before, after)
    tops = {_top(name, (*first.parameters, *second.parameters)) for name in changed}
    moved = _moved(first, second, tops, blobs) if blobs is not None and changed else frozenset()
    changes = tuple(
        ParameterChange(
            name=name,
            kind=_kind(name in before, name in after),
            before=values[0],
            after=values[1],
            default_moved=_top(name, moved) in moved,
        )
        for name, values in changed.items()
    )
    return changes, unchanged


def same_parameters(first: LineageRecord, second: LineageRecord) -> dict[str, Json]:
    """Return the parameters that are the same, by their dotted names: what `compare_parameters` counts."""
    before, after = flatten(first.parameters), flatten(second.parameters)
    changed, _ = changed_values(before, after)
    return {name: before[name] for name in sorted(before) if name not in changed}


def _kind(was: bool, is_: bool) -> Kind:  # noqa: FBT001  # two sides
    return Kind.CHANGED if was and is_ else Kind.ADDED if is_ else Kind.REMOVED


def _top(name: str, parameters: "tuple[str, ...] | frozenset[str]") -> str:
    """The parameter that a dotted name is a part of, or the name itself."""
    owners = (each for each in parameters if name == each or name.startswith((f"{each}.", f"{each}[")))
    return max(owners, key=len, default=name)


def _moved(first: LineageRecord, second: LineageRecord, names: set[str], blobs: Blobs) -> frozenset[str]:
    """Those parameters that both versions have, with the value of the class on either side."""
    both = {name for name in names if name in first.parameters and name in second.parameters}
    if not both:
        return frozenset()
    defaults = [class_defaults(record, blobs) for record in (first, second)]
    known = {name for name in both if name in defaults[0] and name in defaults[1]}
    known = {name for name in known if not same_value(defaults[0][name], defaults[1][name])}
    return frozenset(
        name
        for name in known
        if _equal(first.parameters[name], defaults[0][name]) and _equal(second.parameters[name], defaults[1][name])
    )


def _equal(value: Json, default: Json) -> bool:
    """Whether a value is a default; a float that is written `1` in the code is recorded as 1.0."""
    if isinstance(value, Mapping) and isinstance(default, Mapping):
        return value.keys() == default.keys() and all(_equal(value[key], default[key]) for key in value)
    if isinstance(value, list | tuple) and isinstance(default, list | tuple):
        return len(value) == len(default) and all(map(_equal, value, default))
    if isinstance(value, bool) or isinstance(default, bool):
        return value is default
    return value == default


_MOST_STEPS = 6
"""Imports and base classes that are followed one after the other."""
_WRAPPERS = frozenset(("field", "Field"))


class _Unknown(Exception):  # noqa: N818  # not an error: nothing is known
    """A default that cannot be read off the syntax."""


def class_defaults(record: LineageRecord, blobs: Blobs) -> dict[str, Json]:
    """Return the defaults of a version's parameter class by field; empty where the class is not found."""
    sources = StoredSources(record, blobs)
    module, _, function = sources.entry.partition(":")
    path = sources.find(module)
    name = _parameter_class(sources, path, function, {snapshot.name for snapshot in record.data})
    found = _find_class(sources, path, name, _MOST_STEPS) if name else None
    return dict(_fields(sources, *found, _MOST_STEPS)) if found else {}


def _parameter_class(sources: StoredSources, path: str | None, function: str, inputs: set[str]) -> str | None:
    """What the training function's parameters are annotated with."""
    tree = sources.tree(path) if path else None
    for node in tree.body if tree else ():
        if isinstance(node, ast.FunctionDef) and node.name == function:
            every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            rest = [each for each in every if each.arg not in inputs and each.arg != "context"]
            return _name(rest[0].annotation) if len(rest) == 1 else None
    return None


def _name(node: ast.expr | None) -> str | None:
    """The dotted name that an expression is, quoted or not."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def _find_class(sources: StoredSources, path: str | None, name: str, left: int) -> tuple[str, ast.ClassDef] | None:
    """Where a class is written, as a module knows it by `name`."""
    tree = sources.tree(path) if path else None
    if tree is None or path is None or left == 0:
        return None
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return path, node
    for module, inner in _imported(tree, path, name):
        found = _find_class(sources, sources.find(module), inner, left - 1)
        if found:
            return found
    return None


def _imported(tree: ast.Module, path: str, name: str) -> Iterator[tuple[str, str]]:
    """From which modules, and as what there, a name may have been imported."""
    owner, _, last = name.rpartition(".")
    first = name.partition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = _absolute(node, path)
            for alias in node.names:
                if (alias.asname or alias.name) == first:
                    inner = alias.name if not owner else last
                    yield (f"{module}.{alias.name}" if owner else module), inner
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if owner and (alias.asname or alias.name) == owner:
                    yield alias.name, last


def _absolute(node: ast.ImportFrom, path: str) -> str:
    folders = path.split("/")[: -node.level] if node.level else []
    return ".".join([*folders, *([node.module] if node.module else [])])


def _fields(sources: StoredSources, path: str, kind: ast.ClassDef, left: int) -> Iterator[tuple[str, Json]]:
    """The fields with a known default, those of base classes first."""
    for base in kind.bases if left else ():
        name = _name(base)
        found = _find_class(sources, path, name, left - 1) if name else None
        yield from _fields(sources, *found, left - 1) if found else ()
    for node in kind.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            try:
                yield node.target.id, _value(sources, path, node.value, left)
            except _Unknown:
                continue


def _value(sources: StoredSources, path: str, node: ast.expr, left: int) -> Json:
    try:
        return _plain(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        pass
    if isinstance(node, ast.Call) and left:
        return _called(sources, path, node, left)
    if isinstance(node, ast.Name):
        return _constant(sources, path, node.id)
    raise _Unknown


def _plain(value: object) -> Json:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise _Unknown


def _constant(sources: StoredSources, path: str, name: str) -> Json:
    """The one literal that a module gives a name."""
    tree = sources.tree(path)
    assigned = [
        node.value
        for node in (tree.body if tree else ())
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id == name
    ]
    if len(assigned) != 1 or assigned[0] is None:
        raise _Unknown
    return _value(sources, path, assigned[0], 0)


def _called(sources: StoredSources, path: str, node: ast.Call, left: int) -> Json:
    name = _name(node.func) or ""
    if name.rpartition(".")[2] in _WRAPPERS:
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if factory := given.get("default_factory"):
            return _made(sources, path, factory, left)
        default = given.get("default") or (node.args[0] if node.args else None)
        if default is not None:
            return _value(sources, path, default, left - 1)
        raise _Unknown
    return _instance(sources, path, node, left)


def _made(sources: StoredSources, path: str, factory: ast.expr, left: int) -> Json:
    if isinstance(factory, ast.Lambda):
        return _value(sources, path, factory.body, left - 1)
    empty: dict[str | None, Json] = {"list": [], "tuple": [], "dict": {}}
    name = _name(factory)
    return empty[name] if name in empty else _instance(sources, path, ast.Call(factory, [], []), left)


def _instance(sources: StoredSources, path: str, node: ast.Call, left: int) -> Json:
    """An instance of another class that is written out: its defaults, and what is said otherwise."""
    name = _name(node.func)
    found = _find_class(sources, path, name, left - 1) if name else None
    if found is None or node.args:
        raise _Unknown
    said = {each.arg: _value(sources, path, each.value, left - 1) for each in node.keywords if each.arg}
    declared = [
        each.target.id
        for each in found[1].body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    ]
    values = {**dict(_fields(sources, *found, left - 1)), **said}
    if not set(declared) <= set(values):
        raise _Unknown
    return values
