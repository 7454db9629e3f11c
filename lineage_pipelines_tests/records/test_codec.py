"""Errors of the codec say where, by the names and places of the fields."""

import dataclasses
import json
from typing import Any

import pytest

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord, decode, encode
from lineage_pipelines.records.statement.training_run import Candidate
from lineage_pipelines.records.values.codec import from_json, to_json
from lineage_pipelines_tests.samples import make_record

NOT_A_TIME = "2013-04-02 06:00"


def _changed(value: Any, path: str, new: Any) -> Any:
    """Return a record with something else at a place, `data.0.name`."""
    name, _, rest = path.partition(".")
    if isinstance(value, tuple):
        place = int(name)
        return (*value[:place], _changed(value[place], rest, new) if rest else new, *value[place + 1 :])
    if isinstance(value, dict):
        return {**value, name: _changed(value[name], rest, new) if rest else new}
    return dataclasses.replace(value, **{name: _changed(getattr(value, name), rest, new) if rest else new})


@pytest.mark.parametrize(
    ("path", "new", "where"),
    [
        ("model.description", "\0", "record.model.description"),
        ("data.1.path", "\ud800", "record.data[1].path"),
        ("stages.0.params", {"params.yaml": {"a": [1, float("inf")]}}, "record.stages[0].params.params.yaml.a[1]"),
        ("evaluation.metrics", {"auc": float("nan")}, "record.evaluation.metrics.auc"),
        ("evaluation.metrics", {"a\0": 0.5}, "record.evaluation.metrics"),
        ("environment.threads", {"cpus": object()}, "record.environment.threads.cpus"),
        ("model.owners", ("ann", b"ben"), "record.model.owners[1]"),
    ],
)
def test_what_cannot_be_written_is_named_by_its_place(path: str, new: Any, where: str) -> None:
    with pytest.raises(RecordError) as caught:
        encode(_changed(make_record(), path, new))
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("path", "new", "what", "where"),
    [
        ("data.1.size", "big", "expected int, found str", "record.data[1].size"),
        ("data.0.digest", {"sha1": "aa"}, "unknown digest algorithm ['sha1']", "record.data[0].digest"),
        ("data", {}, "expected list, found dict", "record.data"),
        ("model.owners", ["ann", 7], "expected str, found int", "record.model.owners[1]"),
        ("evaluation.metrics", {"auc": "high"}, "expected a number, found str", "record.evaluation.metrics.auc"),
        ("evaluation.metrics", {"auc": True}, "expected a number, found bool", "record.evaluation.metrics.auc"),
        ("run.started", NOT_A_TIME, f"not a time: '{NOT_A_TIME}'", ""),
        ("run.started", None, "expected str, found nothing", "record.run.started"),
        ("model.description", None, "expected str, found nothing", "record.model.description"),
        ("parameters", [], "expected dict, found list", "record.parameters"),
        ("code.dirty", 0, "expected bool, found int", "record.code.dirty"),
        ("artifact", {}, "fields are missing, among", "record.artifact"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_place(path: str, new: Any, what: str, where: str) -> None:
    statement = json.loads(encode(make_record()))
    *parents, last = path.split(".")
    place = statement["predicate"]
    for name in parents:
        place = place[int(name)] if name.isdigit() else place[name]
    place[last] = new
    with pytest.raises(RecordError) as caught:
        decode(json.dumps(statement).encode())
    assert caught.value.what.startswith(what)
    assert caught.value.where == where


def test_fields_that_are_none_are_left_out_and_fields_of_a_newer_schema_come_first() -> None:
    given = Candidate(name="tree", extra={"x_new": 1, "name": "hidden"})
    plain = to_json(given)
    assert isinstance(plain, dict)
    assert plain == {"x_new": 1, "name": "tree", "parameters": {}, "metrics": {}, "selected": False, "reason": ""}
    assert from_json(Candidate, plain) == dataclasses.replace(given, extra={"x_new": 1})


def test_a_value_of_another_type_is_written_by_what_it_is() -> None:
    """Types are for the reader to insist on: `Catalog.append` reads what it is about to commit."""
    given = dataclasses.replace(make_record().data[0], rows="many")  # type: ignore[arg-type]
    assert to_json(given)["rows"] == "many"  # type: ignore[call-overload, index]
    with pytest.raises(RecordError, match="expected int, found str"):
        from_json(DatasetSnapshot, to_json(given))


def test_a_subclass_is_written_as_what_it_is() -> None:
    class Marked(str):
        __slots__ = ()

    class Named(LineageRecord):
        __slots__ = ()

    record = make_record()
    assert encode(_changed(record, "model.description", Marked("ours"))) == encode(
        _changed(record, "model.description", "ours")
    )
    again = Named(**{field.name: getattr(record, field.name) for field in dataclasses.fields(record)})
    assert encode(again) == encode(record)
