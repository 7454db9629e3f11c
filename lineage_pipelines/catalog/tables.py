"""The tables as statements are written against them. Their definition in the database is the dialect's.

`log` is the truth. `model`, `version`, `content` and `usage` are an index that `Catalog.rebuild` derives from it again.
`attempt` to `delivery` say what is unfinished: nothing of a record depends on them.
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

attempt = Table(
    "attempt",
    _tables,
    Column("run_key", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("model", Text),
    Column("begun", Text),
    Column("host", Text),
    Column("process", Text),
    Column("run", Text),
    Column("folder", Text),
)
"""Every attempt at a run, announced before it trains. Only the one with the highest epoch may commit."""

attempt_end = Table(
    "attempt_end",
    _tables,
    Column("run_key", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("ended", Text),
    Column("how", Text),
)
"""How an attempt ended; one without an end is running, or was killed."""

outbox = Table(
    "outbox", _tables, Column("destination", Text, primary_key=True), Column("seq", Integer, primary_key=True)
)
"""Which entries are to be told to which other system; written with the entry."""

delivery = Table(
    "delivery",
    _tables,
    Column("destination", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("delivered", Text),
)
"""What of the outbox was told, and when it was known to have arrived."""

migration = Table("migration", _tables, Column("number", Integer, primary_key=True), Column("applied", Text))
"""The schema's history: the highest number is its version."""
