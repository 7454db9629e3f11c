"""The documentation says what is there: every verb, option, field, link and command of it is looked up."""

import dataclasses
import importlib
import json
import pkgutil
import re
import shlex
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any

import click
import pytest

from lineage_pipelines import records
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import LogEntry
from lineage_pipelines.cli.main import lineage, main
from lineage_pipelines.flights.flights_cli import flights
from lineage_pipelines.records.decisions.approval import Approval
from lineage_pipelines.records.decisions.attribution import (
    Allocation,
    AttributedVersion,
    Attribution,
    InfeasibleMix,
    Interaction,
    MetricRuns,
    Player,
    PlayerSplit,
    Reevaluation,
)
from lineage_pipelines.records.decisions.decision import ComparedVersion, Comparison, CountedApproval, Decision, Rule
from lineage_pipelines.records.decisions.key_event import KeyEvent
from lineage_pipelines.records.decisions.policy_change import PolicyChange
from lineage_pipelines.records.decisions.reproduction import MetricAgain, Reproduction, ReproductionStep
from lineage_pipelines.records.decisions.tombstone import Tombstone
from lineage_pipelines.records.statement.dataset import Grade
from lineage_pipelines.records.statement.lineage_record import PREDICATE_TYPES, STATEMENT_TYPE, record_digest
from lineage_pipelines.records.statement.profile import ColumnProfile, Profile
from lineage_pipelines.records.statement.training_run import CheckKind, CheckSeverity
from lineage_pipelines.records.values.canonical import canonical_bytes
from lineage_pipelines.records.values.codec import Value, field_types
from lineage_pipelines.records.values.digest import Digest, DigestSet
from lineage_pipelines.records.values.identity_proof import IdentityProof
from lineage_pipelines_tests.samples import make_record

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden" / "records" / "v1"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FORMAT = ROOT / "docs" / "reference" / "record-format.md"
CLI = ROOT / "docs" / "reference" / "cli.md"
FLIGHTS = ROOT / "docs" / "explanation" / "flights.md"
FLIGHTS_COMMANDS = ROOT / "docs" / "reference" / "flights.md"

_FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_MACHINE = re.compile(r"(?<![\w./~<-])/(?:home|root|tmp|work|usr|opt|mnt|var|srv|Users|private)/")


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _sections(page: Path) -> dict[str, str]:
    """The text under each heading, up to the next one."""
    parts = re.split(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def _first_words(text: str) -> set[str]:
    """What stands in backticks in the first column of the tables."""
    return {word for row in _rows(text) for word in _SPAN.findall(row[0])}


# The record format


def _values() -> Iterator[type[Value]]:
    """The values of the records room, each from the module that defines it."""
    for found in pkgutil.walk_packages(records.__path__, f"{records.__name__}."):
        for kind in vars(importlib.import_module(found.name)).values():
            if isinstance(kind, type) and issubclass(kind, Value) and kind.__module__ == found.name:
                yield kind


_VALUES = list(_values())
_WITHIN = (
    *(Rule, CountedApproval, Comparison, ComparedVersion),
    *(ReproductionStep, MetricAgain),
    *(AttributedVersion, Reevaluation, Allocation, PlayerSplit, MetricRuns),
    *(Player, Interaction, InfeasibleMix),
)
_ENTRIES = (KeyEvent, Decision, PolicyChange, Approval, Reproduction, Attribution, Tombstone)
_OF_THE_LOG = (*_ENTRIES, *_WITHIN)
_OF_BLOBS = (Profile, ColumnProfile)
KINDS = [kind for kind in _VALUES if kind not in (Value, *_OF_BLOBS, *_OF_THE_LOG)]
_WORDS: Mapping[type, str] = {
    str: "text",
    int: "integer",
    bool: "boolean",
    float: "number",
    datetime: "time",
    Digest: "digest",
    DigestSet: "digests",
    Grade: "grade",
    IdentityProof: "identity proof",
    CheckKind: "check kind",
    CheckSeverity: "check severity",
}
_CHECKS: Mapping[str, Any] = {
    "text": str,
    "integer": (int, dict),
    "boolean": bool,
    "number": (int, float),
    "time": str,
    "digest": str,
    "grade": str,
    "identity proof": str,
    "check kind": str,
    "check severity": str,
    "values": dict,
    "numbers": dict,
    "integers": dict,
}


def _schema() -> dict[str, dict[str, tuple[str, str]]]:
    """The page's tables: class to field to type and presence."""
    sections = _sections(FORMAT)
    kinds = [kind.__name__ for kind in (*KINDS, DigestSet) if kind.__name__ in sections]
    return {
        kind: {row[0].strip("`"): (row[1], row[2]) for row in _rows(sections[kind]) if len(row) == 5 and "`" in row[0]}
        for kind in kinds
    }


def _later_fields() -> set[tuple[str, str]]:
    """Class and field of what the page says that schema 2 adds."""
    rows = _rows(_sections(FORMAT)["What schema 2 adds"])
    return {(row[0], row[1].strip("`")) for row in rows if "`" in row[1]}


def test_the_page_lists_what_schema_2_adds() -> None:
    assert _later_fields() == {
        (kind.__name__, name) for kind in KINDS for name in field_types(kind).keys() - field_types(kind, 1).keys()
    }


def _word(hint: Any) -> str:
    if typing.get_origin(hint) is UnionType:
        return _word(next(each for each in typing.get_args(hint) if each is not NoneType))
    if typing.get_origin(hint) is tuple:
        return f"list of {_word(typing.get_args(hint)[0])}"
    if typing.get_origin(hint) is not None:
        return {float: "numbers", int: "integers"}.get(typing.get_args(hint)[1], "values")
    return _WORDS.get(hint) or str(hint.__name__)


def _presence(field: dataclasses.Field[Any]) -> str:
    if field.default is None:
        return "optional"
    free = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    return "required" if free else "always"


@pytest.mark.parametrize("kind", [*KINDS, DigestSet], ids=lambda kind: kind.__name__)
def test_every_field_of_the_record_is_in_its_table_with_its_type_and_presence(kind: type) -> None:
    hints = typing.get_type_hints(kind)
    fields = {
        f.name: (_word(hints[f.name]), _presence(f)) for f in dataclasses.fields(kind) if f.name in field_types(kind)
    }
    written = {name: (words.partition(" (")[0], when) for name, (words, when) in _schema()[kind.__name__].items()}
    assert written == fields


def test_every_field_of_an_entry_is_in_the_format_of_the_log() -> None:
    page = (ROOT / "docs" / "reference" / "log-format.md").read_text()
    rows = re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    kinds = (LogEntry, *_ENTRIES)
    assert named == {f.name for kind in kinds for f in dataclasses.fields(kind)} - {"extra"}
    assert all(f"`{f.name}`" in page for kind in _WITHIN for f in dataclasses.fields(kind) if f.name != "extra")


def _strangers(value: Any, kind: str, where: str) -> Iterator[str]:
    """Check JSON against the page's tables; yield the fields that the page does not know."""
    if kind.startswith("list of "):
        assert isinstance(value, list), where
        for item in value:
            yield from _strangers(item, kind.removeprefix("list of "), f"{where}[]")
    elif kind in _CHECKS:
        assert isinstance(value, _CHECKS[kind]), f"{where} is no {kind}"
    else:
        fields = _schema()["DigestSet" if kind == "digests" else kind]
        always = {name for name, (_, when) in fields.items() if when in ("required", "always")}
        assert always - {name for owner, name in _later_fields() if owner == kind} <= set(value), where
        yield from (f"{where}.{name}" for name in value.keys() - fields.keys())
        for name in value.keys() & fields.keys():
            yield from _strangers(value[name], fields[name][0].partition(" (")[0], f"{where}.{name}")


@pytest.mark.parametrize(
    ("name", "strange"), [("full.json", {"predicate.x_future", "predicate.data[].licence"}), ("least.json", set())]
)
def test_the_golden_records_are_what_the_page_says(name: str, strange: set[str]) -> None:
    statement = json.loads((GOLDEN / name).read_bytes())
    assert set(_strangers(statement["predicate"], "LineageRecord", "predicate")) == strange
    assert set(statement) == _first_words(_sections(FORMAT)["The statement"])


def test_the_examples_of_the_format_are_the_golden_records() -> None:
    blocks = re.findall(r"^```json golden=(\S+)\n(.*?)^```", FORMAT.read_text(), re.MULTILINE | re.DOTALL)
    assert {name.partition(":")[0] for name, _ in blocks} == {"full.json", "least.json"}
    for name, text in blocks:
        file, _, path = name.partition(":")
        expected = json.loads((GOLDEN / file).read_bytes())
        for part in filter(None, path.split(".")):
            expected = expected[part]
        assert canonical_bytes(json.loads(text)) == canonical_bytes(expected), name


def test_the_whole_example_has_the_size_and_identity_that_the_page_says() -> None:
    data = (GOLDEN / "least.json").read_bytes()
    words = _sections(FORMAT)["A whole record"]
    assert f"{len(data):,} bytes" in words
    assert str(record_digest(data)) in words
    assert {STATEMENT_TYPE, *PREDICATE_TYPES.values()} <= set(_SPAN.findall(FORMAT.read_text()))


def test_every_fact_of_a_profile_is_in_the_table(tmp_path: Path) -> None:
    from lineage_pipelines.capture.tables.table_capture import capture_table

    lines = [f"{i % 3},{i / 7},{'abc'[i % 3]},{'true' if i % 2 else ''},2013-04-0{i % 9 + 1}" for i in range(60)]
    (tmp_path / "table.csv").write_text("\n".join(["group,size,name,late,day", *lines, "1,inf,a,false,2013-04-01", ""]))
    profile = json.loads(capture_table(tmp_path / "table.csv", name="table").profile or b"null")
    facts = set(profile) | {name for column in profile["columns"] for name in column}
    assert len(facts) > 18
    fields = {field.name for kind in _OF_BLOBS for field in dataclasses.fields(kind) if field.name != "extra"}
    assert facts <= fields <= _first_words(_sections(FORMAT)["The profile"])


# The command line


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for verb, below in command.commands.items():
            yield from _commands(below, f"{name} {verb}")


_MODULE = "python -m lineage_pipelines.flights"
COMMANDS = {"lineage": lineage, _MODULE: flights}
VERBS = list(_commands(lineage, "lineage"))


@pytest.mark.parametrize(("name", "command"), VERBS, ids=[name for name, _ in VERBS])
def test_every_verb_and_option_is_explained(name: str, command: click.Command) -> None:
    sections = _sections(CLI)
    shared = sections["For every verb"]
    _check_explained(command, shared if name == "lineage" else sections[name] + shared)


@pytest.mark.parametrize("name", flights.commands)
def test_every_command_of_the_worked_pipeline_is_explained(name: str) -> None:
    shared = "| `--help` `-h` |"  # above the first of them
    _check_explained(flights.commands[name], _sections(FLIGHTS_COMMANDS)[name] + shared)


def _check_explained(command: click.Command, explained: str) -> None:
    words = {
        word.partition("=")[0] for row in _rows(explained) for span in _SPAN.findall(row[0]) for word in span.split()
    }
    context = click.Context(command)
    options = {
        o for p in command.get_params(context) if isinstance(p, click.Option) for o in (*p.opts, *p.secondary_opts)
    }
    assert options <= words
    arguments = {p.human_readable_name for p in command.params if isinstance(p, click.Argument)}
    assert all(f"`{argument}`" in explained for argument in arguments)


def test_the_json_answers_have_the_fields_that_the_page_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    with Catalog(url) as catalog:
        catalog.append(make_record())

    def ask(*words: str) -> Any:
        main(["--catalog", url, *words, "--format", "json"])
        return json.loads(capsys.readouterr().out)

    shown = ask("show", "flight_delay")
    answers = {
        "lineage models": ask("models")[0],
        "lineage log": ask("log", "flight_delay")[0],
        "lineage show": shown.keys() - _schema()["LineageRecord"].keys(),
        "lineage doctor": ask("doctor")[0],
    }
    sections = _sections(CLI)
    for verb, answer in answers.items():
        fields = {word for word in _first_words(sections[verb]) if not word.startswith("-")}  # options are not fields
        assert set(answer) == fields, verb


# The worked pipeline


def test_every_feature_and_every_check_is_explained() -> None:
    from lineage_pipelines.flights.assets import models
    from lineage_pipelines.flights.preparation.features import FEATURES

    sections = _sections(FLIGHTS)
    known = _first_words(sections["What is known before departure"])
    assert {feature.name for feature in FEATURES} <= known
    # The story's fourth chapter adds it; this holds before and after.
    assert known - {feature.name for feature in FEATURES} <= {"departures"}
    checks = {spec.name for model in models for spec in model.check_specs}
    assert checks == _first_words(sections["The models"]) - {"flight_delay", "expected_minutes"}


# The rooms


def test_the_table_of_rooms_names_every_folder_of_the_package() -> None:
    concepts = ROOT / "docs" / "explanation" / "concepts.md"
    table = {row[0].strip("`"): set(_SPAN.findall(row[2])) for row in _rows(_sections(concepts)["Rooms"])[2:]}
    package = ROOT / "lineage_pipelines"
    folders = {
        room.parent.name: {each.parent.name for each in room.parent.glob("*/__init__.py")}
        for room in package.glob("*/__init__.py")
    }
    modules = {each.stem: set[str]() for each in package.glob("*.py") if each.stem != "definitions"}
    assert table == folders | modules


# Every page


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    text = _FENCE.sub("", page.read_text())
    return {_slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_page_names_a_path_of_a_machine(page: Path) -> None:
    assert _MACHINE.findall(page.read_text()) == []


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _said_commands(text: str) -> Iterator[str]:
    """Every command in a block without a language, and every one within a sentence."""
    lines = [line for language, block in _FENCE.findall(text) if not language for line in block.splitlines()]
    for said in (*lines, *_SPAN.findall(_FENCE.sub("", text))):
        command = re.split(r"\s#\s|\s\||\s{2,}", said.removeprefix("$ "))[0]
        if re.match(rf"(lineage|make|{_MODULE}) ", command):
            yield command


def _check_words(command: click.Command, words: list[str]) -> None:
    options = {o: p for p in command.get_params(click.Context(command)) for o in p.opts if isinstance(p, click.Option)}
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            assert word.partition("=")[0] in options, word
            if not options[word].is_flag and words:
                words.pop(0)
        elif isinstance(command, click.Group) and not word.isupper():
            assert word in command.commands, word
            return _check_words(command.commands[word], words)
    return None


# A decision speaks of the commands of its day.
@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name != "adr"], ids=_name)
def test_every_command_that_is_named_exists(page: Path) -> None:
    for said in _said_commands(page.read_text()):
        program = _MODULE if said.startswith(_MODULE) else said.partition(" ")[0]
        words = shlex.split(said.removeprefix(program))
        if program == "make":
            assert {word for word in words if "=" not in word} <= _targets(), said
        else:
            _check_words(COMMANDS[program], words)


def test_make_help_names_targets_that_exist() -> None:
    named = re.findall(
        r"make (\w+)", "".join(re.findall(r"^# (make .*)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    )
    assert {"demo", "test", "ui"} <= set(named) <= _targets()


def _python(page: Path) -> list[str]:
    return [block for language, block in _FENCE.findall(page.read_text()) if language == "python"]


@pytest.mark.parametrize("page", [page for page in PAGES if _python(page)], ids=_name)
def test_python_of_the_pages_compiles(page: Path) -> None:
    for number, block in enumerate(_python(page)):
        compile(block, f"{_name(page)}:{number}", "exec")
