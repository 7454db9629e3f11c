"""The tables in SQLite, as numbered migrations that are never edited once released, and the guards of the log.

A guard is a trigger that refuses a change. Guards stop accidents and clumsy hands, not the owner of the file: that
takes signatures and a checkpoint kept elsewhere.
"""

from collections.abc import Mapping

from lineage_pipelines.catalog.database import Schema

_INDEX_TABLES = (
    "CREATE TABLE model (name TEXT PRIMARY KEY, folded TEXT NOT NULL UNIQUE) STRICT, WITHOUT ROWID",
    """CREATE TABLE version (
      model TEXT NOT NULL REFERENCES model (name),
      version INTEGER NOT NULL,
      seq INTEGER NOT NULL UNIQUE REFERENCES log (seq),
      digest TEXT NOT NULL UNIQUE,
      run_key TEXT NOT NULL UNIQUE,
      PRIMARY KEY (model, version)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE content (id INTEGER PRIMARY KEY, hex TEXT NOT NULL UNIQUE) STRICT",
    """CREATE TABLE usage (
      content INTEGER NOT NULL REFERENCES content (id),
      seq INTEGER NOT NULL REFERENCES log (seq),
      PRIMARY KEY (content, seq)
    ) STRICT, WITHOUT ROWID""",
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
_SAME_USAGE = "EXISTS (SELECT 1 FROM usage WHERE content = NEW.content AND seq = NEW.seq)"
_NEXT_NUMBER = "NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM migration)"

_INDEX_GUARDS = (
    _refuse("version_next", "INSERT", "version", _NEXT_VERSION),
    _refuse("version_once", "INSERT", "version", _SAME_VERSION),
    _refuse("version_update", "UPDATE", "version"),
    _refuse("version_delete", "DELETE", "version"),
    _refuse("model_once", "INSERT", "model", _SAME_MODEL),
    _refuse("model_update", "UPDATE", "model"),
    _refuse("model_delete", "DELETE", "model"),
    _refuse("content_once", "INSERT", "content", _SAME_CONTENT),
    _refuse("content_update", "UPDATE", "content"),
    _refuse("content_delete", "DELETE", "content"),
    _refuse("usage_once", "INSERT", "usage", _SAME_USAGE),
    _refuse("usage_update", "UPDATE", "usage"),
    _refuse("usage_delete", "DELETE", "usage"),
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
    *(
        guard
        for table in ("outbox", "delivery")
        for guard in (
            _refuse(
                f"{table}_once",
                "INSERT",
                table,
                f"EXISTS (SELECT 1 FROM {table} WHERE destination = NEW.destination AND seq = NEW.seq)",
            ),
            _refuse(f"{table}_update", "UPDATE", table),
            _refuse(f"{table}_delete", "DELETE", table),
        )
    ),
)

GUARDS: Mapping[str, str] = dict(_LOG_GUARDS + _INDEX_GUARDS + _UNFINISHED_GUARDS)
"""Every guard of the newest schema by its name."""

_CREATE_INDEXES: tuple[str, ...] = (*_INDEX_TABLES, *(sql for _, sql in _INDEX_GUARDS))

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
        *_CREATE_INDEXES,
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
)
"""The statements of each migration; never edited once released."""

SCHEMA = Schema(migrations=MIGRATIONS, guards=GUARDS, create_indexes=_CREATE_INDEXES)
