-- The tables of schema 1, as the release that had it made them: entries had no signatures. Never to be changed.

CREATE TABLE migration (number INTEGER PRIMARY KEY, applied TEXT NOT NULL) STRICT;

CREATE TABLE log (
          seq INTEGER PRIMARY KEY,
          kind TEXT NOT NULL,
          digest TEXT NOT NULL,
          body BLOB NOT NULL,
          recorded TEXT NOT NULL
        ) STRICT;

CREATE INDEX log_digest ON log (digest);

CREATE TRIGGER log_next BEFORE INSERT ON log WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM log) BEGIN SELECT RAISE(ABORT, 'the log table is append-only'); END;

CREATE TRIGGER log_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the log table is append-only'); END;

CREATE TRIGGER log_delete BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the log table is append-only'); END;

CREATE TRIGGER migration_next BEFORE INSERT ON migration WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM migration) BEGIN SELECT RAISE(ABORT, 'the migration table is append-only'); END;

CREATE TRIGGER migration_update BEFORE UPDATE ON migration BEGIN SELECT RAISE(ABORT, 'the migration table is append-only'); END;

CREATE TRIGGER migration_delete BEFORE DELETE ON migration BEGIN SELECT RAISE(ABORT, 'the migration table is append-only'); END;

CREATE TABLE model (name TEXT PRIMARY KEY, folded TEXT NOT NULL UNIQUE) STRICT, WITHOUT ROWID;

CREATE TABLE version (
      model TEXT NOT NULL REFERENCES model (name),
      version INTEGER NOT NULL,
      seq INTEGER NOT NULL UNIQUE REFERENCES log (seq),
      digest TEXT NOT NULL UNIQUE,
      run_key TEXT NOT NULL UNIQUE,
      PRIMARY KEY (model, version)
    ) STRICT, WITHOUT ROWID;

CREATE TABLE content (id INTEGER PRIMARY KEY, hex TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE usage (
      content INTEGER NOT NULL REFERENCES content (id),
      seq INTEGER NOT NULL REFERENCES log (seq),
      PRIMARY KEY (content, seq)
    ) STRICT, WITHOUT ROWID;

CREATE TRIGGER version_next BEFORE INSERT ON version WHEN NEW.version IS NOT (SELECT coalesce(max(version), 0) + 1 FROM version WHERE model = NEW.model) BEGIN SELECT RAISE(ABORT, 'the version table is append-only'); END;

CREATE TRIGGER version_once BEFORE INSERT ON version WHEN EXISTS (SELECT 1 FROM version WHERE seq = NEW.seq OR digest = NEW.digest OR run_key = NEW.run_key) BEGIN SELECT RAISE(ABORT, 'the version table is append-only'); END;

CREATE TRIGGER version_update BEFORE UPDATE ON version BEGIN SELECT RAISE(ABORT, 'the version table is append-only'); END;

CREATE TRIGGER version_delete BEFORE DELETE ON version BEGIN SELECT RAISE(ABORT, 'the version table is append-only'); END;

CREATE TRIGGER model_once BEFORE INSERT ON model WHEN EXISTS (SELECT 1 FROM model WHERE name = NEW.name OR folded = NEW.folded) BEGIN SELECT RAISE(ABORT, 'the model table is append-only'); END;

CREATE TRIGGER model_update BEFORE UPDATE ON model BEGIN SELECT RAISE(ABORT, 'the model table is append-only'); END;

CREATE TRIGGER model_delete BEFORE DELETE ON model BEGIN SELECT RAISE(ABORT, 'the model table is append-only'); END;

CREATE TRIGGER content_once BEFORE INSERT ON content WHEN EXISTS (SELECT 1 FROM content WHERE id = NEW.id OR hex = NEW.hex) BEGIN SELECT RAISE(ABORT, 'the content table is append-only'); END;

CREATE TRIGGER content_update BEFORE UPDATE ON content BEGIN SELECT RAISE(ABORT, 'the content table is append-only'); END;

CREATE TRIGGER content_delete BEFORE DELETE ON content BEGIN SELECT RAISE(ABORT, 'the content table is append-only'); END;

CREATE TRIGGER usage_once BEFORE INSERT ON usage WHEN EXISTS (SELECT 1 FROM usage WHERE content = NEW.content AND seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'the usage table is append-only'); END;

CREATE TRIGGER usage_update BEFORE UPDATE ON usage BEGIN SELECT RAISE(ABORT, 'the usage table is append-only'); END;

CREATE TRIGGER usage_delete BEFORE DELETE ON usage BEGIN SELECT RAISE(ABORT, 'the usage table is append-only'); END;
