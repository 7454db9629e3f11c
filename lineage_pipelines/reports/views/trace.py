"""Trace: where a version comes from, as a tree, as JSON and as Mermaid."""

import re
from typing import TYPE_CHECKING

from lineage_pipelines.errors import visible
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import to_json
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.document import Block, Document, Heading, Pairs, Paragraph, Tree
from lineage_pipelines.reports.formatting import short_digest

if TYPE_CHECKING:
    from lineage_pipelines.queries.graph.lineage_graph import LineageGraph, Node


_ACTIVITIES = ("training", "stage")


_SHAPES = {"training": ("([", "])"), "stage": ("([", "])"), "version": ("[[", "]]"), "subject": ("{{", "}}")}


_STYLED = ("version", "subject", "source")


_PLAIN = re.compile(r"[^A-Za-z0-9 .,/_-]")


_TREE_LINES = 16
"""Lines of a tree on one screen."""
_SURROUNDINGS = ("revision", "closure", "environment")


def trace_document(graph: "LineageGraph", *, full: bool = False) -> Document:
    """Show where a version came from, as a tree: under each thing what made it, under each step what it used.

    Args:
        graph: the graph of the version.
        full: whether to show every node; else what is far away, or beside much else, is counted.
    """
    drawn: set[str] = set()
    (training,) = graph.upstream.get(graph.root, ("",))
    if not training:
        return Document([Heading(graph.root.partition(":")[2], 1)])
    used = graph.upstream.get(training, ())
    around = [graph.nodes[node] for node in used if graph.nodes[node].kind in _SURROUNDINGS]
    trees = [_tree(graph, node, drawn, {training}) for node in used if graph.nodes[node].kind not in _SURROUNDINGS]
    tree = Tree("data" if trees else "no data is known", tuple(trees))
    facts = [("trained by", with_run(graph.nodes[training])), *((str(node.kind), _label(node)) for node in around)]
    head: list[Block] = [Heading(graph.nodes[graph.root].label, 1), Pairs(facts), Paragraph("")]
    return Document([*head, tree if full else _folded(tree)])


def _folded(tree: Tree) -> Tree:
    """Return as much of a tree as a screen has room for; what is left out is counted where it would stand."""
    if _size(tree) <= _TREE_LINES:
        return tree
    fitting = []
    for deepest in range(1, _TREE_LINES):
        candidates = (_pruned(tree, deepest, most) for most in range(_TREE_LINES, 0, -1))
        fitting += [next((each for each in candidates if _size(each) <= _TREE_LINES), Tree(tree.label))]
    return max(fitting, key=_size)


def _pruned(tree: Tree, deepest: int, most: int) -> Tree:
    below = tree.children
    if not below:
        return tree
    if deepest == 1:
        return Tree(f"{tree.label} … and {_size(tree) - 1:,} more behind it (--full)")
    kept = [_pruned(child, deepest - 1, most) for child in below[:most]]
    left = sum(_size(child) for child in below[most:])
    return Tree(tree.label, (*kept, *([Tree(f"… and {left:,} more (--full)")] if left else [])))


def _size(tree: Tree) -> int:
    return 1 + sum(_size(child) for child in tree.children)


def _tree(graph: "LineageGraph", name: str, drawn: set[str], above: set[str]) -> Tree:
    node, before = graph.nodes[name], graph.upstream.get(name, ())
    label = _label(node)
    if name in drawn or name in above:
        return Tree(f"{label} (as above)" if before else label)
    drawn.add(name)
    if len(before) == 1 and before[0] in drawn:
        return Tree(f"{label}, made by {graph.nodes[before[0]].label} (as above)")
    code = [each for each in before if graph.nodes[each].kind == "code"]
    below = [_tree(graph, each, drawn, {*above, name}) for each in before if each not in code]
    if code:
        below.append(Tree("code: " + ", ".join(_label(graph.nodes[each]) for each in code)))
    return Tree(label, tuple(below))


def _label(node: "Node") -> str:
    """Say what a node is in a line."""
    digest = short_digest(node.digest.md5 or node.digest.sha256) if node.digest else ""
    if node.kind in _ACTIVITIES:
        return f"{node.label}: {with_run(node)}" if node.detail or node.run else node.label
    if node.kind == "code":
        return f"{node.label} ({digest})"
    rows = f", {count(node.rows, 'row')}" if node.rows is not None else ""
    detail = f", {node.detail}" if node.detail else ""
    return f"{node.label} ({digest}){rows}{detail}" if node.path else f"{node.label}{detail}"


def with_run(node: "Node") -> str:
    """Say in which way something was done, and in which run."""
    return ", ".join(part for part in (node.detail, node.run) if part)


def graph_json(graph: "LineageGraph") -> Json:
    """Return a graph: its root, its nodes and its edges."""
    return {
        "root": graph.root,
        "nodes": [_node_json(node) for node in graph.nodes.values()],
        "edges": [{"activity": e.activity, "verb": str(e.verb), "entity": e.entity} for e in graph.edges],
    }


def _node_json(node: "Node") -> Json:
    return {
        "id": node.id,
        "kind": str(node.kind),
        "label": node.label,
        "detail": with_run(node),
        "path": node.path,
        "rows": node.rows,
        "digest": to_json(node.digest) if node.digest else None,
        "revision": node.revision,
        "origin": node.origin,
        "files": [{"path": path, "sha256": sha256} for path, sha256 in node.files],
    }


def render_mermaid(graph: "LineageGraph") -> str:
    """Write a graph as a Mermaid flow chart, sources at the top; every other character of a name is an entity."""
    names = {node: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart TD"]
    for node in graph.nodes.values():
        begin, end = _SHAPES.get(node.kind, ("[", "]"))
        lines.append(f'  {names[node.id]}{begin}"{_inert(node.label)}"{end}')
    for edge in graph.edges:
        pair = (edge.entity, edge.activity) if edge.verb == "used" else (edge.activity, edge.entity)
        lines.append(f"  {names[pair[0]]} -->|{edge.verb}| {names[pair[1]]}")
    for kind in _STYLED:
        chosen = ",".join(names[node.id] for node in graph.nodes.values() if node.kind == kind)
        lines += [f"  class {chosen} {kind}"] if chosen else []
    lines += [f"  classDef {kind} stroke-width:3px" for kind in ("version", "subject")]
    lines.append("  classDef source stroke-dasharray:4 3")
    return "\n".join(lines) + "\n"


def _inert(text: str) -> str:
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", visible(text)[:200])
