"""Answers as text, Markdown, JSON and HTML. Nothing here asks a question."""

from importlib import import_module
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


_ROOMS = {
    "diff_document": "diff",
    "diff_json": "diff_plain",
    "render_html": "html",
    "graph_json": "graph",
    "impact_document": "graph",
    "impact_json": "graph",
    "render_mermaid": "graph",
    "trace_document": "graph",
    "render_svg": "graph_svg",
    "PinAnswer": "pins",
    "pin_document": "pins",
    "pin_json": "pins",
    "attribution_document": "attribution",
    "attribution_html": "attribution",
    "attribution_json": "attribution_plain",
    "checked_document": "reproduction",
    "checked_json": "reproduction",
    "reproduced_json": "reproduction",
    "reproduced_line": "reproduction",
    "reproduction_document": "reproduction",
    "reproduction_json": "reproduction",
    "bisect_document": "timeline",
    "bisect_json": "timeline",
    "timeline_document": "timeline",
    "timeline_json": "timeline",
}
"""Which module has which of the names that are imported when they are first asked for."""


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any public name
    # Comparisons and pages are seldom asked for, and other verbs do not wait for them.
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"lineage_pipelines.reports.{_ROOMS[name]}"), name)
