"""Graph cache: the resolved graph, by the content of its files, so that an unchanged project loads without DVC.

One JSON file below `.dvc/tmp`, which Git ignores and `dvc gc` leaves alone. It names every file that decided the
graph with its digest; a file more, less or other means that it is not used. Losing it costs a second.
"""

import contextlib
import dataclasses
import functools
import importlib.util
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_pipelines.datasets.content.cache_layout import own_folder
from lineage_pipelines.datasets.pipeline.pipeline_graph import (
    Output,
    ParamsDependency,
    PipelineGraph,
    Stage,
    StageDependency,
    TrackedFile,
)
from lineage_pipelines.datasets.pipeline.tree_scan import digest, digests, git_inputs, scan
from lineage_pipelines.system.atomic_file import replace_file

if TYPE_CHECKING:
    from lineage_pipelines.datasets.pipeline.resolution import Resolution

_FORMAT = 2
_ITEMS = {
    (PipelineGraph, "stages"): Stage,
    (PipelineGraph, "tracked"): TrackedFile,
    (Stage, "deps"): StageDependency,
    (Stage, "params"): ParamsDependency,
    (Stage, "outs"): Output,
    (TrackedFile, "deps"): StageDependency,
    (TrackedFile, "outs"): Output,
}
_TUPLES = frozenset({"keys", "producers", "labels"})
"""Fields that hold a tuple of texts."""


@dataclass(slots=True)
class CachedGraph:
    """A graph with the digests of everything that it depends on."""

    graph: PipelineGraph
    tree: frozenset[str]
    """Metafiles and ignore files, relative to the root."""
    pruned: frozenset[str]
    """Folders that DVC does not scan, relative to the root."""
    inputs: Mapping[str, str | None]
    """SHA-256 of every file that the graph depends on, by path (relative to the root or absolute); None if missing."""
    locks: dict[str, str | None] = field(default_factory=dict)
    """SHA-256 of each valid dvc.lock; None if it does not exist, empty if it is not valid."""


@functools.cache
def _dvc_version() -> str:
    """Return a digest that identifies the release of DVC, without importing it or `importlib.metadata`."""
    spec = importlib.util.find_spec("dvc")
    places = (spec and spec.submodule_search_locations) or [""]
    return digest(f"{places[0]}/_version.py") or _declared_version()


def _declared_version() -> str:
    from importlib.metadata import version

    return version("dvc")


def load(root: Path) -> CachedGraph | None:
    """Return the cached graph if it is still the one that DVC would resolve."""
    try:
        plain = json.loads((own_folder(root) / "graph.json").read_bytes())
        if plain["format"] != _FORMAT or plain["dvc"] != _dvc_version():
            return None
        cached = CachedGraph(
            graph=_graph(plain["graph"]),
            tree=frozenset(plain["tree"]),
            pruned=frozenset(plain["pruned"]),
            inputs=plain["inputs"],
            locks=plain["locks"],
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return cached if _is_current(root, cached) else None


def _is_current(root: Path, cached: CachedGraph) -> bool:
    base = str(root)
    outs = {out.path for node in cached.graph.nodes() for out in node.outs}
    if scan(base, skip=cached.pruned | outs).files != cached.tree:
        return False
    if not cached.inputs.keys() >= {_shown(base, path) for path in git_inputs(root)}:
        return False
    return all(digest(os.path.join(base, path)) == known for path, known in cached.inputs.items())  # noqa: PTH118


def make(root: Path, found: "Resolution") -> CachedGraph:
    """Record everything that a resolution depends on."""
    base = str(root)
    walked = {os.path.relpath(path, base) for path in found.walked}
    outs = {out.path for node in found.graph.nodes() for out in node.outs}
    tree = scan(base, enter=walked, skip=outs)
    others = {*found.inputs, *(f"{base}/{path}" for path in tree.files), *git_inputs(root)}
    known = {**digests(others - found.digests.keys()), **found.digests}
    return CachedGraph(
        graph=found.graph,
        tree=tree.files,
        pruned=tree.pruned - outs,
        inputs={_shown(base, path): value for path, value in sorted(known.items())},
    )


def _shown(base: str, path: str) -> str:
    return path.removeprefix(f"{base}/")


def store(root: Path, cached: CachedGraph) -> None:
    """Write a graph to the cache. If the project is read-only, it is resolved again next time."""
    plain = {
        "format": _FORMAT,
        "dvc": _dvc_version(),
        "tree": sorted(cached.tree),
        "pruned": sorted(cached.pruned),
        "inputs": cached.inputs,
        "locks": cached.locks,
        "graph": _plain(cached.graph),
    }
    with contextlib.suppress(OSError):
        replace_file(own_folder(root) / "graph.json", json.dumps(plain).encode())


def _plain(value: Any) -> Any:  # noqa: ANN401  # the fields of the graph's values
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    return {
        item.name: _plain(getattr(value, item.name))
        for item in dataclasses.fields(value)
        if getattr(value, item.name) != item.default
    }


def _graph(plain: Any) -> PipelineGraph:  # noqa: ANN401
    graph: PipelineGraph = _value(PipelineGraph, plain)
    return dataclasses.replace(graph, edges=tuple((user, maker) for user, maker in plain.get("edges", ())))


def _value(kind: type, plain: Mapping[str, Any]) -> Any:  # noqa: ANN401
    return kind(**{name: _field(kind, name, value) for name, value in plain.items()})


def _field(kind: type, name: str, value: Any) -> Any:  # noqa: ANN401
    if (item := _ITEMS.get((kind, name))) is not None:
        return tuple(_value(item, each) for each in value)
    return tuple(value) if name in _TUPLES else value
