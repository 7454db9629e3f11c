"""Models: what is trained on those tables, measured and chosen."""
