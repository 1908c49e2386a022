/** One step of the database's form; steps are only ever added at the end, a released one never changes. */
export interface Migration {
  /** What it brings, for the log. */
  readonly name: string;
  readonly sql: string;
  /** An older release, which takes what it does not know for absent, could not go on with it. */
  readonly breaks?: true;
}

/**
 * Steps in order; the form of a database is how many of them it has.
 *
 * A step adds (tables, columns that may be null) wherever it can: then the release before goes on with the
 * database after an update was taken back, and nothing that was changed meanwhile is lost.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    name: 'people, sessions and tokens',
    sql: `
      CREATE TABLE users (
        user_id TEXT PRIMARY KEY,
        user_name TEXT NOT NULL UNIQUE,
        role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin', 'owner')),
        password_hash TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        last_seen_ms INTEGER,
        totp_secret BLOB,
        totp_last_step INTEGER
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE recovery_codes (
        user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        code_hash BLOB NOT NULL,
        PRIMARY KEY (user_id, code_hash)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE sessions (
        session_id TEXT PRIMARY KEY,
        secret_hash BLOB NOT NULL UNIQUE,
        user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        source TEXT NOT NULL,
        surface TEXT NOT NULL,
        started_ms INTEGER NOT NULL,
        seen_ms INTEGER NOT NULL,
        password_until_ms INTEGER,
        old_secret_hash BLOB,
        old_until_ms INTEGER
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX sessions_by_user ON sessions (user_id);
      CREATE INDEX sessions_by_old_secret ON sessions (old_secret_hash) WHERE old_secret_hash IS NOT NULL;
      CREATE TABLE tokens (
        token_id TEXT PRIMARY KEY,
        secret_hash BLOB NOT NULL UNIQUE,
        name TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin', 'owner')),
        user_id TEXT REFERENCES users ON DELETE CASCADE,
        sources TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        used_ms INTEGER
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE claim (
        only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
        code TEXT NOT NULL
      ) STRICT;
    `,
  },
  {
    name: 'history of offices',
    sql: `
      CREATE TABLE history_subject (
        subject INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        seen_minute INTEGER NOT NULL,
        good_ms INTEGER
      ) STRICT;
      CREATE TABLE history_minute (
        subject INTEGER NOT NULL REFERENCES history_subject ON DELETE CASCADE,
        at INTEGER NOT NULL,
        rtt_ms REAL,
        sent_bps REAL,
        received_bps REAL,
        loss_ratio REAL,
        PRIMARY KEY (subject, at)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE history_hour (
        subject INTEGER NOT NULL REFERENCES history_subject ON DELETE CASCADE,
        at INTEGER NOT NULL,
        rtt_ms REAL,
        sent_bps REAL,
        received_bps REAL,
        loss_ratio REAL,
        PRIMARY KEY (subject, at)
      ) STRICT, WITHOUT ROWID;
    `,
  },
];
