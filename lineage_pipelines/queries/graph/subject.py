"""What a question about impact is about, and whether a node of a graph is it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lineage_pipelines.catalog import Wanted
from lineage_pipelines.queries.graph.values import LineageGraph, Node, NodeKind


class SubjectKind(StrEnum):
    """What was asked about."""

    CONTENT = "content"
    """Bytes, by MD5 or SHA-256."""
    PATH = "path"
    """A file or folder, in whatever content it ever had."""
    REVISION = "revision"
    PACKAGE = "package"
    VERSION = "version"
    """A version of a model, whose file others read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that versions may have used, and what is known of it before any of them is looked at."""

    kind: SubjectKind
    text: str
    """In words: `data/raw/2013-07.csv`, `scikit-learn==1.9.1`."""
    hexes: frozenset[str] = frozenset()
    """Its MD5s (without `.dir`) and SHA-256s."""
    path: str | None = None
    folders: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Tracked directories that hold it, by path (empty for any) and MD5: how it is called inside."""
    doubtful: frozenset[tuple[str, str]] = frozenset()
    """Tracked directories that may hold it: nobody has their listing any more."""
    revisions: frozenset[str] = frozenset()
    environments: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each list of packages that it is in: how it is called there."""
    entities: frozenset[int] = frozenset()
    """What the index of the catalog has, where digests and the path do not say it."""
    weaker: tuple[str, ...] = ()
    """What could not be looked at."""

    @property
    def wanted(self) -> Wanted:
        """What its versions are looked for by."""
        hexes = {*self.hexes, *(md5 for folder, md5 in self.folders if not folder)}
        return Wanted(hexes=hexes, path=self.path, entities=self.entities)

    def what(self, node: Node) -> str | None:
        """Return how a node is called when it is the subject, or holds it; None when it is not."""
        if node.kind is NodeKind.VERSION:
            return None
        md5 = (node.digest.md5 or "").removesuffix(".dir") if node.digest else ""
        sha256 = (node.digest.sha256 or "") if node.digest else ""
        if not self.hexes.isdisjoint({md5, sha256}) or self._is_path(node.path) or node.revision in self.revisions:
            return node.label
        if node.kind is NodeKind.ENVIRONMENT:
            return self.environments.get(sha256)
        if node.kind is NodeKind.CLOSURE:
            return next((path for path, hex_ in node.files if hex_ in self.hexes or self._is_path(path)), None)
        return self._inside(node, md5)

    def _is_path(self, path: str | None) -> bool:
        return bool(self.path and path and (path == self.path or path.startswith(f"{self.path}/")))

    def _inside(self, node: Node, md5: str) -> str | None:
        if not node.path or not md5:
            return None
        for key in ((node.path, md5), ("", md5)):
            if key in self.folders:
                return f"{node.path}/{self.folders[key]}"
            if key in self.doubtful:
                return f"{node.path}, which may hold it: its listing is gone"
        return None

    def is_doubtful(self, graph: LineageGraph) -> bool:
        """Whether a version is only said to have used it because a listing is gone."""
        found = [node for node in graph.nodes.values() if self.what(node) is not None]
        return all(self._doubted(node) for node in found) if found else False

    def _doubted(self, node: Node) -> bool:
        md5 = (node.digest.md5 or "").removesuffix(".dir") if node.digest else ""
        return not self._is_path(node.path) and (node.path, md5) in self.doubtful
