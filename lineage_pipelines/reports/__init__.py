"""Answers as text, Markdown, JSON and HTML. Nothing here asks a question."""
