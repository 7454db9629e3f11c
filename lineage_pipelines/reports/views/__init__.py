"""Views: the document and the JSON of each question."""
