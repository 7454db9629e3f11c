"""Git: revision, working tree, patch."""
