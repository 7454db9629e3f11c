"""The world as values: Git, source files, libraries, tables, parameters."""
