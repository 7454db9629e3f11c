"""Whatever people call things: no format of any answer can be broken by it, or made to do something."""

import dataclasses
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lineage_pipelines.errors import RecordError
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion, draft_rejection
from lineage_pipelines.records.statement.code import SourceClosure, SourceFile
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.training_run import CheckResult, CheckSeverity, Evaluation, SliceMetrics
from lineage_pipelines_tests.bad_input.compared import Versions, packages
from lineage_pipelines_tests.reports.diffs import HOSTILE
from lineage_pipelines_tests.samples import digest, make_record

NAMES = {
    "HTML": HOSTILE[0],
    "an attribute": HOSTILE[1],
    "Markdown": HOSTILE[2],
    "a fence": HOSTILE[3],
    "ANSI": HOSTILE[4],
    "directions": HOSTILE[5],
    "the end of a style": HOSTILE[7],
    "a newline and a table": "a\n| b | c |\n|---|---|\n| `d` | e |\r\n# f",
    "very long": "long-" * 600,
    "emoji": "\U0001f4a5\u200d\U0001f9ea | ` \u00e9\u0301",
    "Mermaid": 'x"]; click n0 "javascript:alert(1)" %% end\n  n9 --> n1',
    "XML": "]]></text><script>alert(1)</script>&amp;&#0;&bogus;",
}
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
TAGS = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "header",
        "section",
        "footer",
        "h1",
        "h2",
        "h3",
        "p",
        "br",
        "dl",
        "dt",
        "dd",
        "div",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "ol",
        "li",
        "span",
        "details",
        "summary",
        "pre",
        "figure",
        "figcaption",
        "svg",
        "path",
        "line",
        "text",
        "rect",
        "circle",
        "nav",
        "a",
    ]
)
ATTRIBUTES = frozenset(
    [
        "id",
        "href",
        "aria-label",
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "scope",
        "tabindex",
        "role",
        "open",
        "viewbox",
        "d",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "width",
        "height",
        "rx",
        "cx",
        "cy",
        "r",
        "text-anchor",
    ]
)
VOID = {"meta", "br", "path", "line", "rect", "circle"}
BOTH = ("flight_delay@1", "flight_delay@2")
QUESTIONS = {
    "diff": ("diff", *BOTH),
    "diff, whole": ("diff", *BOTH, "--full"),
    "trace": ("trace", "flight_delay@2"),
    "impact": ("impact", "data/raw"),
    "what-changed": ("what-changed", "flight_delay", "--since", "flight_delay@1"),
    "bisect": ("bisect", "flight_delay", "--metric", "roc_auc", "--good", "1", "--bad", "2"),
}


@pytest.fixture(params=NAMES)
def versions(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Versions:
    """Two versions in which everything that can have a name has this one.

    Such paths are refused when a record is appended; catalogs of earlier releases have them.
    """
    monkeypatch.setattr("lineage_pipelines.catalog.catalog.check_paths", lambda _: None)
    made = Versions(tmp_path / "project", capsys)
    monkeypatch.chdir(made.world.root)
    name = NAMES[request.param]
    first, second = (_record(made, name, number) for number in (0, 1))
    entry = made.add(first)
    with made.catalog() as catalog:
        catalog.registry.decide(
            draft_promotion(catalog, entry, "production", by="ada", reason=f"{name} x", project_dir=tmp_path)
        )
        catalog.registry.decide(draft_rejection(catalog, entry, "production", by="ada", reason=f"{name} x"))
    made.add(second)
    return made


def _record(versions: Versions, name: str, number: int) -> LineageRecord:
    base = make_record(str(number + 1), auc=0.75 - number / 10)
    table = pa.table({f"{name} 1": [number, 2, 3, 4] * 10, f"{name} 2": [name, f"{number}{name}"] * 20})
    data = dataclasses.replace(
        versions.snapshot("train", table, tracked=False),
        name=f"{name} train",
        path=f"data/{name}",
        asset_key=f"data/{name}",
    )
    assert base.evaluation is not None
    assert base.code.source is not None
    source = versions.store.put_bytes(f"# {name}\nx = {number}\0\n".encode())
    files = (SourceFile(path=f"{name}.py", sha256=source.hex),)
    stages = (
        dataclasses.replace(
            base.stages[0],
            name=name,
            command=f"{name} {number}",
            params={f"{name}.yaml": {f"{name}.x": [f"{name}{number}"]}},
            deps=tuple(
                dataclasses.replace(d, path=f"{d.path}{name if d.path != 'data/raw' else ''}")
                for d in base.stages[0].deps
            ),
            outs=tuple(dataclasses.replace(o, path=f"{o.path}{name}", digest=data.digest) for o in base.stages[0].outs),
        ),
    )
    evaluation = Evaluation(
        snapshot=f"{name} train",
        metrics={**base.evaluation.metrics, name: number + 0.5},
        slices=(SliceMetrics(name=name, value=name, rows=20, metrics={"roc_auc": 0.5 + number / 10}),),
        checks=(CheckResult(name=name, passed=not number, severity=CheckSeverity.ERROR, detail=name),),
    )
    environment = packages(
        versions, {name.replace("\n", " "): f"1.{number}{name}".replace("\n", " "), "sklearn\0": f"{number}"}
    )
    return dataclasses.replace(
        base,
        data=(data,),
        stages=stages,
        code=dataclasses.replace(
            base.code,
            branch=name,
            source=SourceClosure(entry=f"{name}:train", files=files, digest=digest(f"{name}{number}")),
        ),
        parameters={f"{name}.p": f"{name}{number}", name: {name: number}},
        evaluation=evaluation,
        candidates=(dataclasses.replace(base.candidates[0], name=f"{name}{number}", selected=True, reason=name),),
        artifact=dataclasses.replace(base.artifact, estimator=f"{name}{number}"),
        **environment,
    )


def _formats(verb: str) -> tuple[str, ...]:
    drawn = ("mermaid", "svg") if verb in ("trace", "impact") else ()
    return ("text", "json", "markdown", *(["html"] if verb == "diff" else []), *drawn)


def test_no_name_breaks_an_answer_or_does_anything(versions: Versions) -> None:
    for question, words in QUESTIONS.items():
        for form in _formats(words[0]):
            said = versions.ask(*words, "--format", form)
            assert said.code in (0, 1), (question, form, said.err)
            assert not CONTROLS.search(said.out), (question, form)
            CHECKS[form](said.out)


def _text(answer: str) -> None:
    assert max(map(len, answer.splitlines())) < 20_000


def _json(answer: str) -> None:
    assert answer.isascii()
    json.loads(answer)


def _markdown(answer: str) -> None:
    """No table is broken, nothing is markup that was not meant, and no fence is ended by what is in it."""
    fence, columns = "", 0
    for line in answer.splitlines():
        if fence or line.startswith("```"):
            fence = line.rstrip("dif") if not fence else "" if line == fence else fence
            continue
        plain = re.sub(r"\\.", "", line)
        assert not re.search(r"[<`\[\]!]", plain), line
        assert "://" not in plain
        cells = plain.count("|")
        assert not columns or not cells or cells == columns, line
        columns = cells
    assert not fence


class _Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert {name for name, _ in attrs} <= ATTRIBUTES, attrs
        assert all(re.fullmatch("#s[0-9]+", value or "") for name, value in attrs if name == "href"), attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        assert {name for name, _ in attrs} <= ATTRIBUTES, attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _html(answer: str) -> None:
    assert _Page(answer).open == []
    style = answer.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def _mermaid(answer: str) -> None:
    label = r'(\[\[|\(\[|\{\{|\[)"([A-Za-z0-9 .,/_-]|#[0-9]+;)*"(\]\]|\]\)|\}\}|\])'
    known = re.compile(
        rf"flowchart TD|  n\d+{label}|  n\d+ -->\|\w+\| n\d+|  class n[\dn,]+ \w+|  classDef \w+ [\w:, -]+"
    )
    assert all(known.fullmatch(line) for line in answer.splitlines()), answer


def _svg(answer: str) -> None:
    for element in ET.fromstring(answer).iter():
        tag = element.tag.rpartition("}")[2]
        assert tag in {"svg", "title", "style", "defs", "marker", "path", "g", "rect", "text"}, tag
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name]


CHECKS: dict[str, Any] = {
    "text": _text,
    "json": _json,
    "markdown": _markdown,
    "html": _html,
    "mermaid": _mermaid,
    "svg": _svg,
}


@pytest.mark.parametrize("name", [*NAMES.values(), "a\0b"])
def test_a_model_cannot_be_called_so(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    versions = Versions(tmp_path / "project", capsys)
    record = make_record("9")
    with pytest.raises(RecordError):
        versions.add(dataclasses.replace(record, model=dataclasses.replace(record.model, name=name)))


@pytest.mark.parametrize("place", ["parameters", "stages"])
def test_nul_is_in_no_record(tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str) -> None:
    made, record = Versions(tmp_path / "project", capsys), make_record("9")
    stages = tuple(dataclasses.replace(stage, command="a\0b") for stage in record.stages)
    parts: dict[str, Any] = {"parameters": {"a\0b": 1}, "stages": stages}
    with pytest.raises(RecordError):
        made.add(record, **{place: parts[place]})
