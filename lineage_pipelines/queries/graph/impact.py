"""Impact: which versions used this, directly or through any preparation step, and which of them are live?"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.index.impact_index import DependentVersion
from lineage_pipelines.catalog.log.entries import Entry, VersionName
from lineage_pipelines.queries.graph.lineage_graph import Edge, LineageGraph, Node, NodeKind, Verb
from lineage_pipelines.queries.graph.subject import Subject
from lineage_pipelines.queries.graph.trace import Makers, trace_entry
from lineage_pipelines.queries.index_check import check_usage
from lineage_pipelines.records.values.model_name import split_scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """In which way a version used something."""

    what: str
    """What it was there: `data/raw`, `scikit-learn==1.9.1`, `data/raw/2013-07.csv`."""
    content: tuple[str, ...] = ()
    """Its MD5s (else SHA-256s) there, hex: which delivery went into the version. Empty for what has no content."""
    is_data: bool = False
    """Whether it was data there, and not code, a commit or a library."""
    maker: str = ""
    """The step that made it; empty where none did."""
    maker_read: tuple[str, ...] = ()
    """The data that this step read, by path."""
    roles: tuple[str, ...] = ()
    """The inputs of the training that it went into."""
    stages: tuple[str, ...] = ()
    """The steps between it and the training, the one that read it first; the training of another model whose file was
    read is one."""
    beside: bool = False
    """Whether a step on the way only made it, and nothing of it went into the training."""
    doubtful: bool = False
    """Whether it may have been used: the listing of a directory is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactedVersion:
    """One version that used it."""

    model: str
    version: int
    record: str
    """The record's SHA-256, hex."""
    aliases: tuple[str, ...] = ()
    """The aliases that name it now; of a partition `production[west]`."""
    how: How | None = None
    """None where it was not asked for."""

    @property
    def ref(self) -> str:
        """The version as a person writes it."""
        return f"{self.model}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Every version that used a subject: those that an alias names first, then by model, the newest first."""

    subject: Subject
    versions: tuple[ImpactedVersion, ...]
    alias: str | None = None
    """Only those that this alias names were asked for."""
    compared: bool = False
    """Whether the whole index was compared with the log, or only the rows that this rests on."""


def impact(catalog: Catalog, subject: Subject, *, alias: str | None = None, explain: bool = True) -> Impact:
    """Return every version that used a subject, directly, through any preparation step or another model's file.

    What somebody deletes because of the answer must not rest on an altered index: explained, it is compared with the
    log (see `index_check`).

    Args:
        catalog: the catalog.
        subject: what was asked about; see `find_subject`.
        alias: only versions that this alias names now, of whichever partition.
        explain: whether to say how each used it, which reads its record. Without it, the index alone answers.

    Raises:
        CatalogError: the catalog cannot be read, or its index contradicts the log.
    """
    dependents = catalog.index.impact(subject.query)
    compared = explain and check_usage(catalog, {each.version.seq for each in dependents})
    live = live_versions(catalog, {each.version.model for each in dependents})
    found = [each for each in dependents if alias is None or alias in _plain(_aliases(live, each.version))]
    hows = _explain(catalog, subject, found) if explain else {}
    versions = [
        ImpactedVersion(
            model=name.model,
            version=name.version,
            record=name.digest,
            aliases=_aliases(live, name),
            how=hows.get(name.seq),
        )
        for name in dict.fromkeys(each.version for each in found)
    ]
    versions.sort(key=lambda each: (not each.aliases, each.model, -each.version))
    return Impact(subject=subject, versions=tuple(versions), alias=alias, compared=compared)


def live_versions(catalog: Catalog, models: Collection[str]) -> Mapping[tuple[str, int], tuple[str, ...]]:
    """Return the aliases of each version of these models that one names now.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for model, alias, version in catalog.index.current_aliases(models):
        found[model, version] = (*found.get((model, version), ()), alias)
    return found


def _aliases(live: Mapping[tuple[str, int], tuple[str, ...]], name: VersionName) -> tuple[str, ...]:
    return live.get((name.model, name.version), ())


def _plain(aliases: Sequence[str]) -> frozenset[str]:
    return frozenset(split_scoped(alias)[0] for alias in aliases)


# How


def _explain(catalog: Catalog, subject: Subject, found: Sequence[DependentVersion]) -> Mapping[int, How]:
    direct = {each.version.seq for each in found if each.through is None}
    others = catalog.log.versions_at(sorted({each.version.seq for each in found} - direct))
    hows: dict[int, How | None] = {}
    same: dict[str, How | None] = {}
    for entry in catalog.log.versions_at(sorted(direct)):
        used = _used_inputs(entry)
        if used not in same:
            same[used] = explain_use(trace_entry(entry), subject)
        hows[entry.seq] = same[used]
    if others:
        makers = Makers(catalog, others)
        hows |= {entry.seq: explain_use(trace_entry(entry, makers), subject) for entry in others}
    return {seq: how for seq, how in hows.items() if how is not None}


def _used_inputs(entry: Entry) -> str:
    """Return the parts of a record about what was used, as text: many versions of a model have the same."""
    statement = json.loads(entry.body)
    predicate = statement.get("predicate", {})
    parts = [predicate.get(part) for part in ("data", "stages", "code", "environment")]
    return json.dumps([statement.get("predicateType"), *parts])


_DATA = (NodeKind.DATA, NodeKind.SOURCE)


def explain_use(graph: LineageGraph, subject: Subject) -> How | None:
    """Return in which way the version of a graph used a subject; None where it did not."""
    found = [(node, what) for node in graph.nodes.values() if (what := subject.what(node)) is not None]
    if not found:
        return None
    ways = sorted(((graph.path_to(node.id), node, what) for node, what in found), key=_rank)
    way, node, what = ways[0]
    if not way:
        makers = [edge.activity for edge in graph.edges if edge.entity == node.id and edge.verb is Verb.GENERATED]
        way = (node, *graph.path_to(makers[0])) if makers else (node,)
    own, steps = graph.upstream[graph.root], (NodeKind.STAGE, NodeKind.TRAINING)
    is_data = node.kind in _DATA
    maker = next((name for name in graph.upstream.get(node.id, ()) if is_data and what == node.label), "")
    read = [graph.nodes[name] for name in graph.upstream.get(maker, ())]
    return How(
        what=what,
        content=tuple(dict.fromkeys(digest for _, each, _ in ways if (digest := subject.content_of(each)))),
        is_data=is_data,
        maker=graph.nodes[maker].label if maker else "",
        maker_read=tuple(each.label for each in read if each.kind in _DATA),
        roles=_roles(graph, {node.id for _, node, _ in ways}),
        stages=tuple(each.label for each in way if each.kind in steps and each.id not in own),
        beside=not ways[0][0],
        doubtful=subject.is_doubtful(graph),
    )


def _rank(found: tuple[tuple[Node, ...], Node, str]) -> tuple[bool, int, str]:
    way, node, _ = found
    return not way, len(way), node.id


def _roles(graph: LineageGraph, targets: set[str]) -> tuple[str, ...]:
    """Return what the training read, by path, that came from any of the targets."""
    (training,) = graph.upstream[graph.root]
    inputs = [node for node in graph.upstream.get(training, ()) if graph.nodes[node].path is not None]
    return tuple(graph.nodes[node].label for node in inputs if not targets.isdisjoint(_behind(graph, node)))


def _behind(graph: LineageGraph, start: str) -> set[str]:
    seen, front = {start}, [start]
    while front:
        following = graph.upstream.get(front.pop(), ())
        front += [node for node in following if node not in seen]
        seen.update(following)
    return seen


# Graph

_BOXES = 12
"""With more versions than this, those that used it in one way are one box."""


_RUN = 2
"""How many consecutive versions are written as a range."""
_SHORT = 12


def impact_graph(impact: Impact) -> LineageGraph:
    """Return the subject, the steps it went through, and the versions at the other end, each with the content it used.

    Of many versions those of one model that used the same content in one way, and that the same aliases name, are one
    node.
    """
    root = Node(id="subject", kind=NodeKind.SUBJECT, label=impact.subject.text)
    nodes, edges = {root.id: root}, dict[Edge, None]()
    groups: dict[tuple[str, How | None, tuple[str, ...], int], list[ImpactedVersion]] = defaultdict(list)
    for each in sorted(impact.versions, key=lambda each: (each.model, each.version)):
        alone = each.version if len(impact.versions) <= _BOXES else 0
        groups[each.model, each.how, each.aliases, alone].append(each)
    for number, ((model, how, aliases, _), members) in enumerate(groups.items()):
        stages, before = how.stages if how else (), root.id
        for place in range(len(stages)):
            before = _through(nodes, edges, before, stages[: place + 1])
        training = Node(id=f"training:{model} {before}", kind=NodeKind.TRAINING, label=f"training of {model}")
        named = f" ({', '.join(aliases)})" if aliases else ""
        versions = Node(
            id=f"versions:{number}",
            kind=NodeKind.VERSION,
            label=f"{model}@{ranges([each.version for each in members])}{named}",
            detail=", ".join(digest[:_SHORT] for digest in how.content) if how else "",
        )
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
