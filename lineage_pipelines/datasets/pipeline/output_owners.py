"""Output owners: which node uses whose output, and which outputs collide, by DVC's rules on paths.

A dependency belongs to every output that is it, holds it, or lies in it. Two outputs must not be one path or lie in
one another, no metafile may lie in an output, and nothing may depend on itself, however indirectly.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lineage_pipelines.datasets.metafiles.path_rules import Key
from lineage_pipelines.datasets.metafiles.problems import problem
from lineage_pipelines.records.values.finding import Finding

_APART = "give each stage its own output, or track the folder once as a whole"


@dataclass(frozen=True, slots=True)
class Node:
    """A stage or `.dvc` file, reduced to what relates it to others."""

    id: str
    file: str
    line: int
    outs: tuple[tuple[str, Key], ...] = ()
    """Each output's path as shown, and its key."""
    deps: tuple[Key, ...] = ()
    file_key: Key = ()


@dataclass(slots=True)
class _Owners:
    """Outputs by place."""

    exact: dict[Key, tuple[Node, str]] = field(default_factory=dict)
    below: dict[Key, list[Node]] = field(default_factory=lambda: defaultdict(list))
    """For each folder, who has an output somewhere inside."""

    def add(self, node: Node, path: str, key: Key) -> None:
        self.exact[key] = (node, path)
        for end in range(1, len(key)):
            self.below[key[:end]].append(node)

    def above(self, key: Key) -> Iterator[tuple[Node, str]]:
        """Yield the outputs that are or hold `key`."""
        for end in range(1, len(key) + 1):
            if (found := self.exact.get(key[:end])) is not None:
                yield found


@dataclass(frozen=True, slots=True)
class Relations:
    """What the paths of a project say about its nodes."""

    producers: Mapping[tuple[str, Key], tuple[str, ...]]
    """By consumer and dependency: the ids of its producers, sorted."""
    problems: tuple[Finding, ...]

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """Return (consumer, producer), sorted."""
        return tuple(sorted({(user, maker) for (user, _), makers in self.producers.items() for maker in makers}))


def relate(nodes: Sequence[Node]) -> Relations:
    """Find the producers of every dependency, and every collision."""
    owners, problems = _own(nodes)
    for node in nodes:
        problems.extend(_inside_output(node, owners))
    producers = {
        (node.id, key): makers for node in nodes for key in node.deps if (makers := _producers(key, owners)) is not None
    }
    relations = Relations(producers, tuple(problems))
    cycles = _cycles(nodes, relations.edges)
    return Relations(producers, (*problems, *cycles))


def _producers(key: Key, owners: _Owners) -> tuple[str, ...] | None:
    found = {node.id for node, _ in owners.above(key)} | {node.id for node in owners.below.get(key, ())}
    return tuple(sorted(found)) or None


def _own(nodes: Iterable[Node]) -> tuple[_Owners, list[Finding]]:
    owners = _Owners()
    problems = []
    for node in nodes:
        for path, key in node.outs:
            if (clash := _clash(node, path, key, owners)) is not None:
                problems.append(clash)
            else:
                owners.add(node, path, key)
    return owners, problems


def _clash(node: Node, path: str, key: Key, owners: _Owners) -> Finding | None:
    if key in owners.exact:
        other, _ = owners.exact[key]
        what = f"two stages with one output: {path!r} is an output of {_name(other)} and of {_name(node)}"
        return problem(node.file, node.line, what, _APART)
    outer = next(owners.above(key), None)
    if outer is not None:
        what = f"outputs overlap: {path!r} of {_name(node)} lies in {outer[1]!r} of {_name(outer[0])}"
        return problem(node.file, node.line, what, _APART)
    if key in owners.below:
        inner = owners.below[key][0]
        what = f"outputs overlap: {path!r} of {_name(node)} holds an output of {_name(inner)}"
        return problem(node.file, node.line, what, _APART)
    return None


def _name(node: Node) -> str:
    return f"{node.id!r} ({node.file}:{node.line})"


def _inside_output(node: Node, owners: _Owners) -> Iterator[Finding]:
    outer = next(owners.above(node.file_key), None)
    if outer is not None:
        what = f"the file lies in {outer[1]!r}, an output of {_name(outer[0])}"
        yield problem(node.file, node.line, what, "move the file out of that folder")


def _cycles(nodes: Sequence[Node], edges: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    by_id = {node.id: node for node in nodes}
    below = defaultdict(list)
    for user, maker in edges:
        below[user].append(maker)
    for ring in _rings(list(by_id), below):
        names = " → ".join([*ring, ring[0]])
        first = by_id[ring[0]]
        what = f"a cycle: {names}" if len(ring) > 1 else f"{ring[0]!r} depends on its own output"
        yield problem(first.file, first.line, what, "remove one of these dependencies")


def _rings(ids: Sequence[str], below: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Yield the cycles that a walk in depth runs into; at least one where there is any."""
    done: set[str] = set()
    for start in ids:
        if start not in done:
            yield from _walk(start, below, done)


def _walk(start: str, below: Mapping[str, Sequence[str]], done: set[str]) -> Iterator[list[str]]:
    path = [start]
    on_path = {start}
    stack = [iter(below.get(start, ()))]
    while stack:
        following = next(stack[-1], None)
        if following is None:
            stack.pop()
            on_path.discard(path[-1])
            done.add(path.pop())
        elif following in on_path:
            yield path[path.index(following) :]
        elif following not in done:
            path.append(following)
            on_path.add(following)
            stack.append(iter(below.get(following, ())))
