"""Trace: where did this version come from? Back through every step to the tracked sources and the commit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.queries.graph.lineage_graph import Edge, LineageGraph, Node, NodeKind, Verb
from lineage_pipelines.queries.refs import resolve
from lineage_pipelines.records.statement.dataset import StageInput, StageRun, TrackedSource
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import DigestSet

_SHORT = 12


def trace(catalog: Catalog, ref: str, *, depth: int | None = None) -> LineageGraph:
    """Return everything that a version came from.

    Args:
        catalog: the catalog.
        ref: which version.
        depth: how many steps back, training being the first; None for all.

    Raises:
        NotFoundError: there is no such version.
        CatalogError: the catalog cannot be read.
    """
    entry = resolve(catalog, ref)
    return trace_entry(entry, Makers(catalog, [entry])).within(depth)


class Makers:
    """The versions whose model files others read, and those behind them in turn.

    Args:
        catalog: the catalog.
        entries: the versions to look behind.

    Raises:
        CatalogError: the catalog cannot be read.
    """

    def __init__(self, catalog: Catalog, entries: Sequence[Entry]) -> None:
        self._entries = {entry.seq: entry for entry in entries}
        self._files: dict[str, int] = {}
        front: Sequence[Entry] = entries
        while front:
            read = {hex_ for entry in front for digest in _read(entry.record) for hex_ in _hexes(digest)}
            found = {
                hex_: file.maker.seq
                for file in catalog.index.model_files_of(read - self._files.keys())
                for hex_ in file.hexes
            }
            self._files |= found
            front = catalog.log.versions_at(sorted(set(found.values()) - self._entries.keys()))
            self._entries |= {entry.seq: entry for entry in front}

    def behind(self, entry: Entry) -> Iterator[tuple[DigestSet, Entry]]:
        """Yield the model files that a version read, each with the version that first had it, if that came before."""
        for digest in dict.fromkeys(_read(entry.record)):
            makers = {self._files[hex_] for hex_ in _hexes(digest) if hex_ in self._files}
            yield from ((digest, self._entries[seq]) for seq in sorted(makers) if seq < entry.seq)


def _read(record: LineageRecord) -> Iterator[DigestSet]:
    yield from (snapshot.digest for snapshot in record.data)
    yield from (used.digest for stage in record.stages for used in stage.deps)


def _hexes(digest: DigestSet) -> list[str]:
    return [hex_ for hex_ in (digest.md5, digest.sha256) if hex_]


def trace_entry(entry: Entry, makers: Makers | None = None) -> LineageGraph:
    """Return everything that a version came from, by its record and those of the versions whose model files it read."""
    drawing = _Drawing()
    root = drawing.add(
        Node(id=f"version:{entry.ref}", kind=NodeKind.VERSION, label=entry.ref, digest=_model(entry.record))
    )
    drawing.join(_draw(drawing, entry), Verb.GENERATED, root)
    front, seen = [entry], {entry.seq}
    while front and makers is not None:
        reader = front.pop()
        for file, maker in makers.behind(reader):
            if maker.seq not in seen:
                seen.add(maker.seq)
                front.append(maker)
                _draw(drawing, maker, f"{maker.ref}:")
            drawing.link_maker(file, maker)
    return LineageGraph(root=root, nodes=drawing.nodes, edges=list(drawing.edges))


def _draw(drawing: "_Drawing", entry: Entry, prefix: str = "") -> str:
    """Add the facts of one record to a graph; return the training.

    Args:
        drawing: the graph.
        entry: the record's entry.
        prefix: keeps its steps apart from those of other records.
    """
    record = entry.record
    drawing.prefix = prefix
    run = drawing.add(_training(entry))
    for stage in record.stages:
        _draw_stage(drawing, stage, record)
    for snapshot in record.data:
        kind = NodeKind.DATA if snapshot.produced_by else NodeKind.SOURCE
        read = replace(_data(snapshot.path, snapshot.digest, kind), rows=snapshot.rows)
        used = drawing.add(_with_source(read, record.source_of(snapshot)))
        if snapshot.produced_by:
            drawing.join(drawing.stage(snapshot.produced_by), Verb.GENERATED, used)
        drawing.join(run, Verb.USED, used)
    for node in _surroundings(record):
        drawing.join(run, Verb.USED, drawing.add(node))
    return run


@dataclass
class _Drawing:
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)
    """In the order in which they were added, each once."""
    prefix: str = ""
    """Keeps the steps of one record apart from those of another."""

    def add(self, node: Node) -> str:
        known = self.nodes.get(node.id)
        self.nodes[node.id] = node if known is None else _merged(known, node)
        return node.id

    def join(self, activity: str, verb: Verb, entity: str) -> None:
        self.edges[Edge(activity, verb, entity)] = None

    def stage(self, name: str) -> str:
        """Return a stage's node, also where no run of it is recorded."""
        known = f"stage:{self.prefix}{name}"
        if known not in self.nodes:
            self.add(Node(id=known, kind=NodeKind.STAGE, label=name, detail="no run of it is recorded"))
        return known

    def link_maker(self, file: DigestSet, maker: Entry) -> None:
        """Link a model file to the training that made it, a file that was added as read."""
        for node in list(self.nodes.values()):
            if node.path and node.id.rpartition("@")[2] == (file.md5 or file.sha256):
                detail = f"the model file of {maker.ref}"
                self.nodes[node.id] = replace(node, kind=NodeKind.DATA, detail=detail)
                self.join(f"training:{maker.ref}", Verb.GENERATED, node.id)


def _merged(known: Node, new: Node) -> Node:
    """One file that is known by more digests in one place than in another."""
    digests = [node.digest for node in (known, new) if node.digest]
    md5 = next((digest.md5 for digest in digests if digest.md5), None)
    sha256 = next((digest.sha256 for digest in digests if digest.sha256), None)
    made = NodeKind.DATA in (known.kind, new.kind) and known.kind is not NodeKind.CODE
    kind = NodeKind.DATA if made else known.kind
    detail = "" if made and known.kind is not new.kind else known.detail or new.detail
    digest = DigestSet(md5=md5, sha256=sha256) if digests else None
    rows = known.rows if known.rows is not None else new.rows
    return replace(known, kind=kind, detail=detail, digest=digest, rows=rows)


def _model(record: LineageRecord) -> DigestSet | None:
    digest = record.artifact.digest
    return DigestSet(sha256=digest.hex) if digest.algorithm == "sha256" else DigestSet(md5=digest.hex)


def _training(entry: Entry) -> Node:
    record = entry.record
    function = record.code.source.entry if record.code.source else ""
    detail = ", ".join(part for part in (function, _unknown_data(record)) if part)
    label = f"training of {entry.ref}"
    return Node(id=f"training:{entry.ref}", kind=NodeKind.TRAINING, label=label, detail=detail, run=_run(record))


def _run(record: LineageRecord) -> str:
    run = record.run
    if run.dagster:
        return f"run {run.dagster.run_id}"
    if run.mlflow is not None and run.mlflow.is_imported:
        return f"MLflow's run {run.mlflow.run_id}" if run.mlflow.run_id else "registered in MLflow without a run"
    return f"on {run.host}"


def _unknown_data(record: LineageRecord) -> str:
    if not record.completeness.lacks("data"):
        return ""
    return "some of its data is not known" if record.data else "its data is not known"


def _data(path: str, digest: DigestSet, kind: NodeKind, detail: str = "") -> Node:
    name = digest.md5 or digest.sha256 or "unknown"
    return Node(id=f"data:{path}@{name}", kind=kind, label=path, detail=detail, path=path, digest=digest)


def _with_source(node: Node, source: TrackedSource | None) -> Node:
    """Add to data what the file that tracks it says."""
    if source is None:
        return node
    origin = source.imported_from
    node = replace(node, detail=source.summary)
    return replace(node, origin=origin.url, revision=origin.revision) if origin else node


def _draw_stage(drawing: _Drawing, stage: StageRun, record: LineageRecord) -> None:
    first, _, rest = stage.command.strip().partition("\n")
    command = f"{first} …" if rest else first
    known = f"stage:{drawing.prefix}{stage.name}"
    name = drawing.add(Node(id=known, kind=NodeKind.STAGE, label=stage.name, detail=command))
    for used in stage.deps:
        maker, node = _input(used)
        drawing.join(name, Verb.USED, drawing.add(_with_source(node, record.source_of(used))))
        if maker:
            drawing.join(drawing.stage(maker), Verb.GENERATED, node.id)
    for out in stage.outs:
        drawing.join(name, Verb.GENERATED, drawing.add(_data(out.path, out.digest, NodeKind.DATA)))


def _input(used: StageInput) -> tuple[str, Node]:
    """Return the stage that made an input, if one did, and the input."""
    kind, _, owner = used.origin.partition(":")
    if kind == "stage":
        return owner, _data(used.path, used.digest, NodeKind.DATA)
    if kind == "git":
        return "", _data(used.path, used.digest, NodeKind.CODE, "kept in Git")
    words = {"tracked": f"tracked by {owner}", "superseded": f"which {owner} has since recorded anew"}
    return "", _data(used.path, used.digest, NodeKind.SOURCE, words.get(kind, kind))


def _surroundings(record: LineageRecord) -> Iterator[Node]:
    """Yield the commit, the source files and the environment of a training."""
    code, environment = record.code, record.environment
    if code.revision:
        dirty = ", with uncommitted changes" if code.dirty else ""
        imported = record.run.mlflow is not None and record.run.mlflow.is_imported
        branch = f"branch {code.branch}" if code.branch else "a branch" if imported else "no branch"
        repository = code.repository or ("not known" if imported else "none")
        where = f"{branch}, repository {repository}{dirty}"
        label = f"commit {code.revision[:_SHORT]}"
        yield Node(
            id=f"revision:{code.revision}",
            kind=NodeKind.REVISION,
            label=label,
            detail=where,
            revision=code.revision,
            digest=DigestSet(sha256=code.patch.hex) if code.patch and code.patch.algorithm == "sha256" else None,
        )
    if code.source:
        files = tuple((file.path, file.sha256) for file in code.source.files)
        count = f"{len(files):,} source file{'' if len(files) == 1 else 's'}"
        label, detail = f"{count} reached from {code.source.entry}", ", ".join(path for path, _ in files[:3])
        detail += f" and {len(files) - 3} more" if len(files) > 3 else ""  # noqa: PLR2004
        name = code.source.digest.hex
        yield Node(id=f"closure:{name}", kind=NodeKind.CLOSURE, label=label, detail=detail, files=files)
    packages = environment.packages
    yield Node(
        id=f"environment:{packages.hex}",
        kind=NodeKind.ENVIRONMENT,
        label=f"{environment.python}, {environment.package_count:,} packages",
        detail=environment.platform + (f", locked by {environment.lock_file}" if environment.lock_file else ""),
        digest=DigestSet(sha256=packages.hex) if packages.algorithm == "sha256" else DigestSet(md5=packages.hex),
    )
