"""Records and catalogs that a newer release wrote, or that nothing can read (55, 56)."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from lineage_pipelines.catalog.backends.migrations import NEWEST
from lineage_pipelines.records.statement.lineage_record import encode
from lineage_pipelines_tests.bad_input.project import TO, Project
from lineage_pipelines_tests.catalog.people import forge
from lineage_pipelines_tests.samples import make_record


def stored(project: Project, **changes: Any) -> bytes:
    """Write a record into the log as another release would, with `changes` to its predicate; return its bytes."""
    statement = json.loads(encode(make_record(run="9", model="delay")))
    kind = changes.pop("kind", None)
    statement["predicateType"] = kind or statement["predicateType"]
    statement["predicate"] |= changes
    body = json.dumps(statement, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    with project.catalog() as catalog:
        forge(catalog, "record", body)
    return body


def test_fields_of_a_newer_schema_are_shown_and_kept(project: Project) -> None:
    body = stored(project, energy={"kilowatt_hours": 3}, model=_model(carbon="low"))
    with project.catalog() as catalog:
        catalog.rebuild()
    shown = json.loads(project.run("show", "delay@1", "--format", "json").stdout)
    assert shown["energy"] == {"kilowatt_hours": 3}
    assert shown["model"]["carbon"] == "low"
    assert project.run("show", "delay@1").returncode == 0
    assert project.run("verify", "--quick").returncode == 0
    with project.catalog() as catalog:
        assert catalog.get("delay", 1).body == body


def _model(**more: str) -> dict[str, Any]:
    model: dict[str, Any] = json.loads(encode(make_record(run="9", model="delay")))["predicate"]["model"]
    return {**model, **more}


def test_a_record_of_a_newer_format_is_named_and_stops_nobody(project: Project) -> None:
    body = stored(project, kind="urn:lineage-pipelines:record:v9")
    with sqlite3.connect(project.file) as raw:  # as the release that wrote it would
        (seq, digest) = raw.execute("SELECT max(seq), digest FROM log").fetchone()
        raw.execute("INSERT INTO model (name, folded) VALUES ('delay', 'delay')")
        columns = [row[1] for row in raw.execute("PRAGMA table_info(version)")]
        values = {"model": "delay", "version": 1, "seq": seq, "digest": digest, "run_key": "f" * 64}
        assert set(columns) <= values.keys(), columns
        raw.execute(
            f"INSERT INTO version ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            [values[name] for name in columns],
        )
    raw.close()
    told = ["urn:lineage-pipelines:record:v9", "upgrade"]
    for words in (("show", "delay@1"), ("log", "delay"), ("promote", "delay@1", *TO)):
        project.refused(3, *words, told=told)
    assert project.run("log", "flight_delay").returncode == 0
    assert project.run("models").returncode == 0
    done = project.run("verify", "--quick", "--format", "json")
    entries = next(claim for claim in json.loads(done.stdout) if claim["claim"] == "signatures")
    assert entries["verdict"] == "PASS", "its bytes can be checked all the same"
    with project.catalog() as catalog:
        assert [entry.body for entry in catalog.log.walk()][-1] == body


def test_a_catalog_of_a_newer_release_can_be_asked_and_not_written(project: Project) -> None:
    with sqlite3.connect(project.file) as raw:
        raw.execute("INSERT INTO migration VALUES (?, '2013-04-02T06:00:00.000000Z')", [NEWEST + 1])
        raw.execute("ALTER TABLE model ADD COLUMN owner TEXT")
    raw.close()
    for words in (("models",), ("log", "flight_delay"), ("show", "flight_delay"), ("verify", "--quick")):
        assert project.run(*words).returncode == 0
    told = [f"a newer release wrote this catalog (schema {NEWEST + 1}; this release knows {NEWEST})", "upgrade"]
    project.refused(3, "promote", "flight_delay@1", *TO, told=told)
    project.refused(3, "migrate", told=told)
    project.refused(3, "key", "new", "--owner", "bob", "--output", "bob.pem", told=told)


def test_a_catalog_whose_guards_are_gone_is_not_trusted(project: Project) -> None:
    with sqlite3.connect(project.file) as raw:
        (name,) = raw.execute("SELECT min(name) FROM sqlite_master WHERE type = 'trigger'").fetchone()
        raw.execute(f"DROP TRIGGER {name}")
    raw.close()
    told = [f"the triggers that keep the log append-only were changed: {name}", "restore it from a copy"]
    project.refused(3, "promote", "flight_delay@1", *TO, told=told)
    project.refused(3, "models", told=told)


def test_a_line_of_a_newer_release_does_not_switch_the_guards_off(project: Project) -> None:
    with sqlite3.connect(project.file) as raw:
        raw.execute("INSERT INTO migration VALUES (?, '2013-04-02T06:00:00.000000Z')", [NEWEST + 1])
        (name,) = raw.execute(
            "SELECT min(name) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'log'"
        ).fetchone()
        raw.execute(f"DROP TRIGGER {name}")
    raw.close()
    project.refused(3, "models", told=[f"the triggers that keep the log append-only were changed: {name}"])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("[tool.lineage]\ncatalgo = 'x'\n", "unknown setting 'catalgo'"),
        ("[tool.lineage]\ncatalog = 3\n", "the setting 'catalog' is not text"),
        ("[tool]\nlineage = 3\n", "the settings are not a table"),
        ("<<<<<<< HEAD\n", "the settings cannot be read"),
        ("[tool.lineage]\n[tool.lineage]\n", "the settings cannot be read"),
        ("\ufeff[tool.lineage]\n", "the settings cannot be read"),
    ],
)
def test_settings_that_mean_nothing_are_told(project: Project, settings: str, told: str) -> None:
    path: Path = project.root / "pyproject.toml"
    path.write_text(settings, encoding="utf-8")
    project.refused(3, "promote", "flight_delay@1", *TO, told=[told, f"  where: {path}"])
