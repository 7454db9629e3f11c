"""Renderers of documents: terminal text, Markdown, HTML."""
