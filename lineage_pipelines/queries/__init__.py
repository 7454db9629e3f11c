"""Questions to the catalog, answered as values. Nothing here prints.

Each is imported when it is first asked, so that no command waits for the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage_pipelines.queries.accepted import accepted_version
    from lineage_pipelines.queries.aliases import Decided, find_holder, list_decisions
    from lineage_pipelines.queries.approvals import Approved, draft_approval, list_approvals, recheck_approvals
    from lineage_pipelines.queries.bisect import Bisected, bisect_metric
    from lineage_pipelines.queries.claims import CheckedClaim, Verdict
    from lineage_pipelines.queries.deciding import (
        draft_promotion,
        draft_rejection,
        draft_retirement,
        draft_rollback,
    )
    from lineage_pipelines.queries.diff.changes import Sentence, VersionDiff
    from lineage_pipelines.queries.diff.compare import compare_versions
    from lineage_pipelines.queries.doctor import Finding, examine
    from lineage_pipelines.queries.graph.drawing import fold_code, impact_graph
    from lineage_pipelines.queries.graph.impact import Impact, impact
    from lineage_pipelines.queries.graph.subjects import Places, find_subject
    from lineage_pipelines.queries.graph.trace import trace
    from lineage_pipelines.queries.graph.values import LineageGraph
    from lineage_pipelines.queries.history import LoggedVersion, log_versions
    from lineage_pipelines.queries.kept import ANCHOR, Anchor, Memory, committed_anchor, earlier_anchors
    from lineage_pipelines.queries.keyring import KnownKey, find_key, list_keys, recheck_keys
    from lineage_pipelines.queries.loading import load_model
    from lineage_pipelines.queries.policy import Policy, judge, parse_policy
    from lineage_pipelines.queries.reasons import check_no_secret, check_reason
    from lineage_pipelines.queries.refs import Ref, known_model, parse_ref, resolve
    from lineage_pipelines.queries.timeline import Timeline, what_changed
    from lineage_pipelines.queries.verify import find_places, verify_catalog

__all__ = [
    "ANCHOR",
    "Anchor",
    "Approved",
    "Bisected",
    "CheckedClaim",
    "Decided",
    "Finding",
    "Impact",
    "KnownKey",
    "LineageGraph",
    "LoggedVersion",
    "Memory",
    "Places",
    "Policy",
    "Ref",
    "Sentence",
    "Timeline",
    "Verdict",
    "VersionDiff",
    "accepted_version",
    "bisect_metric",
    "check_no_secret",
    "check_reason",
    "committed_anchor",
    "compare_versions",
    "draft_approval",
    "draft_promotion",
    "draft_rejection",
    "draft_retirement",
    "draft_rollback",
    "earlier_anchors",
    "examine",
    "find_holder",
    "find_key",
    "find_places",
    "find_subject",
    "fold_code",
    "impact",
    "impact_graph",
    "judge",
    "known_model",
    "list_approvals",
    "list_decisions",
    "list_keys",
    "load_model",
    "log_versions",
    "parse_policy",
    "parse_ref",
    "recheck_approvals",
    "recheck_keys",
    "resolve",
    "trace",
    "verify_catalog",
    "what_changed",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401, C901, PLR0912  # any public name; a case for each module
    match name:
        case "accepted_version":
            module = import_module("lineage_pipelines.queries.accepted")
        case "Decided" | "find_holder" | "list_decisions":
            module = import_module("lineage_pipelines.queries.aliases")
        case "Approved" | "draft_approval" | "list_approvals" | "recheck_approvals":
            module = import_module("lineage_pipelines.queries.approvals")
        case "draft_promotion" | "draft_rejection" | "draft_retirement" | "draft_rollback":
            module = import_module("lineage_pipelines.queries.deciding")
        case "Policy" | "judge" | "parse_policy":
            module = import_module("lineage_pipelines.queries.policy")
        case "Sentence" | "VersionDiff":
            module = import_module("lineage_pipelines.queries.diff.changes")
        case "compare_versions":
            module = import_module("lineage_pipelines.queries.diff.compare")
        case "Finding" | "examine":
            module = import_module("lineage_pipelines.queries.doctor")
        case "LoggedVersion" | "log_versions":
            module = import_module("lineage_pipelines.queries.history")
        case "KnownKey" | "find_key" | "list_keys" | "recheck_keys":
            module = import_module("lineage_pipelines.queries.keyring")
        case "load_model":
            module = import_module("lineage_pipelines.queries.loading")
        case "check_no_secret" | "check_reason":
            module = import_module("lineage_pipelines.queries.reasons")
        case "Ref" | "known_model" | "parse_ref" | "resolve":
            module = import_module("lineage_pipelines.queries.refs")
        case "ANCHOR" | "Anchor" | "Memory" | "committed_anchor" | "earlier_anchors":
            module = import_module("lineage_pipelines.queries.kept")
        case "CheckedClaim" | "Verdict":
            module = import_module("lineage_pipelines.queries.claims")
        case "find_places" | "verify_catalog":
            module = import_module("lineage_pipelines.queries.verify")
        case "Bisected" | "bisect_metric":
            module = import_module("lineage_pipelines.queries.bisect")
        case "fold_code" | "impact_graph":
            module = import_module("lineage_pipelines.queries.graph.drawing")
        case "Impact" | "impact":
            module = import_module("lineage_pipelines.queries.graph.impact")
        case "Places" | "find_subject":
            module = import_module("lineage_pipelines.queries.graph.subjects")
        case "trace":
            module = import_module("lineage_pipelines.queries.graph.trace")
        case "LineageGraph":
            module = import_module("lineage_pipelines.queries.graph.values")
        case "Timeline" | "what_changed":
            module = import_module("lineage_pipelines.queries.timeline")
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)
