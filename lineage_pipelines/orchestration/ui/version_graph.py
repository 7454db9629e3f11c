"""Version graph: the last versions of a model, the snapshots they were trained on, and the deliveries behind these."""

from collections.abc import Sequence

from lineage_pipelines.orchestration.ui.version_list import ListedVersion
from lineage_pipelines.queries.graph.lineage_graph import Edge, LineageGraph, Node, NodeKind, Verb
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.phrase import count
from lineage_pipelines.reports.charts.graph_svg import render_svg
from lineage_pipelines.reports.formatting import short_digest
from lineage_pipelines.reports.views.preparation import raw_inputs

_MAX_VERSIONS = 6
_MAX_SOURCES = 3


def version_graph(versions: Sequence[ListedVersion]) -> str | None:
    """Return the last versions, newest first, as an SVG; None where there are none with data.

    The inputs of a version are one box, so that versions that were trained on the same data share it.
    """
    nodes: dict[str, Node] = {}
    edges: dict[Edge, None] = {}
    for listed in list(versions[:_MAX_VERSIONS])[::-1]:
        record = listed.entry.record
        version = f"version:{listed.entry.version}"
        named = f", {', '.join(listed.aliases)}" if listed.aliases else ""
        nodes[version] = Node(
            id=version,
            kind=NodeKind.VERSION,
            label=f"version {listed.entry.version}{named}",
            detail=f"{listed.entry.recorded:%Y-%m-%d}{_failed(record)}",
        )
        if not record.data:
            continue
        data = "data:" + "+".join(snapshot.digest.sha256 or "" for snapshot in record.data)
        nodes.setdefault(data, _data_node(data, record.data))
        edges[Edge(version, Verb.USED, data)] = None
        for path, known in _sources(record):
            source = f"source:{path}@{known}"
            nodes.setdefault(source, Node(id=source, kind=NodeKind.SOURCE, label=path, detail=known[:8]))
            edges[Edge(data, Verb.USED, source)] = None
    if not edges:
        return None
    return render_svg(LineageGraph(root=f"version:{versions[0].entry.version}", nodes=nodes, edges=list(edges)))


def _failed(record: LineageRecord) -> str:
    checks = record.evaluation.checks if record.evaluation else ()
    failed = sum(not check.passed for check in checks)
    return f", {count(failed, 'check')} FAILED" if failed else ""


def _data_node(identity: str, data: Sequence[DatasetSnapshot]) -> Node:
    first = data[0]
    digest = short_digest(first.digest.md5 or first.digest.sha256)[:8]
    more = f" and {count(len(data) - 1, 'more input')}" if len(data) > 1 else ""
    rows = f"{count(first.rows, 'row')}, " if first.rows is not None else ""
    return Node(id=identity, kind=NodeKind.DATA, label=f"{first.name}{more}", detail=f"{rows}{digest}")


def _sources(record: LineageRecord) -> Sequence[tuple[str, str]]:
    """Return the path of what the inputs were made from, each with its digest."""
    found: dict[str, str] = {}
    for snapshot in record.data:
        found |= {path: known.partition(",")[0] for path, known in raw_inputs(record, snapshot).items()}
    own = {snapshot.path for snapshot in record.data}
    return [(path, digest) for path, digest in found.items() if path not in own][:_MAX_SOURCES]
