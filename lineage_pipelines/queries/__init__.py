"""Questions to the catalog, answered as values. Nothing here prints."""
