"""Schema tables: the tables as statements are written against them.

Their DDL is not generated from here: the newest statements of each dialect are released, and frozen as text.

`log` is the truth. `model`, `version`, `entity`, `usage`, `part`, `artifact`, `decided` and `summary` are an index that
`Catalog.rebuild` derives from it again. `attempt` to `delivery` hold unfinished work: no record depends on them.
"""

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text

_tables = MetaData()

FILE = "file"

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

entity = Table(
    "entity",
    _tables,
    Column("id", Integer, primary_key=True),
    Column("key", Text),
    Column("kind", Text),
    Column("name", Text),
    Column("md5", Text),
    Column("sha256", Text),
)
"""Everything that a record says was used, and its partition, once for all records; what is not known of it is empty.

A `file` has its path as its name, and the digests that the record names (an MD5 with `.dir` for a directory). A
`revision`, and an `origin` (the address that data was imported from), has a name alone, a list of `packages` a
SHA-256 alone. A `source` is a set of files that a training reaches; its SHA-256 is of that set. A `partition`
(`flight_delay[west]`) and a `window` (see `record_index.window_name`) are used by the versions trained for it. Long
names are truncated, see `record_index.truncate`. `key` is a digest of all that, by which it is looked up.
"""

usage = Table(
    "usage",
    _tables,
    Column("entity", Integer, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("beside", Integer),
)
"""Which entries name which entity. `beside` is 1 where a step of its preparation only made it, and nothing read it."""

part = Table("part", _tables, Column("entity", Integer, primary_key=True), Column("source", Integer, primary_key=True))
"""Which files are in which source."""

artifact = Table("artifact", _tables, Column("hex", Text, primary_key=True), Column("seq", Integer))
"""Which entry was the first with a model file."""

decided = Table(
    "decided",
    _tables,
    Column("kind", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("version", Integer),
    Column("moves", Integer),
)
"""Which entries decide about, or approve, which version of a model under which alias. `moves` is 1 where the alias
names that version (or none) from that entry on."""

summary = Table(
    "summary",
    _tables,
    Column("seq", Integer, primary_key=True),
    Column("recorded", Text),
    Column("body", Text),
)
"""What a list of versions shows of each record, as JSON, and when it was committed."""

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
"""Which entries are to be sent to which other system; written with the entry."""

delivery = Table(
    "delivery",
    _tables,
    Column("destination", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("delivered", Text),
)
"""What of the outbox was delivered, and when its arrival was recorded."""

migration = Table("migration", _tables, Column("number", Integer, primary_key=True), Column("applied", Text))
"""The schema's history: the highest number is its version."""

COLUMNS = {name: frozenset(table.c.keys()) for name, table in _tables.tables.items()}
"""The names of the columns of each table of the newest schema."""
