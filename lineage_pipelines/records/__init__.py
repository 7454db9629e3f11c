"""What is said: immutable values, their canonical bytes and their digests.

Standard library and RFC 8785 only; no I/O and no clock. Everything else in this package imports these names from
here. None is imported before it is used: the classes take time to make, and a code location needs few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage_pipelines.records.canonical import Json, canonical_bytes, parse_bytes
    from lineage_pipelines.records.code import CodeVersion, Environment, SourceClosure, SourceFile
    from lineage_pipelines.records.codec import Value, format_time, from_json, parse_time, to_json
    from lineage_pipelines.records.data import (
        Column,
        DatasetSnapshot,
        Grade,
        StageInput,
        StageOutput,
        StageRun,
    )
    from lineage_pipelines.records.decisions import Action, Decision, Rule, decode_decision, encode_decision
    from lineage_pipelines.records.digest import Digest, DigestSet
    from lineage_pipelines.records.keys import (
        KeyChange,
        KeyEvent,
        KeyPurpose,
        decode_key_event,
        encode_key_event,
    )
    from lineage_pipelines.records.metrics import by_interest, lower_is_better
    from lineage_pipelines.records.names import PRODUCTION, check_alias, check_model_name
    from lineage_pipelines.records.record import (
        PREDICATE_TYPE,
        STATEMENT_TYPE,
        Completeness,
        LineageRecord,
        ModelIdentity,
        decode,
        decode_identity,
        encode,
        predicate,
        record_digest,
    )
    from lineage_pipelines.records.training import (
        Candidate,
        CheckResult,
        DagsterRun,
        Evaluation,
        MlflowRun,
        ModelFile,
        SliceMetrics,
        TrainingRun,
    )

__all__ = [
    "PREDICATE_TYPE",
    "PRODUCTION",
    "STATEMENT_TYPE",
    "Action",
    "Candidate",
    "CheckResult",
    "CodeVersion",
    "Column",
    "Completeness",
    "DagsterRun",
    "DatasetSnapshot",
    "Decision",
    "Digest",
    "DigestSet",
    "Environment",
    "Evaluation",
    "Grade",
    "Json",
    "KeyChange",
    "KeyEvent",
    "KeyPurpose",
    "LineageRecord",
    "MlflowRun",
    "ModelFile",
    "ModelIdentity",
    "Rule",
    "SliceMetrics",
    "SourceClosure",
    "SourceFile",
    "StageInput",
    "StageOutput",
    "StageRun",
    "TrainingRun",
    "Value",
    "by_interest",
    "canonical_bytes",
    "check_alias",
    "check_model_name",
    "decode",
    "decode_decision",
    "decode_identity",
    "decode_key_event",
    "encode",
    "encode_decision",
    "encode_key_event",
    "format_time",
    "from_json",
    "lower_is_better",
    "parse_bytes",
    "parse_time",
    "predicate",
    "record_digest",
    "to_json",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401, C901  # any public name; a case for each module
    match name:
        case "Json" | "canonical_bytes" | "parse_bytes":
            module = import_module("lineage_pipelines.records.canonical")
        case "CodeVersion" | "Environment" | "SourceClosure" | "SourceFile":
            module = import_module("lineage_pipelines.records.code")
        case "Value" | "format_time" | "from_json" | "parse_time" | "to_json":
            module = import_module("lineage_pipelines.records.codec")
        case "Column" | "DatasetSnapshot" | "Grade" | "StageInput" | "StageOutput" | "StageRun":
            module = import_module("lineage_pipelines.records.data")
        case "Action" | "Decision" | "Rule" | "decode_decision" | "encode_decision":
            module = import_module("lineage_pipelines.records.decisions")
        case "Digest" | "DigestSet":
            module = import_module("lineage_pipelines.records.digest")
        case "KeyChange" | "KeyEvent" | "KeyPurpose" | "decode_key_event" | "encode_key_event":
            module = import_module("lineage_pipelines.records.keys")
        case "by_interest" | "lower_is_better":
            module = import_module("lineage_pipelines.records.metrics")
        case "PRODUCTION" | "check_alias" | "check_model_name":
            module = import_module("lineage_pipelines.records.names")
        case (
            "PREDICATE_TYPE"
            | "STATEMENT_TYPE"
            | "Completeness"
            | "LineageRecord"
            | "ModelIdentity"
            | "decode"
            | "decode_identity"
            | "encode"
            | "predicate"
            | "record_digest"
        ):
            module = import_module("lineage_pipelines.records.record")
        case (
            "Candidate"
            | "CheckResult"
            | "DagsterRun"
            | "Evaluation"
            | "MlflowRun"
            | "ModelFile"
            | "SliceMetrics"
            | "TrainingRun"
        ):
            module = import_module("lineage_pipelines.records.training")
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)
