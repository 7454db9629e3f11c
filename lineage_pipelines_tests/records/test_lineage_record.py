"""Law 3: same content, same name; `decode(encode(r)) == r`; unknown fields of a newer schema survive."""

import dataclasses
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.catalog.commit import differences
from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.lineage_record import (
    PREDICATE_TYPES,
    SCHEMA_VERSION,
    LineageRecord,
    decode,
    encode,
    predicate,
    record_digest,
)
from lineage_pipelines.records.statement.training_run import CheckKind, CheckResult, CheckSeverity
from lineage_pipelines.records.values.canonical import canonical_bytes, parse_bytes
from lineage_pipelines_tests.samples import at_schema_1, make_record
from lineage_pipelines_tests.strategies import json_values, raw_json, records


@given(records)
def test_decoding_undoes_encoding_and_encoding_again_gives_the_same_bytes(record: LineageRecord) -> None:
    data = encode(record)
    assert decode(data) == record
    assert encode(decode(data)) == data


@pytest.mark.parametrize("schema", sorted(PREDICATE_TYPES))
def test_a_record_encodes_in_its_own_schema(schema: int) -> None:
    record = make_record() if schema == SCHEMA_VERSION else at_schema_1(make_record())
    data = encode(record)
    assert json.loads(data)["predicateType"] == f"urn:lineage-pipelines:record:v{schema}"
    assert decode(data) == record


def _checked(schema: int, **check: Any) -> LineageRecord:
    evaluation = make_record().evaluation
    assert evaluation is not None
    checks = (CheckResult(name="a", passed=True, severity=CheckSeverity.ERROR, detail="", **check),)
    evaluation = dataclasses.replace(evaluation, checks=checks, directions=())
    return dataclasses.replace(make_record(), evaluation=evaluation, schema_version=schema)


def test_a_severity_that_is_not_defined_is_refused() -> None:
    data = encode(_checked(SCHEMA_VERSION)).replace(b'"severity":"error"', b'"severity":"fatal"')
    with pytest.raises(RecordError, match=r"'fatal' must be one of error, warn"):
        decode(data)


def test_a_fact_that_schema_1_has_no_field_for_is_refused() -> None:
    with pytest.raises(RecordError, match=r"schema 1 has no field kind\n.*record\.evaluation\.checks\[0\]"):
        encode(_checked(1, kind=CheckKind.UNIQUE))


@pytest.mark.parametrize("kind", ["unique", "a word of another program", 7])
def test_a_field_of_schema_2_is_an_unknown_field_in_schema_1(kind: Any) -> None:
    statement = json.loads(encode(_checked(1)))
    statement["predicate"]["evaluation"]["checks"][0]["kind"] = kind
    data = canonical_bytes(statement)
    record = decode(data)
    assert record.evaluation is not None
    (check,) = record.evaluation.checks
    assert (check.kind, check.extra) == (None, {"kind": kind})
    assert encode(record) == data


def test_attempts_on_either_side_of_an_upgrade_do_not_contradict_each_other() -> None:
    assert differences(_checked(1), _checked(2, kind=CheckKind.UNIQUE)) == ()
    assert differences(_checked(2), _checked(2, kind=CheckKind.UNIQUE)) == ("evaluation.checks[0].kind",)


@given(records, st.integers())
def test_the_digest_does_not_depend_on_the_order_of_keys(record: LineageRecord, seed: int) -> None:
    data = encode(record)
    statement = _shuffle(parse_bytes(data), random.Random(seed))
    shuffled = json.dumps(statement, ensure_ascii=bool(seed % 2)).encode()
    assert record_digest(encode(decode(shuffled))) == record_digest(data)


def _shuffle(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        return {key: _shuffle(item, chance) for key, item in items}
    if isinstance(value, list):
        return [_shuffle(item, chance) for item in value]
    return value


@given(records, raw_json, st.sampled_from(["model", "code", "run", "artifact", "environment", "completeness"]))
def test_unknown_fields_survive(record: LineageRecord, value: Any, part: str) -> None:
    newer: Any = parse_bytes(encode(record))
    newer["predicate"]["x_new"] = value
    newer["predicate"][part]["x_new"] = value
    data = canonical_bytes(newer)
    assert encode(decode(data)) == data


@given(st.dictionaries(st.sampled_from("abc"), json_values))
def test_parameters_come_back_with_their_types(parameters: dict[str, Any]) -> None:
    record = dataclasses.replace(make_record(), parameters=parameters)
    again = decode(encode(record)).parameters
    assert _typed(again) == _typed(parameters)


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return type(value), repr(value)


@given(st.data())
def test_a_damaged_record_is_refused_or_says_something_else(data: st.DataObject) -> None:
    original = encode(make_record())
    at = data.draw(st.integers(0, len(original)))
    gone = data.draw(st.integers(0, 3))
    damaged = original[:at] + data.draw(st.binary(max_size=3)) + original[at + gone :]
    try:
        record = decode(damaged)
    except RecordError:
        assert damaged != original
        return
    assert decode(encode(record)) == record
    if encode(record) == original:
        assert json.loads(damaged) == json.loads(original)


def _edit(**changes: Any) -> bytes:
    statement = json.loads(encode(make_record()))
    for dotted, value in changes.items():
        *parents, last = dotted.split("__")
        place = statement
        for name in parents:
            place = place[int(name)] if name.isdigit() else place[name]
        place[last] = value
    return json.dumps(statement).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]", "not an in-toto Statement"),
        (b'{"_type":"https://in-toto.io/Statement/v0.1"}', "not an in-toto Statement"),
        (_edit(predicateType="urn:lineage-pipelines:record:v9"), "upgrade"),
        (_edit(predicate=None), "expected dict"),
        (_edit(subject=[]), "subject"),
        (_edit(predicate__model__name="../x"), "not a model name"),
        (_edit(predicate__run__started="2013-04-02 06:00"), "not a time"),
        (_edit(predicate__artifact__size="big"), "record.artifact.size"),
        (_edit(predicate__artifact__size=True), "record.artifact.size"),
        (_edit(predicate__code__dirty=1), "record.code.dirty"),
        (_edit(predicate__code__patch="sha256:zz"), "not a sha256 digest"),
        (_edit(predicate__data__0__digest={"sha1": "aa"}), "unknown digest algorithm"),
        (_edit(predicate__data__0__grade="guessed"), "must be one of captured"),
        (_edit(predicate__parameters={"a": {"$float": "one"}}), "$float"),
        (_edit(predicate__parameters={"a": {"$int": "007"}}), "canonical form"),
        (encode(make_record()).replace(b'"seed":7', b'"seed":7,"seed":8'), "a key is given twice"),
        (encode(make_record()).replace(b'"seed":7', b'"seed":NaN'), "NaN is not JSON"),
        (encode(make_record()).replace(b'"seed":7', b'"seed":1e999'), "beyond every number"),
        (encode(make_record())[:-1], "not valid JSON"),
        (b"\xff" + encode(make_record()), "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[" * 90 + b"]" * 90, "nested deeper"),
    ],
)
def test_bad_bytes_are_refused_in_words(data: bytes, message: str) -> None:
    with pytest.raises(RecordError) as caught:
        decode(data)
    assert message in str(caught.value)


def test_a_missing_field_is_named() -> None:
    statement = json.loads(encode(make_record()))
    del statement["predicate"]["run"]["host"]
    with pytest.raises(RecordError, match="host"):
        decode(json.dumps(statement).encode())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), "\0", "\ud800", {1: 2}, {"$int": 1}])
def test_a_value_without_an_exact_form_is_refused(value: Any) -> None:
    with pytest.raises(RecordError, match=r"record\.parameters"):
        encode(dataclasses.replace(make_record(), parameters={"bad": value}))


def test_a_value_of_the_greatest_depth_can_be_read_again() -> None:
    value: Any = 1
    for _ in range(60):
        value = [value]
    record = make_record()
    deep = dataclasses.replace(record.candidates[0], parameters={"deep": value})
    record = dataclasses.replace(record, candidates=(deep,))
    assert decode(encode(record)) == record


def test_a_value_that_is_too_deep_is_refused() -> None:
    value: Any = 1
    for _ in range(70):
        value = [value]
    with pytest.raises(RecordError, match="nested deeper"):
        encode(dataclasses.replace(make_record(), parameters={"deep": value}))


def test_the_predicate_is_what_the_statement_holds() -> None:
    record = make_record()
    assert json.loads(encode(record))["predicate"] == predicate(record)


def test_the_subject_is_the_model_file() -> None:
    record = make_record()
    (subject,) = json.loads(encode(record))["subject"]
    assert subject == {"name": "flight_delay", "digest": {"sha256": record.artifact.digest.hex}}
