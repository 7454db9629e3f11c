"""Names, versions and text: what is refused with something better, and what is kept as it was written (33, 49-52)."""

import dataclasses
import json
import re

import pytest

from lineage_pipelines.errors import RecordError
from lineage_pipelines.queries.registry.decision_drafts import draft_rejection
from lineage_pipelines_tests.bad_input.project import TO, Project
from lineage_pipelines_tests.samples import make_record

NAMES = {
    "../x": "x",
    "a/b": "a_b",
    "": "my_model",
    "a" * 300: "a" * 128,
    "\N{SNOWMAN}": "my_model",
    "-lead": "lead",
    "trailing.": "trailing",
    "two words": "two_words",
    "Grün": "grun",
    "a\0b": "a_b",
    "\ud800": "my_model",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_no_name_is_not_stored_and_a_name_is_proposed(project: Project, name: str) -> None:
    before, record = project.state(), make_record(run="9")
    with project.catalog() as catalog, pytest.raises(RecordError, match="not a model name") as caught:
        catalog.append(dataclasses.replace(record, model=dataclasses.replace(record.model, name=name)))
    assert project.state() == before
    proposed = caught.value.fix.rpartition("for example ")[2].strip("'")
    assert proposed[:5] == NAMES[name][:5]
    with project.catalog() as catalog:
        assert catalog.append(make_record(run="9", model=proposed)).ref == f"{proposed}@1"


@pytest.mark.parametrize("name", ["con", "nul", "aux.1", "0"])
def test_a_name_that_only_another_system_reserves_is_a_name(project: Project, name: str) -> None:
    with project.catalog() as catalog:
        catalog.append(make_record(run="9", model=name))
    done = project.run("show", f"{name}@1", "--format", "json")
    assert json.loads(done.stdout)["model"]["name"] == name


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("Flight_Delay", "there is: flight_delay"),
        ("flight-delay", "there is: flight_delay"),
        ("flight_delay@1", "there is: flight_delay"),
        ("flight_delay ", "there is: flight_delay"),
        ("\u0444light_delay", "there is: flight_delay"),
        (b"\xff", "no model '\\udcff'"),
        ("../../etc/passwd", "no model"),
        ("\x1b[31mred", "no model '\\x1b[31mred'"),
        ("a\u202eb", "no model 'a\\u202eb'"),
        ("' OR 1=1 --", "there is: flight_delay"),
    ],
)
def test_a_model_that_is_not_there_is_told_with_those_that_are(project: Project, model: str | bytes, told: str) -> None:
    project.refused(2, "log", model, told=[told, "catalog.db"])
    project.refused(2, "history", model, told=[told])


@pytest.mark.parametrize("verb", ["rollback", "retire"])
def test_a_version_is_no_model_to_decide_about(project: Project, verb: str) -> None:
    """Whoever writes `rollback flight_delay@1` means that version, which is not what would be done."""
    project.run("promote", "flight_delay@2", *TO)
    project.refused(2, verb, "flight_delay@1", "--reason", "x", told=["no model 'flight_delay@1'", "flight_delay"])


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("99", "it has versions 1 to 3"),
        ("999999999999999999", "it has versions 1 to 3"),
        *((text, "write flight_delay@1, a whole number from 1") for text in ("0", "-1", "+1", "01", "3.0", "1e0")),
        *(
            (text, "write flight_delay@1, a whole number from 1")
            for text in ("\u0663", "\u00b2", "", " 1", "1 ", "1\n")
        ),
        *((text, "write flight_delay@1, a whole number from 1") for text in ("1@2", "9" * 19, "0x1", "1_0", b"\xff")),
        *((text, f"no version of flight_delay is called '{text}'") for text in ("latest", "v3", "production")),
    ],
)
def test_a_version_that_is_none_is_told_with_those_that_are(project: Project, version: str | bytes, told: str) -> None:
    ref = b"flight_delay@" + version if isinstance(version, bytes) else f"flight_delay@{version}"
    project.refused(2, "promote", ref, *TO, told=[told])


@pytest.mark.parametrize("ref", ["", "@1", "@", "--", "model with spaces@1", "FLIGHT_DELAY@1", "a" * 5000, "{}", "*"])
def test_what_is_no_ref_is_told_with_how_to_write_one(project: Project, ref: str) -> None:
    done = project.refused(2, "promote", *TO, "--", ref, told=["not a version of a model: ", "write model@7"])
    assert len(done.stderr) < 500


def test_what_looks_like_an_option_is_none_of_ours(project: Project) -> None:
    project.refused(2, "promote", "--force@1", *TO, told=["no such option"])
    project.refused(2, "promote", *TO, "--", "-x@1", told=["not a version of a model: '-x@1'"])


@pytest.mark.parametrize(
    ("alias", "told"),
    [
        ("latest", "would be taken for a version: 'latest'"),
        ("v3", "would be taken for a version: 'v3'"),
        *(
            (alias, "not an alias: ")
            for alias in ("Prod", "a/../b", "7", "a" * 40, "pro duction", "\u0440rod", b"\xff")
        ),
        ("", "--to is empty"),
    ],
)
def test_an_alias_that_could_be_misread_is_refused(people: Project, alias: str | bytes, told: str) -> None:
    people.refused(2, "promote", "flight_delay@1", "--to", alias, "--reason", "x", told=[told])
    if alias in ("latest", "Prod"):
        approve = ("approve", "flight_delay@1", "--key", "ann.pem", "--to", alias)
        people.refused(2, *approve, "--reason", "x", told=[told])


TEXTS = [
    "'); DROP TABLE log; --",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) ![x](https://example.invalid/x.png) | a | b |",
    '=HYPERLINK("https://example.invalid")',
    "\u202egnp.exe \x1b[31mred\x1b[0m \x07\u200b",
    "two\nlines\tand a tab",
    "Größe 北京 \U0001f600 e\u0301",
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_kept_as_it_was_written_and_does_nothing(project: Project, text: str) -> None:
    done = project.run("promote", "flight_delay@1", "--to", "production", "--reason", text)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(project.run("history", "flight_delay", "--format", "json").stdout)
    assert row["reason"] == text
    for form in ("text", "markdown"):
        for words in (("history", "flight_delay"), ("show", "flight_delay@1")):
            shown = project.run(*words, "--format", form).stdout
            assert not set(shown) & set("\x1b\x07\u202e\u200b")
            assert form == "text" or re.search(r"(?<!\\)(<script|<img|\]\(javascript)", shown) is None
    assert project.run("verify", "--quick").returncode == 0


@pytest.mark.parametrize("reason", [b"\xff\xfe", b"half \xed\xa0\x80 a pair"])
def test_a_reason_that_is_no_text_is_refused(people: Project, reason: bytes) -> None:
    told = ["the text holds NUL or half a surrogate pair", "  where: "]
    for words in (
        ("promote", "flight_delay@1", "--override", "--to", "production"),
        ("reject", "flight_delay@1"),
        ("approve", "flight_delay@1", "--to", "production", "--key", "ann.pem"),
        ("key", "revoke", _key(people)),
    ):
        people.refused(2, *words, "--reason", reason, told=told)


def _key(project: Project) -> str:
    key: str = json.loads(project.run("key", "list", "--format", "json").stdout)[1]["key"]
    return key


def test_nul_is_refused_by_the_catalog_whatever_the_caller(project: Project) -> None:
    """No argument of a process can hold it; a program's can."""
    before = project.state()
    with project.catalog() as catalog:
        entry = catalog.get("flight_delay", 1)
        for reason in ("a\0b", "\ud800"):
            with pytest.raises(RecordError, match="NUL or half a surrogate pair"):
                draft_rejection(catalog, entry, "production", by="carol", reason=reason)
            decision = draft_rejection(catalog, entry, "production", by="carol", reason="x")
            with pytest.raises(RecordError, match="NUL or half a surrogate pair"):
                catalog.registry.decide(dataclasses.replace(decision, reason=reason))
    assert project.state() == before
