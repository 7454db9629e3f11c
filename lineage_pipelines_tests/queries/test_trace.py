"""Where a version came from: everything that its record names, joined by who used and who generated it."""

import dataclasses
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.graph.lineage_graph import Edge, LineageGraph, NodeKind, Verb, fold_code
from lineage_pipelines.queries.graph.trace import trace, trace_entry
from lineage_pipelines_tests.samples import digests, make_record


def _trace(folder: Path, depth: int | None = None) -> LineageGraph:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog:
        return trace(catalog, "flight_delay", depth=depth)


def test_a_trace_goes_back_through_every_step_to_source_commit_and_environment(folder: Path) -> None:
    graph = _trace(folder)
    raw = next(node for node in graph.nodes.values() if node.path == "data/raw")
    assert (raw.kind, raw.detail) == (NodeKind.SOURCE, "tracked by data/raw.dvc")
    assert [node.label for node in graph.path_to(raw.id)] == [
        "data/raw",
        "features",
        "data/features.parquet",
        "split",
        "data/train.parquet",
        "training of flight_delay@6",
        "flight_delay@6",
    ]
    kinds = {node.kind for node in graph.nodes.values()}
    assert kinds == set(NodeKind) - {NodeKind.SUBJECT}
    assert (
        Edge("stage:split", Verb.GENERATED, f"data:data/train.parquet@{_md5('train of through 2013-03')}")
        in graph.edges
    )
    assert next(n for n in graph.nodes.values() if n.revision).revision == make_record().code.revision


def _md5(text: str) -> str:
    return digests(text).md5 or ""


def test_what_is_known_by_md5_in_one_place_and_by_both_in_another_is_one_node(folder: Path) -> None:
    graph = _trace(folder)
    trains = [node for node in graph.nodes.values() if node.path == "data/train.parquet"]
    assert [node.digest for node in trains] == [digests("train of through 2013-03")]


@pytest.mark.parametrize(
    ("depth", "stages"), [(1, set()), (2, {"split"}), (3, {"split", "features"}), (None, {"split", "features"})]
)
def test_depth_counts_steps(folder: Path, depth: int | None, stages: set[str]) -> None:
    graph = _trace(folder, depth)
    assert {node.label for node in graph.nodes.values() if node.kind is NodeKind.STAGE} == stages
    assert all(edge.activity in graph.nodes and edge.entity in graph.nodes for edge in graph.edges)


def test_a_file_that_its_maker_has_recorded_anew_since_has_no_maker_here(tmp_path: Path) -> None:
    record = make_record()
    split = record.stages[1]
    old = dataclasses.replace(split.deps[0], digest=digests("an older one"), origin="superseded:features")
    stages = (record.stages[0], dataclasses.replace(split, deps=(old,)))
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        graph = trace_entry(catalog.append(dataclasses.replace(record, stages=stages)))
    found = [node for node in graph.nodes.values() if node.path == "data/features.parquet"]
    assert {(node.kind, node.detail) for node in found} == {
        (NodeKind.SOURCE, "which features has since recorded anew"),
        (NodeKind.DATA, ""),
    }
    source = next(node for node in found if node.kind is NodeKind.SOURCE)
    assert source.id not in graph.upstream


def test_a_record_that_goes_round_in_circles_is_traced_to_an_end(tmp_path: Path) -> None:
    record = make_record()
    features = record.stages[0]
    loop = dataclasses.replace(features.deps[0], path="data/train.parquet", origin="stage:split")
    stages = (dataclasses.replace(features, deps=(loop,)), record.stages[1])
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        graph = trace_entry(catalog.append(dataclasses.replace(record, stages=stages)))
    assert all(len(graph.path_to(node)) <= len(graph.nodes) for node in graph.nodes)


def test_code_files_of_one_step_are_one_node_of_a_drawing(tmp_path: Path) -> None:
    record = make_record()
    features = record.stages[0]
    more = [dataclasses.replace(features.deps[1], path=f"src/{name}.py", digest=digests(name)) for name in "abc"]
    stages = (dataclasses.replace(features, deps=(features.deps[0], *more)), record.stages[1])
    with Catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        graph = trace_entry(catalog.append(dataclasses.replace(record, stages=stages)))
    folded = fold_code(graph)
    assert [node.label for node in folded.nodes.values() if node.kind is NodeKind.CODE] == ["3 code files"]
    assert len(graph.nodes) - len(folded.nodes) == len(graph.edges) - len(folded.edges) == 2


def test_a_version_that_is_not_there_is_said_so(folder: Path) -> None:
    with Catalog(f"sqlite:///{folder}/catalog.db", read_only=True) as catalog, pytest.raises(NotFoundError):
        trace(catalog, "flight_delay@9")
