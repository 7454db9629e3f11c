"""Trace: where a version comes from, as a tree, as JSON and as Mermaid."""

import re
from typing import TYPE_CHECKING

from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.codec import to_json
from lineage_pipelines.reports.document import Block, Document, Heading, Paragraph, Tree
from lineage_pipelines.reports.formatting import short_digest, visible

if TYPE_CHECKING:
    from lineage_pipelines.queries.graph.lineage_graph import LineageGraph, Node


_ACTIVITIES = ("training", "stage")


_SHAPES = {"training": ("([", "])"), "stage": ("([", "])"), "version": ("[[", "]]"), "subject": ("{{", "}}")}


_STYLED = ("version", "subject", "source")


_PLAIN = re.compile(r"[^A-Za-z0-9 .,/_-]")


def trace_document(graph: "LineageGraph") -> Document:
    """Show where a version came from, as a tree: under each thing what made it, under each step what it used."""
    drawn: set[str] = set()
    (training,) = graph.upstream.get(graph.root, ("",))
    if not training:
        return Document([Heading(graph.root.partition(":")[2], 1)])
    trees = [_tree(graph, node, drawn, {training}) for node in graph.upstream.get(training, ())]
    run = graph.nodes[training]
    head: list[Block] = [Heading(graph.nodes[graph.root].label, 1), Paragraph(f"  {run.detail}", "dim")]
    return Document([*head, Tree("used", tuple(trees))])


def _tree(graph: "LineageGraph", name: str, drawn: set[str], above: set[str]) -> Tree:
    node, before = graph.nodes[name], graph.upstream.get(name, ())
    label = _label(node)
    if name in drawn or name in above:
        return Tree(f"{label} (as above)" if before else label)
    drawn.add(name)
    code = [each for each in before if graph.nodes[each].kind == "code"]
    below = [_tree(graph, each, drawn, {*above, name}) for each in before if each not in code]
    if code:
        below.append(Tree("code: " + ", ".join(_label(graph.nodes[each]) for each in code)))
    return Tree(label, tuple(below))


def _label(node: "Node") -> str:
    """Say what a node is in a line."""
    digest = short_digest(node.digest.md5 or node.digest.sha256) if node.digest else ""
    if node.kind in _ACTIVITIES:
        return f"{node.label}: {node.detail}" if node.detail else node.label
    if node.kind == "code":
        return f"{node.label} ({digest})"
    detail = f", {node.detail}" if node.detail else ""
    return f"{node.label} ({digest}){detail}" if node.path else f"{node.label}{detail}"


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
        "detail": node.detail,
        "path": node.path,
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
