"""Databases: SQLite and PostgreSQL, their schemas and migrations."""
