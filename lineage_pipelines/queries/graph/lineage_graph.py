"""Lineage graph: activities that used entities and generated others, in the terms of PROV."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from lineage_pipelines.records.values.digest import DigestSet


class NodeKind(StrEnum):
    """What a node is. `training` and `stage` are activities, everything else is an entity."""

    VERSION = "version"
    TRAINING = "training"
    DATA = "data"
    SOURCE = "source"
    """Data that nothing here made: a tracked file, something external or untracked."""
    STAGE = "stage"
    CODE = "code"
    """A file that Git keeps and a stage read."""
    CLOSURE = "closure"
    """Every source file that the training function reaches."""
    REVISION = "revision"
    ENVIRONMENT = "environment"
    SUBJECT = "subject"
    """The subject of the query, where it is not one of the others: a package, a file inside a directory."""


class Verb(StrEnum):
    """What an activity did with an entity."""

    USED = "used"
    GENERATED = "generated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing that happened or was there."""

    id: str
    """The same thing has the same id in every graph of a catalog: `data:data/raw@<md5>`."""
    kind: NodeKind
    label: str
    detail: str = ""
    """More about it in a few words: who tracks it, how it was called."""
    run: str = ""
    """Of a training: the run, as `run <id>` or in words."""
    path: str | None = None
    rows: int | None = None
    """Of a table that a training read."""
    digest: DigestSet | None = None
    revision: str | None = None
    """Of a commit; of imported data the commit that it was imported from."""
    origin: str | None = None
    """The address that data was imported from."""
    files: tuple[tuple[str, str], ...] = ()
    """Of a closure: path and SHA-256 of each file."""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """An activity used or generated an entity."""

    activity: str
    verb: Verb
    entity: str


@dataclass(frozen=True, kw_only=True)
class LineageGraph:
    """Nodes by id, and the edges between them. It has no cycles."""

    root: str
    """What was asked about."""
    nodes: Mapping[str, Node]
    edges: Sequence[Edge]

    @cached_property
    def upstream(self) -> Mapping[str, tuple[str, ...]]:
        """For each node the ones it came from directly: of an activity what it used, of an entity what made it."""
        found: dict[str, list[str]] = {}
        for edge in self.edges:
            after, before = (edge.activity, edge.entity) if edge.verb is Verb.USED else (edge.entity, edge.activity)
            found.setdefault(after, []).append(before)
        return {after: tuple(before) for after, before in found.items()}

    def within(self, depth: int | None) -> "LineageGraph":
        """Return what is at most so many steps (activities) above the root; training is the first."""
        if depth is None:
            return self
        shown, front = {self.root}, [self.root]
        for _ in range(2 * depth):  # an activity, then what it used
            front = [node for after in front for node in self.upstream.get(after, ()) if node not in shown]
            shown.update(front)
        edges = [edge for edge in self.edges if edge.activity in shown and edge.entity in shown]
        return LineageGraph(root=self.root, nodes={i: n for i, n in self.nodes.items() if i in shown}, edges=edges)

    def path_to(self, target: str) -> tuple[Node, ...]:
        """Return the shortest way from a node down to the root, both included; empty where there is no way."""
        came: dict[str, str | None] = {self.root: None}
        front = [self.root]
        while front and target not in came:
            following = [(node, after) for after in front for node in self.upstream.get(after, ())]
            front = []
            for node, after in following:
                if node not in came:
                    came[node] = after
                    front.append(node)
        way, step = [], target if target in came else None
        while step is not None:
            way.append(self.nodes[step])
            step = came[step]
        return tuple(way)


def fold_code(graph: LineageGraph) -> LineageGraph:
    """Return a graph in which the code files that the same steps read are one node."""
    readers: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        if graph.nodes[edge.entity].kind is NodeKind.CODE:
            readers[edge.entity].append(edge.activity)
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for node, steps in readers.items():
        groups[tuple(sorted(steps))].append(node)
    new = {node: members[0] for members in groups.values() for node in members}
    nodes = {name: node for name, node in graph.nodes.items() if new.get(name, name) == name}
    for members in groups.values():
        if len(members) > 1:
            nodes[members[0]] = replace(nodes[members[0]], label=f"{len(members)} code files", path=None, digest=None)
    edges = dict.fromkeys(Edge(e.activity, e.verb, new.get(e.entity, e.entity)) for e in graph.edges)
    return LineageGraph(root=graph.root, nodes=nodes, edges=list(edges))
