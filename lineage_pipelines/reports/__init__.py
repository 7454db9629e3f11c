"""Answers as text, Markdown, JSON and HTML. Nothing here asks a question."""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lineage_pipelines.reports.decisions import decision_document, decision_json, history_document, history_json
from lineage_pipelines.reports.document import Document
from lineage_pipelines.reports.markdown import render_markdown
from lineage_pipelines.reports.overview import (
    doctor_document,
    keys_document,
    log_document,
    models_document,
    reconciled_document,
    verify_document,
)
from lineage_pipelines.reports.plain import (
    doctor_json,
    keys_json,
    log_json,
    models_json,
    reconciled_json,
    render_json,
    show_json,
    verify_json,
)
from lineage_pipelines.reports.show import show_document
from lineage_pipelines.reports.text import render_text

if TYPE_CHECKING:
    from lineage_pipelines.reports.attribution import attribution_document, attribution_html
    from lineage_pipelines.reports.attribution_plain import attribution_json
    from lineage_pipelines.reports.diff import diff_document
    from lineage_pipelines.reports.diff_plain import diff_json
    from lineage_pipelines.reports.graph import graph_json, impact_document, impact_json, render_mermaid, trace_document
    from lineage_pipelines.reports.graph_svg import render_svg
    from lineage_pipelines.reports.html import render_html
    from lineage_pipelines.reports.imported import (
        ImportAnswer,
        ImportedAlias,
        ImportedModel,
        import_document,
        import_json,
    )
    from lineage_pipelines.reports.pins import PinAnswer, pin_document, pin_json
    from lineage_pipelines.reports.reproduction import (
        checked_document,
        checked_json,
        reproduced_json,
        reproduced_line,
        reproduction_document,
        reproduction_json,
    )
    from lineage_pipelines.reports.timeline import bisect_document, bisect_json, timeline_document, timeline_json

__all__ = [
    "Document",
    "ImportAnswer",
    "ImportedAlias",
    "ImportedModel",
    "PinAnswer",
    "attribution_document",
    "attribution_html",
    "attribution_json",
    "bisect_document",
    "bisect_json",
    "checked_document",
    "checked_json",
    "decision_document",
    "decision_json",
    "diff_document",
    "diff_json",
    "doctor_document",
    "doctor_json",
    "graph_json",
    "history_document",
    "history_json",
    "impact_document",
    "impact_json",
    "import_document",
    "import_json",
    "keys_document",
    "keys_json",
    "log_document",
    "log_json",
    "models_document",
    "models_json",
    "pin_document",
    "pin_json",
    "reconciled_document",
    "reconciled_json",
    "render_html",
    "render_json",
    "render_markdown",
    "render_mermaid",
    "render_svg",
    "render_text",
    "reproduced_json",
    "reproduced_line",
    "reproduction_document",
    "reproduction_json",
    "show_document",
    "show_json",
    "timeline_document",
    "timeline_json",
    "trace_document",
    "verify_document",
    "verify_json",
]


_HOMES: Mapping[tuple[str, ...], Callable[[], ModuleType]] = {
    ("diff_document",): lambda: import_module("lineage_pipelines.reports.diff"),
    ("diff_json",): lambda: import_module("lineage_pipelines.reports.diff_plain"),
    ("render_html",): lambda: import_module("lineage_pipelines.reports.html"),
    ("graph_json", "impact_document", "impact_json", "render_mermaid", "trace_document"): lambda: import_module(
        "lineage_pipelines.reports.graph"
    ),
    ("render_svg",): lambda: import_module("lineage_pipelines.reports.graph_svg"),
    ("ImportAnswer", "ImportedAlias", "ImportedModel", "import_document", "import_json"): lambda: import_module(
        "lineage_pipelines.reports.imported"
    ),
    ("PinAnswer", "pin_document", "pin_json"): lambda: import_module("lineage_pipelines.reports.pins"),
    ("attribution_document", "attribution_html"): lambda: import_module("lineage_pipelines.reports.attribution"),
    ("attribution_json",): lambda: import_module("lineage_pipelines.reports.attribution_plain"),
    (
        "checked_document",
        "checked_json",
        "reproduced_json",
        "reproduced_line",
        "reproduction_document",
        "reproduction_json",
    ): lambda: import_module("lineage_pipelines.reports.reproduction"),
    ("bisect_document", "bisect_json", "timeline_document", "timeline_json"): lambda: import_module(
        "lineage_pipelines.reports.timeline"
    ),
}
"""Which module has which names; each is written out, so that the source closure of training code can follow it."""


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any public name
    # Comparisons and pages are seldom asked for, and other verbs do not wait for them.
    for names, load in _HOMES.items():
        if name in names:
            return getattr(load(), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
