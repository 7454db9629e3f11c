"""The tables in SQLite, as numbered migrations that are never edited once released, and the guards of the log.

A guard is a trigger that refuses a change. Guards stop accidents and clumsy hands, not the owner of the file: that
takes signatures and a checkpoint kept elsewhere.
"""

from collections.abc import Mapping

from lineage_pipelines.catalog.backends.database import Schema

_VERSION_TABLES = (
    "CREATE TABLE model (name TEXT PRIMARY KEY, folded TEXT NOT NULL UNIQUE) STRICT, WITHOUT ROWID",
    """CREATE TABLE version (
      model TEXT NOT NULL REFERENCES model (name),
      version INTEGER NOT NULL,
      seq INTEGER NOT NULL UNIQUE REFERENCES log (seq),
      digest TEXT NOT NULL UNIQUE,
      run_key TEXT NOT NULL UNIQUE,
      PRIMARY KEY (model, version)
    ) STRICT, WITHOUT ROWID""",
)
_CONTENT_TABLES = (
    "CREATE TABLE content (id INTEGER PRIMARY KEY, hex TEXT NOT NULL UNIQUE) STRICT",
    """CREATE TABLE usage (
      content INTEGER NOT NULL REFERENCES content (id),
      seq INTEGER NOT NULL REFERENCES log (seq),
      PRIMARY KEY (content, seq)
    ) STRICT, WITHOUT ROWID""",
)
"""Of schemas 1 to 3."""
_ENTITY_TABLES = (
    """CREATE TABLE entity (
      id INTEGER PRIMARY KEY,
      key TEXT NOT NULL UNIQUE,
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      md5 TEXT NOT NULL,
      sha256 TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX entity_sha256 ON entity (sha256)",
    "CREATE INDEX entity_md5 ON entity (md5)",
    "CREATE INDEX entity_name ON entity (name)",
    """CREATE TABLE usage (
      entity INTEGER NOT NULL REFERENCES entity (id),
      seq INTEGER NOT NULL REFERENCES log (seq),
      beside INTEGER NOT NULL,
      PRIMARY KEY (entity, seq)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE part (
      entity INTEGER NOT NULL REFERENCES entity (id),
      source INTEGER NOT NULL REFERENCES entity (id),
      PRIMARY KEY (entity, source)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE artifact (
      hex TEXT PRIMARY KEY,
      seq INTEGER NOT NULL UNIQUE REFERENCES log (seq)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE decided (
      kind TEXT NOT NULL,
      model TEXT NOT NULL,
      alias TEXT NOT NULL,
      seq INTEGER NOT NULL REFERENCES log (seq),
      version INTEGER,
      moves INTEGER NOT NULL,
      PRIMARY KEY (kind, model, alias, seq)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE summary (
      seq INTEGER PRIMARY KEY REFERENCES log (seq),
      recorded TEXT NOT NULL,
      body TEXT NOT NULL
    ) STRICT""",
)


def _refuse(name: str, event: str, table: str, when: str = "") -> tuple[str, str]:
    condition = f" WHEN {when}" if when else ""
    words = f"the {table} table is append-only"
    return name, f"CREATE TRIGGER {name} BEFORE {event} ON {table}{condition} BEGIN SELECT RAISE(ABORT, '{words}'); END"


_NEXT_SEQ = "NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM log)"
_NEXT_VERSION = "NEW.version IS NOT (SELECT coalesce(max(version), 0) + 1 FROM version WHERE model = NEW.model)"
# INSERT OR REPLACE deletes the rows that it collides with, and no trigger on DELETE sees it.
_SAME_VERSION = "EXISTS (SELECT 1 FROM version WHERE seq = NEW.seq OR digest = NEW.digest OR run_key = NEW.run_key)"
_SAME_MODEL = "EXISTS (SELECT 1 FROM model WHERE name = NEW.name OR folded = NEW.folded)"
_SAME_CONTENT = "EXISTS (SELECT 1 FROM content WHERE id = NEW.id OR hex = NEW.hex)"
_SAME_CONTENT_USAGE = "EXISTS (SELECT 1 FROM usage WHERE content = NEW.content AND seq = NEW.seq)"
_SAME_ENTITY = "EXISTS (SELECT 1 FROM entity WHERE id = NEW.id OR key = NEW.key)"
_SAME_USAGE = "EXISTS (SELECT 1 FROM usage WHERE entity = NEW.entity AND seq = NEW.seq)"
_SAME_PART = "EXISTS (SELECT 1 FROM part WHERE entity = NEW.entity AND source = NEW.source)"
_SAME_ARTIFACT = "EXISTS (SELECT 1 FROM artifact WHERE hex = NEW.hex OR seq = NEW.seq)"
_SAME_DECIDED = (
    "EXISTS (SELECT 1 FROM decided WHERE kind = NEW.kind AND model = NEW.model AND alias = NEW.alias AND seq = NEW.seq)"
)
_SAME_SUMMARY = "EXISTS (SELECT 1 FROM summary WHERE seq = NEW.seq)"
_NEXT_NUMBER = "NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM migration)"

_VERSION_GUARDS = (
    _refuse("version_next", "INSERT", "version", _NEXT_VERSION),
    _refuse("version_once", "INSERT", "version", _SAME_VERSION),
    _refuse("version_update", "UPDATE", "version"),
    _refuse("version_delete", "DELETE", "version"),
    _refuse("model_once", "INSERT", "model", _SAME_MODEL),
    _refuse("model_update", "UPDATE", "model"),
    _refuse("model_delete", "DELETE", "model"),
)


def _guarded(**same: str) -> tuple[tuple[str, str], ...]:
    """Return the guards of tables whose rows are added once; of each table what says that a row is there already."""
    return tuple(
        guard
        for table, condition in same.items()
        for guard in (
            _refuse(f"{table}_once", "INSERT", table, condition),
            _refuse(f"{table}_update", "UPDATE", table),
            _refuse(f"{table}_delete", "DELETE", table),
        )
    )


_CONTENT_GUARDS = _guarded(content=_SAME_CONTENT, usage=_SAME_CONTENT_USAGE)
_ENTITY_GUARDS = _guarded(
    entity=_SAME_ENTITY,
    usage=_SAME_USAGE,
    part=_SAME_PART,
    artifact=_SAME_ARTIFACT,
    decided=_SAME_DECIDED,
    summary=_SAME_SUMMARY,
)
_LOG_GUARDS = (
    _refuse("log_next", "INSERT", "log", _NEXT_SEQ),
    _refuse("log_update", "UPDATE", "log"),
    _refuse("log_delete", "DELETE", "log"),
    _refuse("migration_next", "INSERT", "migration", _NEXT_NUMBER),
    _refuse("migration_update", "UPDATE", "migration"),
    _refuse("migration_delete", "DELETE", "migration"),
)

_NEXT_EPOCH = "NEW.epoch IS NOT (SELECT coalesce(max(epoch), 0) + 1 FROM attempt WHERE run_key = NEW.run_key)"
_ENDED = "EXISTS (SELECT 1 FROM attempt_end WHERE run_key = NEW.run_key AND epoch = NEW.epoch)"
_UNFINISHED_GUARDS = (
    _refuse("attempt_next", "INSERT", "attempt", _NEXT_EPOCH),
    _refuse("attempt_update", "UPDATE", "attempt"),
    _refuse("attempt_delete", "DELETE", "attempt"),
    _refuse("attempt_end_once", "INSERT", "attempt_end", _ENDED),
    _refuse("attempt_end_update", "UPDATE", "attempt_end"),
    _refuse("attempt_end_delete", "DELETE", "attempt_end"),
    *_guarded(
        **{
            table: f"EXISTS (SELECT 1 FROM {table} WHERE destination = NEW.destination AND seq = NEW.seq)"
            for table in ("outbox", "delivery")
        }
    ),
)

GUARDS: Mapping[str, str] = dict(_LOG_GUARDS + _VERSION_GUARDS + _ENTITY_GUARDS + _UNFINISHED_GUARDS)
"""Every guard of the newest schema by its name."""

_CREATE_INDEXES: tuple[str, ...] = (
    *_VERSION_TABLES,
    *_ENTITY_TABLES,
    *(sql for _, sql in _VERSION_GUARDS + _ENTITY_GUARDS),
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE migration (number INTEGER PRIMARY KEY, applied TEXT NOT NULL) STRICT",
        """CREATE TABLE log (
          seq INTEGER PRIMARY KEY,
          kind TEXT NOT NULL,
          digest TEXT NOT NULL,
          body BLOB NOT NULL,
          recorded TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX log_digest ON log (digest)",
        *(sql for _, sql in _LOG_GUARDS),
        *_VERSION_TABLES,
        *_CONTENT_TABLES,
        *(sql for _, sql in _VERSION_GUARDS + _CONTENT_GUARDS),
    ),
    (
        "ALTER TABLE log ADD COLUMN keyid TEXT",
        "ALTER TABLE log ADD COLUMN signature BLOB",
        "CREATE INDEX log_kind ON log (kind) WHERE kind <> 'record'",
    ),
    (
        """CREATE TABLE attempt (
          run_key TEXT NOT NULL,
          epoch INTEGER NOT NULL,
          model TEXT NOT NULL,
          begun TEXT NOT NULL,
          host TEXT NOT NULL,
          process TEXT NOT NULL,
          run TEXT,
          folder TEXT,
          PRIMARY KEY (run_key, epoch)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE attempt_end (
          run_key TEXT NOT NULL,
          epoch INTEGER NOT NULL,
          ended TEXT NOT NULL,
          how TEXT NOT NULL,
          PRIMARY KEY (run_key, epoch),
          FOREIGN KEY (run_key, epoch) REFERENCES attempt (run_key, epoch)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE outbox (
          destination TEXT NOT NULL,
          seq INTEGER NOT NULL REFERENCES log (seq),
          PRIMARY KEY (destination, seq)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE delivery (
          destination TEXT NOT NULL,
          seq INTEGER NOT NULL,
          delivered TEXT NOT NULL,
          PRIMARY KEY (destination, seq),
          FOREIGN KEY (destination, seq) REFERENCES outbox (destination, seq)
        ) STRICT, WITHOUT ROWID""",
        # What was committed before there was an outbox may have lost its event.
        "INSERT INTO outbox SELECT 'dagster', seq FROM version",
        *(sql for _, sql in _UNFINISHED_GUARDS),
    ),
    # Other tables for the index of content: derived anew, see `migrations.INDEXED`.
    (),
    # Summaries of versions in the index.
    (),
)
"""The statements of each migration; never edited once released."""

SCHEMA = Schema(migrations=MIGRATIONS, guards=GUARDS, create_indexes=_CREATE_INDEXES)
