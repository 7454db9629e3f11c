"""Questions to the catalog, answered as values. Nothing here prints.

Each is imported when it is first asked, so that no command waits for the others.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage_pipelines.queries.accepted import accepted_version
    from lineage_pipelines.queries.aliases import Decided, find_holder, list_decisions
    from lineage_pipelines.queries.analyses import (
        Attributed,
        Reproduced,
        list_attributions,
        list_reproductions,
        once_in_production,
    )
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
    from lineage_pipelines.queries.pinned import DataToKeep, Needed, find_data_to_keep
    from lineage_pipelines.queries.policy import Policy, judge, parse_policy
    from lineage_pipelines.queries.reasons import check_no_secret, check_reason
    from lineage_pipelines.queries.refs import Ref, known_model, parse_ref, resolve
    from lineage_pipelines.queries.timeline import Timeline, what_changed
    from lineage_pipelines.queries.verify import find_places, verify_catalog

__all__ = [
    "ANCHOR",
    "Anchor",
    "Approved",
    "Attributed",
    "Bisected",
    "CheckedClaim",
    "DataToKeep",
    "Decided",
    "Finding",
    "Impact",
    "KnownKey",
    "LineageGraph",
    "LoggedVersion",
    "Memory",
    "Needed",
    "Places",
    "Policy",
    "Ref",
    "Reproduced",
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
    "find_data_to_keep",
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
    "list_attributions",
    "list_decisions",
    "list_keys",
    "list_reproductions",
    "load_model",
    "log_versions",
    "once_in_production",
    "parse_policy",
    "parse_ref",
    "recheck_approvals",
    "recheck_keys",
    "resolve",
    "trace",
    "verify_catalog",
    "what_changed",
]

_HOMES: Mapping[tuple[str, ...], Callable[[], ModuleType]] = {
    ("accepted_version",): lambda: import_module("lineage_pipelines.queries.accepted"),
    ("Decided", "find_holder", "list_decisions"): lambda: import_module("lineage_pipelines.queries.aliases"),
    ("Attributed", "Reproduced", "list_attributions", "list_reproductions", "once_in_production"): lambda: (
        import_module("lineage_pipelines.queries.analyses")
    ),
    ("Approved", "draft_approval", "list_approvals", "recheck_approvals"): lambda: import_module(
        "lineage_pipelines.queries.approvals"
    ),
    ("draft_promotion", "draft_rejection", "draft_retirement", "draft_rollback"): lambda: import_module(
        "lineage_pipelines.queries.deciding"
    ),
    ("DataToKeep", "Needed", "find_data_to_keep"): lambda: import_module("lineage_pipelines.queries.pinned"),
    ("Policy", "judge", "parse_policy"): lambda: import_module("lineage_pipelines.queries.policy"),
    ("Sentence", "VersionDiff"): lambda: import_module("lineage_pipelines.queries.diff.changes"),
    ("compare_versions",): lambda: import_module("lineage_pipelines.queries.diff.compare"),
    ("Finding", "examine"): lambda: import_module("lineage_pipelines.queries.doctor"),
    ("LoggedVersion", "log_versions"): lambda: import_module("lineage_pipelines.queries.history"),
    ("KnownKey", "find_key", "list_keys", "recheck_keys"): lambda: import_module("lineage_pipelines.queries.keyring"),
    ("load_model",): lambda: import_module("lineage_pipelines.queries.loading"),
    ("check_no_secret", "check_reason"): lambda: import_module("lineage_pipelines.queries.reasons"),
    ("Ref", "known_model", "parse_ref", "resolve"): lambda: import_module("lineage_pipelines.queries.refs"),
    ("ANCHOR", "Anchor", "Memory", "committed_anchor", "earlier_anchors"): lambda: import_module(
        "lineage_pipelines.queries.kept"
    ),
    ("CheckedClaim", "Verdict"): lambda: import_module("lineage_pipelines.queries.claims"),
    ("find_places", "verify_catalog"): lambda: import_module("lineage_pipelines.queries.verify"),
    ("Bisected", "bisect_metric"): lambda: import_module("lineage_pipelines.queries.bisect"),
    ("fold_code", "impact_graph"): lambda: import_module("lineage_pipelines.queries.graph.drawing"),
    ("Impact", "impact"): lambda: import_module("lineage_pipelines.queries.graph.impact"),
    ("Places", "find_subject"): lambda: import_module("lineage_pipelines.queries.graph.subjects"),
    ("trace",): lambda: import_module("lineage_pipelines.queries.graph.trace"),
    ("LineageGraph",): lambda: import_module("lineage_pipelines.queries.graph.values"),
    ("Timeline", "what_changed"): lambda: import_module("lineage_pipelines.queries.timeline"),
}
"""Which module has which names; each is written out, so that the source closure of training code can follow it."""


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any public name
    for names, load in _HOMES.items():
        if name in names:
            return getattr(load(), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
