"""Answers as text, Markdown and JSON. Nothing here asks a question."""

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

__all__ = [
    "Document",
    "decision_document",
    "decision_json",
    "doctor_document",
    "doctor_json",
    "history_document",
    "history_json",
    "keys_document",
    "keys_json",
    "log_document",
    "log_json",
    "models_document",
    "models_json",
    "reconciled_document",
    "reconciled_json",
    "render_json",
    "render_markdown",
    "render_text",
    "show_document",
    "show_json",
    "verify_document",
    "verify_json",
]
