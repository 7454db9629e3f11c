"""Content: digests of files and folders, read once."""
