"""An answer in text is a screen: 25 lines of 100 columns, whatever somebody wrote; JSON is whole."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.cli.session import HIGHEST, WIDEST
from lineage_pipelines.errors import visible
from lineage_pipelines.records.statement.dataset import StageInput, StageOutput, StageRun
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.training_run import CheckResult, CheckSeverity
from lineage_pipelines.reports.document import Document
from lineage_pipelines.reports.formatting import width
from lineage_pipelines.reports.render.text import render_text
from lineage_pipelines.reports.views.attribute import attribution_document
from lineage_pipelines.reports.views.reproduce import reproduction_document
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.cli.conftest import Lineage
from lineage_pipelines_tests.records.test_attribution import FOUND, UNDECIDED
from lineage_pipelines_tests.records.test_reproduction import VERDICT
from lineage_pipelines_tests.reports.test_attribution import everywhere
from lineage_pipelines_tests.samples import digest, digests, make_record

NAMES = {
    "long": "n" * 200,
    "words": "a long name " * 20,
    "wide": "東京の空港" * 40,
    "control": "a\x1b[2J\u202eb\r\n\tc" * 12,
}
VERBS = [
    ("models",),
    ("show", "flight_delay"),
    ("show", "flight_delay@1"),
    ("history", "flight_delay"),
    ("impact", "data/raw"),
    ("trace", "flight_delay"),
    ("bisect", "flight_delay", "--metric", "roc_auc", "--good", "2", "--bad", "3"),
    ("verify",),
    ("log", "flight_delay"),
    ("what-changed", "flight_delay", "--since", "1"),
    ("diff", "flight_delay@1", "flight_delay@2"),
]


def hostile(record: LineageRecord, name: str) -> LineageRecord:
    """The record with a name wherever a project may choose one."""
    inputs = tuple(replace(data, name=f"{name}{i}", path=f"{name}/{i}") for i, data in enumerate(record.data * 10))
    deps = tuple(StageInput(path=f"{name}{i}", digest=digests(f"{i}"), origin=f"tracked:{name}") for i in range(30))
    first = replace(record.stages[0], name=name, command=name, deps=(*record.stages[0].deps, *deps))
    gate = CheckResult(name=name, passed=True, severity=CheckSeverity.WARN, detail=name)
    assert record.evaluation is not None
    metrics = {**record.evaluation.metrics, **{f"{name}{i}": float(i) for i in range(20)}}
    return replace(
        record,
        model=replace(record.model, description=name, owners=(name,) * 5),
        data=(*record.data, *inputs),
        stages=(first, *record.stages[1:], *_chain(name)),
        parameters={f"{name}{i}": name * 30 for i in range(40)},
        code=replace(record.code, branch=name, repository=name),
        evaluation=replace(record.evaluation, metrics=metrics, checks=(*record.evaluation.checks, *((gate,) * 10))),
        completeness=replace(record.completeness, missing=tuple(f"{name}: {i}" for i in range(20))),
    )


def _chain(name: str) -> Sequence[StageRun]:
    """Fifty steps, each of which reads what the one before made."""
    return [
        StageRun(
            name=f"{name} {i}",
            command=name,
            deps=(StageInput(path=f"{name}/made {i}", digest=digests(f"made {i}"), origin=f"stage:{name} {i - 1}"),),
            outs=(StageOutput(path=f"{name}/made {i + 1}", digest=digests(f"made {i + 1}")),),
            lock=digest(f"{i}"),
        )
        for i in range(50)
    ]


def is_screen(text: str) -> None:
    lines = text.splitlines()
    assert 0 < len(lines) <= HIGHEST, text
    for line in lines:
        assert width(line) <= WIDEST, line
        assert visible(line) == line


@pytest.fixture
def demo(project: Path, lineage: Lineage) -> Path:
    """As the demo leaves it and goes on: several versions, and more decisions than a page has."""
    for number in range(14):
        ref = f"flight_delay@{1 + number % 2}"
        assert lineage("promote", ref, "--to", "production", "--reason", f"better for the {number}th time").code == 0
        lineage("reject", "flight_delay@3", "--reason", "July is in Celsius")
    return project


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
def test_an_answer_in_text_is_a_screen(lineage: Lineage, words: tuple[str, ...]) -> None:
    said = lineage(*words)
    assert said.err == "" or words[0] == "verify"
    is_screen(said.out)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.usefixtures("demo")
def test_no_name_makes_an_answer_more_than_a_screen(project: Path, lineage: Lineage, name: str) -> None:
    with Catalog(resolve_settings(start=project).catalog) as catalog:
        catalog.append(hostile(make_record(run="8", auc=0.72), visible(name)))
    lineage("promote", "flight_delay@4", "--to", "production", "--reason", visible(name))
    for words in VERBS:
        is_screen(lineage(*words).out)


@pytest.mark.parametrize("word", NAMES.values(), ids=NAMES)
def test_what_was_trained_again_is_a_screen(word: str) -> None:
    differs = tuple(f"{word} {number}" for number in range(50))
    steps = tuple(replace(step, detail=word) for step in VERDICT.steps)
    for document in (
        attribution_document(FOUND),
        attribution_document(UNDECIDED),
        attribution_document(everywhere(word)),
        reproduction_document(VERDICT),
        reproduction_document(replace(VERDICT, differs=differs, steps=steps, host=word), 7),
    ):
        is_screen(cut(document))


def cut(document: Document) -> str:
    return render_text(document, columns=WIDEST, lines=HIGHEST, whole="--full")


@pytest.mark.usefixtures("demo")
def test_json_is_whole_and_full_text_is_too(project: Path, lineage: Lineage) -> None:
    name = NAMES["words"].strip()
    with Catalog(resolve_settings(start=project).catalog) as catalog:
        catalog.append(hostile(make_record(run="8", auc=0.72), name))
    shown = lineage("show", "flight_delay@4", "--format", "json").json()
    assert len(shown["parameters"]) == 40
    assert all(value == name * 30 for value in shown["parameters"].values())
    assert len(lineage("history", "flight_delay", "--format", "json").json()) == 28
    assert len(lineage("history", "flight_delay", "-n", "3", "--format", "json").json()) == 3
    assert len(lineage("show", "flight_delay@4", "--full").out.splitlines()) > HIGHEST
    assert len(lineage("history", "flight_delay", "-n", "0").out.splitlines()) > 28
    graph = lineage("trace", "flight_delay@4", "--format", "json").json()
    whole = " ".join(lineage("trace", "flight_delay@4", "--full").out.split())
    assert json.dumps(graph).count(name) > 30
    assert whole.count(name) > 30
    assert "(--full)" in lineage("trace", "flight_delay@4").out
