"""Row changes: two tables compared row by row."""
