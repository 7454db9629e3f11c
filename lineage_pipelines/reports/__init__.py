"""Answers as text, Markdown and JSON. Nothing here asks a question."""
