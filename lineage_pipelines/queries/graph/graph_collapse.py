"""Graphs made fit for a drawing: files of code folded into one node a step, versions with one fate into one node."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from lineage_pipelines.queries.graph.impact import Impact, ImpactedVersion
from lineage_pipelines.queries.graph.lineage_graph import Edge, LineageGraph, Node, NodeKind, Verb

_RUN = 2


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


def impact_graph(impact: Impact) -> LineageGraph:
    """Return the subject, the steps it went through, and the versions at the other end.

    Versions of one model that used it in one way and that the same aliases name are one node.
    """
    root = Node(id="subject", kind=NodeKind.SUBJECT, label=impact.subject.text)
    nodes, edges = {root.id: root}, dict[Edge, None]()
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[ImpactedVersion]] = defaultdict(list)
    for each in impact.versions:
        stages = each.how.stages if each.how else ()
        groups[each.model, stages, each.aliases].append(each)
    for number, ((model, stages, aliases), members) in enumerate(groups.items()):
        before = root.id
        for place in range(len(stages)):
            before = _through(nodes, edges, before, stages[: place + 1])
        training = Node(id=f"training:{number}", kind=NodeKind.TRAINING, label=f"training of {model}")
        named = f" ({', '.join(aliases)})" if aliases else ""
        label = f"{model}@{ranges([each.version for each in members])}{named}"
        versions = Node(id=f"versions:{number}", kind=NodeKind.VERSION, label=label)
        nodes |= {training.id: training, versions.id: versions}
        edges[Edge(training.id, Verb.USED, before)] = None
        edges[Edge(training.id, Verb.GENERATED, versions.id)] = None
    return LineageGraph(root=root.id, nodes=nodes, edges=list(edges))


def _through(nodes: dict[str, Node], edges: dict[Edge, None], before: str, stages: tuple[str, ...]) -> str:
    """Draw a step and what it made; return the latter."""
    step = Node(id=f"stage:{' > '.join(stages)}", kind=NodeKind.STAGE, label=stages[-1])
    made = Node(id=f"made:{' > '.join(stages)}", kind=NodeKind.DATA, label=f"what {stages[-1]} made of it")
    nodes |= {step.id: step, made.id: made}
    edges[Edge(step.id, Verb.USED, before)] = None
    edges[Edge(step.id, Verb.GENERATED, made.id)] = None
    return made.id


def ranges(numbers: Sequence[int]) -> str:
    """Write numbers in short: `1-45, 47`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) >= _RUN else str(part[0]) for part in parts)
