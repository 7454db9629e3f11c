"""The tables in PostgreSQL, as numbered migrations that are never edited once released, and the guards of the log.

Everything is in the schema `lineage`, which belongs to the role that created it. An administrator may make two roles
beside the owner: `lineage_writer` may read and add, `lineage_reader` may read. They get their rights whenever the
schema changes. The guards fire for the owner, too, and in every replication role; they stop accidents, not an owner.
"""

from lineage_pipelines.catalog.backends.database import Schema

NAMESPACE = "lineage"

_VERSION_TABLES = (
    """CREATE TABLE model (name text COLLATE "C" PRIMARY KEY, folded text COLLATE "C" NOT NULL UNIQUE)""",
    """CREATE TABLE version (
      model text COLLATE "C" NOT NULL REFERENCES model (name),
      version bigint NOT NULL,
      seq bigint NOT NULL UNIQUE REFERENCES log (seq),
      digest text COLLATE "C" NOT NULL UNIQUE,
      run_key text COLLATE "C" NOT NULL UNIQUE,
      PRIMARY KEY (model, version)
    )""",
)
_CONTENT_TABLES = (
    """CREATE TABLE content (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      hex text COLLATE "C" NOT NULL UNIQUE
    )""",
    """CREATE TABLE usage (
      content bigint NOT NULL REFERENCES content (id),
      seq bigint NOT NULL REFERENCES log (seq),
      PRIMARY KEY (content, seq)
    )""",
)
"""Of schema 3."""
_ENTITY_TABLES = (
    """CREATE TABLE entity (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      key text COLLATE "C" NOT NULL UNIQUE,
      kind text COLLATE "C" NOT NULL,
      name text COLLATE "C" NOT NULL,
      md5 text COLLATE "C" NOT NULL,
      sha256 text COLLATE "C" NOT NULL
    )""",
    "CREATE INDEX entity_sha256 ON entity (sha256)",
    "CREATE INDEX entity_md5 ON entity (md5)",
    "CREATE INDEX entity_name ON entity (name)",
    """CREATE TABLE usage (
      entity bigint NOT NULL REFERENCES entity (id),
      seq bigint NOT NULL REFERENCES log (seq),
      beside bigint NOT NULL,
      PRIMARY KEY (entity, seq)
    )""",
    """CREATE TABLE part (
      entity bigint NOT NULL REFERENCES entity (id),
      source bigint NOT NULL REFERENCES entity (id),
      PRIMARY KEY (entity, source)
    )""",
    """CREATE TABLE artifact (
      hex text COLLATE "C" PRIMARY KEY,
      seq bigint NOT NULL UNIQUE REFERENCES log (seq)
    )""",
    """CREATE TABLE decided (
      kind text COLLATE "C" NOT NULL,
      model text COLLATE "C" NOT NULL,
      alias text COLLATE "C" NOT NULL,
      seq bigint NOT NULL REFERENCES log (seq),
      version bigint,
      moves bigint NOT NULL,
      PRIMARY KEY (kind, model, alias, seq)
    )""",
    """CREATE TABLE summary (
      seq bigint PRIMARY KEY REFERENCES log (seq),
      recorded text COLLATE "C" NOT NULL,
      body text NOT NULL
    )""",
)
_LOG_TABLES = (
    f"CREATE SCHEMA IF NOT EXISTS {NAMESPACE}",
    """CREATE TABLE migration (number bigint PRIMARY KEY, applied text NOT NULL)""",
    """CREATE TABLE log (
      seq bigint PRIMARY KEY,
      kind text COLLATE "C" NOT NULL,
      digest text COLLATE "C" NOT NULL,
      body bytea NOT NULL,
      recorded text COLLATE "C" NOT NULL,
      keyid text COLLATE "C",
      signature bytea
    )""",
    "CREATE INDEX log_digest ON log (digest)",
    "CREATE INDEX log_kind ON log (kind) WHERE kind <> 'record'",
)
_UNFINISHED_TABLES = (
    """CREATE TABLE attempt (
      run_key text COLLATE "C" NOT NULL,
      epoch bigint NOT NULL,
      model text COLLATE "C" NOT NULL,
      begun text COLLATE "C" NOT NULL,
      host text NOT NULL,
      process text NOT NULL,
      run text,
      folder text,
      PRIMARY KEY (run_key, epoch)
    )""",
    """CREATE TABLE attempt_end (
      run_key text COLLATE "C" NOT NULL,
      epoch bigint NOT NULL,
      ended text COLLATE "C" NOT NULL,
      how text NOT NULL,
      PRIMARY KEY (run_key, epoch),
      FOREIGN KEY (run_key, epoch) REFERENCES attempt (run_key, epoch)
    )""",
    """CREATE TABLE outbox (
      destination text COLLATE "C" NOT NULL,
      seq bigint NOT NULL REFERENCES log (seq),
      PRIMARY KEY (destination, seq)
    )""",
    """CREATE TABLE delivery (
      destination text COLLATE "C" NOT NULL,
      seq bigint NOT NULL,
      delivered text COLLATE "C" NOT NULL,
      PRIMARY KEY (destination, seq),
      FOREIGN KEY (destination, seq) REFERENCES outbox (destination, seq)
    )""",
)

_REFUSE = "RAISE EXCEPTION USING MESSAGE = 'the ' || TG_TABLE_NAME || ' table is append-only';"
_SOURCES = {
    "refuse": f" BEGIN {_REFUSE} END ",
    "next_seq": " BEGIN IF NEW.seq IS DISTINCT FROM (SELECT coalesce(max(seq), 0) + 1 FROM log) "
    f"THEN {_REFUSE} END IF; RETURN NEW; END ",
    "next_version": " BEGIN IF NEW.version IS DISTINCT FROM "
    "(SELECT coalesce(max(version), 0) + 1 FROM version WHERE model = NEW.model) "
    f"THEN {_REFUSE} END IF; RETURN NEW; END ",
    "next_epoch": " BEGIN IF NEW.epoch IS DISTINCT FROM "
    "(SELECT coalesce(max(epoch), 0) + 1 FROM attempt WHERE run_key = NEW.run_key) "
    f"THEN {_REFUSE} END IF; RETURN NEW; END ",
    "next_number": " BEGIN IF NEW.number IS DISTINCT FROM (SELECT coalesce(max(number), 0) + 1 FROM migration) "
    f"THEN {_REFUSE} END IF; RETURN NEW; END ",
}
_FUNCTIONS = tuple(
    # The search path is the function's own: a caller's could show it another table.
    f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path TO '{NAMESPACE}' AS $${source}$$"
    for name, source in _SOURCES.items()
)
_NEXT = {
    "log": "next_seq",
    "version": "next_version",
    "attempt": "next_epoch",
    "migration": "next_number",
}


def _triggers(table: str) -> tuple[tuple[str, str, str], ...]:
    """Name, definition as PostgreSQL gives it back, and function of a table's guards."""
    on = f"ON {NAMESPACE}.{table} FOR EACH"
    kept = f"{table}_append_only"
    refusal = f"BEFORE DELETE OR UPDATE OR TRUNCATE {on} STATEMENT EXECUTE FUNCTION refuse()"
    found = [(kept, f"CREATE TRIGGER {kept} {refusal}", "refuse")]
    if table in _NEXT:
        name, function = f"{table}_next", _NEXT[table]
        definition = f"CREATE TRIGGER {name} BEFORE INSERT {on} ROW EXECUTE FUNCTION {function}()"
        found.append((name, definition, function))
    return tuple(found)


_INDEXES = ("model", "version", "entity", "usage", "part", "artifact", "decided", "summary")
_KEPT = ("log", "migration", "attempt", "attempt_end", "outbox", "delivery")
_FIRST = ("log", "migration", "model", "version", "content", "usage", "attempt", "attempt_end", "outbox", "delivery")
"""The tables of schema 3."""
_TRIGGERS = {table: _triggers(table) for table in (*_KEPT, *_INDEXES)}


def _guard(*tables: str) -> tuple[str, ...]:
    return tuple(
        statement
        for table in tables
        for name, definition, _ in _triggers(table)
        for statement in (definition, f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    )


def as_installed(definition: str, enabled: str, source: str) -> str:
    """Return a guard in one line: its definition, when it fires, and what it does."""
    return f"{definition} [{enabled}]{source}"


_GRANTS = f"""DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'lineage_writer') THEN
    GRANT USAGE ON SCHEMA {NAMESPACE} TO lineage_writer;
    GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA {NAMESPACE} TO lineage_writer;
    REVOKE INSERT ON {NAMESPACE}.migration FROM lineage_writer;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'lineage_reader') THEN
    GRANT USAGE ON SCHEMA {NAMESPACE} TO lineage_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA {NAMESPACE} TO lineage_reader;
  END IF;
END $$"""

_CREATE_INDEXES = (*_VERSION_TABLES, *_ENTITY_TABLES, *_guard(*_INDEXES), _GRANTS)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        *_LOG_TABLES,
        *_VERSION_TABLES,
        *_CONTENT_TABLES,
        *_UNFINISHED_TABLES,
        *_FUNCTIONS,
        *_guard(*_FIRST),
        _GRANTS,
    ),
    # PostgreSQL came with the third schema, whole.
    (),
    (),
    # Other tables for the index of content: derived anew, see `migrations.INDEXED`.
    (),
    # Summaries of versions in the index.
    (),
)
"""The statements of each migration; never edited once released."""

SCHEMA = Schema(
    migrations=MIGRATIONS,
    guards={
        name: as_installed(definition, "A", _SOURCES[function])
        for triggers in _TRIGGERS.values()
        for name, definition, function in triggers
    },
    create_indexes=_CREATE_INDEXES,
)
