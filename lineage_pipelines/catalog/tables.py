"""The tables as statements are written against them. Their definition in the database is the dialect's.

`log` is the truth. Everything else is an index that `Catalog.rebuild` derives from it again.
"""

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text

_tables = MetaData()

log = Table(
    "log",
    _tables,
    Column("seq", Integer, primary_key=True),
    Column("kind", Text),
    Column("digest", Text),
    Column("body", LargeBinary),
    Column("recorded", Text),
    Column("keyid", Text),
    Column("signature", LargeBinary),
)
"""Every entry, in order. `kind` says how to read `body`; `digest` is its SHA-256 in hex. Entries of schema 1 have no
signature."""

model = Table("model", _tables, Column("name", Text, primary_key=True), Column("folded", Text))
"""Every model. `folded` keeps apart names that people would confuse."""

version = Table(
    "version",
    _tables,
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("seq", Integer),
    Column("digest", Text),
    Column("run_key", Text),
)
"""Which entry is which version of which model, by which run."""

content = Table("content", _tables, Column("id", Integer, primary_key=True), Column("hex", Text))
"""Every MD5 and SHA-256 that a record names as data, as a stage's input or as its output; without `.dir`."""

usage = Table("usage", _tables, Column("content", Integer, primary_key=True), Column("seq", Integer, primary_key=True))
"""Which entries name which content."""

migration = Table("migration", _tables, Column("number", Integer, primary_key=True), Column("applied", Text))
"""The schema's history: the highest number is its version."""
