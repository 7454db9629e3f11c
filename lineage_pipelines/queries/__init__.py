"""Questions to the catalog, answered as values. Nothing here prints.

Each is imported when it is first asked, so that no command waits for the others.
"""

from importlib import import_module
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

_HOMES = {
    "accepted": ("accepted_version",),
    "aliases": ("Decided", "find_holder", "list_decisions"),
    "analyses": ("Attributed", "Reproduced", "list_attributions", "list_reproductions", "once_in_production"),
    "approvals": ("Approved", "draft_approval", "list_approvals", "recheck_approvals"),
    "deciding": ("draft_promotion", "draft_rejection", "draft_retirement", "draft_rollback"),
    "pinned": ("DataToKeep", "Needed", "find_data_to_keep"),
    "policy": ("Policy", "judge", "parse_policy"),
    "diff.changes": ("Sentence", "VersionDiff"),
    "diff.compare": ("compare_versions",),
    "doctor": ("Finding", "examine"),
    "history": ("LoggedVersion", "log_versions"),
    "keyring": ("KnownKey", "find_key", "list_keys", "recheck_keys"),
    "loading": ("load_model",),
    "reasons": ("check_no_secret", "check_reason"),
    "refs": ("Ref", "known_model", "parse_ref", "resolve"),
    "kept": ("ANCHOR", "Anchor", "Memory", "committed_anchor", "earlier_anchors"),
    "claims": ("CheckedClaim", "Verdict"),
    "verify": ("find_places", "verify_catalog"),
    "bisect": ("Bisected", "bisect_metric"),
    "graph.drawing": ("fold_code", "impact_graph"),
    "graph.impact": ("Impact", "impact"),
    "graph.subjects": ("Places", "find_subject"),
    "graph.trace": ("trace",),
    "graph.values": ("LineageGraph",),
    "timeline": ("Timeline", "what_changed"),
}
"""Which module has which of the names."""


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any public name
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
