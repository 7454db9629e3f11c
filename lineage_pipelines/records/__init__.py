"""What is said: immutable values, their canonical bytes and their digests.

Standard library and RFC 8785 only; no I/O and no clock. Everything else in this package imports these names from
here. None is imported before it is used: the classes take time to make, and a code location needs few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage_pipelines.records.approvals import (
        APPROVAL_TYPE,
        Approval,
        SignedApproval,
        decode_approval,
        decode_envelope,
        encode_approval,
        encode_envelope,
        policy_digest,
        same_person,
        trainers,
    )
    from lineage_pipelines.records.attributions import (
        FEWEST_SEEDS,
        NOISE_FACTOR,
        Allocation,
        AttributedVersion,
        Attribution,
        InfeasibleMix,
        Interaction,
        Method,
        MetricRuns,
        Player,
        PlayerKind,
        PlayerSplit,
        Reevaluation,
        decode_attribution,
        encode_attribution,
        is_distinguishable,
    )
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
    from lineage_pipelines.records.decisions import (
        Action,
        ComparedVersion,
        Comparison,
        CountedApproval,
        Decision,
        Rule,
        decode_decision,
        encode_decision,
    )
    from lineage_pipelines.records.digest import Digest, DigestSet
    from lineage_pipelines.records.keys import (
        KeyChange,
        KeyEvent,
        KeyPurpose,
        check_owner,
        decode_key_event,
        encode_key_event,
        possession_bytes,
    )
    from lineage_pipelines.records.metrics import by_interest, lower_is_better
    from lineage_pipelines.records.names import (
        PRODUCTION,
        check_alias,
        check_model_name,
        check_new_alias,
        suggest_model_name,
    )
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
    from lineage_pipelines.records.reproductions import (
        Level,
        MetricAgain,
        Reproduction,
        ReproductionStep,
        decode_reproduction,
        encode_reproduction,
        reached_level,
    )
    from lineage_pipelines.records.training import (
        Candidate,
        CheckResult,
        DagsterRun,
        Evaluation,
        MlflowRun,
        ModelFile,
        Probe,
        SliceMetrics,
        TrainingRun,
    )

__all__ = [
    "APPROVAL_TYPE",
    "FEWEST_SEEDS",
    "NOISE_FACTOR",
    "PREDICATE_TYPE",
    "PRODUCTION",
    "STATEMENT_TYPE",
    "Action",
    "Allocation",
    "Approval",
    "AttributedVersion",
    "Attribution",
    "Candidate",
    "CheckResult",
    "CodeVersion",
    "Column",
    "ComparedVersion",
    "Comparison",
    "Completeness",
    "CountedApproval",
    "DagsterRun",
    "DatasetSnapshot",
    "Decision",
    "Digest",
    "DigestSet",
    "Environment",
    "Evaluation",
    "Grade",
    "InfeasibleMix",
    "Interaction",
    "Json",
    "KeyChange",
    "KeyEvent",
    "KeyPurpose",
    "Level",
    "LineageRecord",
    "Method",
    "MetricAgain",
    "MetricRuns",
    "MlflowRun",
    "ModelFile",
    "ModelIdentity",
    "Player",
    "PlayerKind",
    "PlayerSplit",
    "Probe",
    "Reevaluation",
    "Reproduction",
    "ReproductionStep",
    "Rule",
    "SignedApproval",
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
    "check_new_alias",
    "check_owner",
    "decode",
    "decode_approval",
    "decode_attribution",
    "decode_decision",
    "decode_envelope",
    "decode_identity",
    "decode_key_event",
    "decode_reproduction",
    "encode",
    "encode_approval",
    "encode_attribution",
    "encode_decision",
    "encode_envelope",
    "encode_key_event",
    "encode_reproduction",
    "format_time",
    "from_json",
    "is_distinguishable",
    "lower_is_better",
    "parse_bytes",
    "parse_time",
    "policy_digest",
    "possession_bytes",
    "predicate",
    "reached_level",
    "record_digest",
    "same_person",
    "suggest_model_name",
    "to_json",
    "trainers",
]


_NAMES = {
    "approvals": (
        "APPROVAL_TYPE",
        "Approval",
        "SignedApproval",
        "decode_approval",
        "decode_envelope",
        "encode_approval",
        "encode_envelope",
        "policy_digest",
        "same_person",
        "trainers",
    ),
    "attributions": (
        "FEWEST_SEEDS",
        "NOISE_FACTOR",
        "Allocation",
        "AttributedVersion",
        "Attribution",
        "InfeasibleMix",
        "Interaction",
        "Method",
        "MetricRuns",
        "Player",
        "PlayerKind",
        "PlayerSplit",
        "Reevaluation",
        "decode_attribution",
        "encode_attribution",
        "is_distinguishable",
    ),
    "canonical": ("Json", "canonical_bytes", "parse_bytes"),
    "code": ("CodeVersion", "Environment", "SourceClosure", "SourceFile"),
    "codec": ("Value", "format_time", "from_json", "parse_time", "to_json"),
    "data": ("Column", "DatasetSnapshot", "Grade", "StageInput", "StageOutput", "StageRun"),
    "decisions": (
        "Action",
        "ComparedVersion",
        "Comparison",
        "CountedApproval",
        "Decision",
        "Rule",
        "decode_decision",
        "encode_decision",
    ),
    "digest": ("Digest", "DigestSet"),
    "keys": (
        "KeyChange",
        "KeyEvent",
        "KeyPurpose",
        "check_owner",
        "decode_key_event",
        "encode_key_event",
        "possession_bytes",
    ),
    "metrics": ("by_interest", "lower_is_better"),
    "names": ("PRODUCTION", "check_alias", "check_model_name", "check_new_alias", "suggest_model_name"),
    "record": (
        "PREDICATE_TYPE",
        "STATEMENT_TYPE",
        "Completeness",
        "LineageRecord",
        "ModelIdentity",
        "decode",
        "decode_identity",
        "encode",
        "predicate",
        "record_digest",
    ),
    "reproductions": (
        "Level",
        "MetricAgain",
        "Reproduction",
        "ReproductionStep",
        "decode_reproduction",
        "encode_reproduction",
        "reached_level",
    ),
    "training": (
        "Candidate",
        "CheckResult",
        "DagsterRun",
        "Evaluation",
        "MlflowRun",
        "ModelFile",
        "Probe",
        "SliceMetrics",
        "TrainingRun",
    ),
}
"""Which module has which names."""
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401, C901, PLR0912  # any public name; a case for each module
    # Every module's name is written out, so that the source closure of training code can follow it.
    match _MODULES.get(name):
        case "approvals":
            module = import_module("lineage_pipelines.records.approvals")
        case "attributions":
            module = import_module("lineage_pipelines.records.attributions")
        case "canonical":
            module = import_module("lineage_pipelines.records.canonical")
        case "code":
            module = import_module("lineage_pipelines.records.code")
        case "codec":
            module = import_module("lineage_pipelines.records.codec")
        case "data":
            module = import_module("lineage_pipelines.records.data")
        case "decisions":
            module = import_module("lineage_pipelines.records.decisions")
        case "digest":
            module = import_module("lineage_pipelines.records.digest")
        case "keys":
            module = import_module("lineage_pipelines.records.keys")
        case "metrics":
            module = import_module("lineage_pipelines.records.metrics")
        case "names":
            module = import_module("lineage_pipelines.records.names")
        case "record":
            module = import_module("lineage_pipelines.records.record")
        case "reproductions":
            module = import_module("lineage_pipelines.records.reproductions")
        case "training":
            module = import_module("lineage_pipelines.records.training")
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)
