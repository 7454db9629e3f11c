"""Drawings and charts of graphs: whole, the same every time, and with every name as mere text."""

import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.queries.graph.lineage_graph import Edge, LineageGraph, Node, NodeKind, Verb
from lineage_pipelines.records.values.digest import DigestSet
from lineage_pipelines.reports.charts.graph_svg import render_svg
from lineage_pipelines.reports.views.trace import render_mermaid

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>",
    '"/><image href="https://example.invalid/x"/>',
    "]]><!--",
    "&lt;b&gt;",
    '"]\nclick n0 "javascript:alert(1)"',
    "%%{init: {}}%%",
    "`**bold**` [x](javascript:alert(1))",
    "a\x00\x1b[2J\u202eb\ud800",
    "x" * 5_000,
    "",
]


def graph(*names: str, circle: bool = False) -> LineageGraph:
    """A version, trained on all the names, each of which a step made."""
    nodes = [Node(id="v", kind=NodeKind.VERSION, label="m@1"), Node(id="t", kind=NodeKind.TRAINING, label="training")]
    edges = [Edge("t", Verb.GENERATED, "v")]
    for number, name in enumerate(names):
        nodes.append(Node(id=f"d{number}", kind=NodeKind.DATA, label=name, detail=name))
        nodes.append(Node(id=f"s{number}", kind=NodeKind.STAGE, label=name, detail=name))
        edges += [Edge("t", Verb.USED, f"d{number}"), Edge(f"s{number}", Verb.GENERATED, f"d{number}")]
        edges += [Edge(f"s{number}", Verb.USED, "v")] if circle else []
    return LineageGraph(root="v", nodes={node.id: node for node in nodes}, edges=edges)


def boxes(svg: str) -> Iterator[tuple[float, float, float, float]]:
    for rect in ET.fromstring(svg).iter(f"{SVG}rect"):
        yield (
            float(rect.attrib["x"]),
            float(rect.attrib["y"]),
            float(rect.attrib["width"]),
            float(rect.attrib["height"]),
        )


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_is_anything_but_text_in_a_drawing(name: str) -> None:
    root = ET.fromstring(render_svg(graph(name, "plain")))
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags == {"svg", "title", "style", "defs", "marker", "path", "g", "rect", "text"}
    attributes = {key for element in root.iter() for key in element.attrib}
    assert not {key for key in attributes if key.startswith("on") or "href" in key}
    assert len(list(root.iter(f"{SVG}g"))) == 6


@given(st.text(max_size=30))
def test_any_name_gives_a_drawing_that_can_be_parsed(name: str) -> None:
    ET.fromstring(render_svg(graph(name)))


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_can_end_a_label_of_a_chart(name: str) -> None:
    plain, hostile = (render_mermaid(graph(each)) for each in ("plain", name))
    assert len(hostile.splitlines()) == len(plain.splitlines())
    label = re.compile(r'"[A-Za-z0-9 .,/_#;-]*"')
    shapes = [[label.sub("", line) for line in text.splitlines()] for text in (plain, hostile)]
    assert shapes[0] == shapes[1]


def test_boxes_do_not_overlap_and_stay_inside() -> None:
    svg = render_svg(graph(*(f"data/{'long ' * number}{number}" for number in range(9))))
    width, height = (float(each) for each in ET.fromstring(svg).attrib["viewBox"].split()[2:])
    found = list(boxes(svg))
    assert len(found) == 20
    for x, y, wide, high in found:
        assert x >= 0
        assert y >= 0
        assert x + wide <= width
        assert y + high <= height
    for one, other in itertools.combinations(found, 2):
        apart = one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0]
        assert apart or one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]


def wide_graph() -> LineageGraph:
    """A chain of steps whose first input the training reads too, and more inputs than one row has room for."""
    plain = graph(*(f"data/part-{number}.parquet" for number in range(14)))
    nodes, edges = dict(plain.nodes), list(plain.edges)
    before = "d0"
    for number in range(4):
        step, made = Node(id=f"c{number}", kind=NodeKind.STAGE, label=f"step {number}"), f"m{number}"
        nodes |= {step.id: step, made: Node(id=made, kind=NodeKind.DATA, label=f"made by {number}")}
        edges += [Edge(step.id, Verb.USED, before), Edge(step.id, Verb.GENERATED, made)]
        before = made
    return LineageGraph(root="v", nodes=nodes, edges=[*edges, Edge("t", Verb.USED, before)])


def points(path: str) -> Iterator[tuple[float, float]]:
    """Points along a line, close enough to find a box under them."""
    x = y = 0.0
    for command, numbers in re.findall(r"([MCV])([^MCV]*)", path):
        at = [float(number) for number in numbers.split()]
        if command == "M":
            x, y = at
        elif command == "V":
            yield from ((x, y + (at[0] - y) * step / 50) for step in range(51))
            y = at[0]
        else:
            a, b, c = (x, y), tuple(at[0:2]), tuple(at[2:4])
            end = tuple(at[4:6])
            for t in (step / 50 for step in range(51)):
                weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
                corners = (a, b, c, end)
                yield (
                    sum(w * p[0] for w, p in zip(weights, corners, strict=True)),
                    sum(w * p[1] for w, p in zip(weights, corners, strict=True)),
                )
            x, y = end


def test_no_line_crosses_a_box() -> None:
    svg = render_svg(wide_graph())
    found = list(boxes(svg))
    lines = [line.attrib["d"] for line in ET.fromstring(svg).iter(f"{SVG}path") if line.get("class") == "line"]
    assert len(lines) == len(wide_graph().edges)
    for line in lines:
        for x, y in points(line):
            assert not any(a < x < a + wide and b < y < b + high for a, b, wide, high in found), line


def test_a_drawing_is_as_wide_as_its_page_and_not_much_wider_than_a_row() -> None:
    root = ET.fromstring(render_svg(wide_graph()))
    assert root.attrib["width"] == "100%"
    assert "height" not in root.attrib
    assert float(root.attrib["viewBox"].split()[2]) < 1_700


def test_boxes_have_digest_rows_and_the_beginning_of_a_run() -> None:
    digest = DigestSet(md5="833d449790270000aaaabbbbccccdddd")
    nodes = [
        Node(
            id="t", kind=NodeKind.TRAINING, label="training", detail="f", run="run 92e687da-7ff8-4d3c-aeaf-3aaa58e3b739"
        ),
        Node(id="d", kind=NodeKind.DATA, label="data/train.parquet", digest=digest, rows=105_475),
    ]
    drawn = LineageGraph(root="t", nodes={n.id: n for n in nodes}, edges=[Edge("t", Verb.USED, "d")])
    texts = [text.text for text in ET.fromstring(render_svg(drawn)).iter(f"{SVG}text")]
    assert texts == ["training", "f", "run 92e687da-7f…", "data/train.parquet", "833d44979027, 105,475 rows"]


def test_what_came_first_stands_above_what_came_of_it() -> None:
    drawn = ET.fromstring(render_svg(graph("data")))
    middle = {
        next(group.iter(f"{SVG}title")).text: float(next(group.iter(f"{SVG}rect")).attrib["y"])
        for group in drawn.iter(f"{SVG}g")
    }
    assert (
        middle["stage: data, data"] < middle["data: data, data"] < middle["training: training"] < middle["version: m@1"]
    )


def test_the_same_graph_is_the_same_bytes_and_light_and_dark() -> None:
    svg = render_svg(graph("a", "b"))
    assert svg == render_svg(graph("a", "b"))
    assert "prefers-color-scheme: dark" in svg
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", svg)


def test_a_graph_that_goes_round_in_circles_is_drawn_all_the_same() -> None:
    assert len(list(boxes(render_svg(graph("a", circle=True))))) == 4
