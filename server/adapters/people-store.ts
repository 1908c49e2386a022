import * as z from 'zod';
import { ROLES } from '../core/role.ts';
import type { PeopleStore, PeopleTables, Session, Token, User } from '../people/store.ts';
import type { Database } from './database.ts';

const Role = z.enum(ROLES);
const Bytes = z.instanceof(Uint8Array);

const UserRow = z.object({
  user_id: z.string(),
  user_name: z.string(),
  role: Role,
  password_hash: z.string(),
  created_ms: z.number(),
  last_seen_ms: z.number().nullable(),
  totp_secret: Bytes.nullable(),
  totp_last_step: z.number().nullable(),
});

const SessionRow = z.object({
  session_id: z.string(),
  secret_hash: Bytes,
  user_id: z.string(),
  source: z.string(),
  surface: z.string(),
  started_ms: z.number(),
  seen_ms: z.number(),
  password_until_ms: z.number().nullable(),
  old_secret_hash: Bytes.nullable(),
  old_until_ms: z.number().nullable(),
});

const TokenRow = z.object({
  token_id: z.string(),
  secret_hash: Bytes,
  name: z.string(),
  role: Role,
  user_id: z.string().nullable(),
  sources: z.string(),
  created_ms: z.number(),
  expires_ms: z.number(),
  used_ms: z.number().nullable(),
});

/** People in the daemon's database. */
export function openPeopleStore(database: Database): PeopleStore {
  const tables = { ...userTables(database), ...sessionTables(database), ...tokenTables(database) };
  return {
    read: (work) => database.read(() => work(tables)),
    change: (work) => database.transaction(() => work(tables)),
  };
}

type UserTables = Pick<
  PeopleTables,
  | 'users'
  | 'userById'
  | 'userByName'
  | 'putUser'
  | 'removeUser'
  | 'setRecoveryCodes'
  | 'takeRecoveryCode'
  | 'recoveryCodesLeft'
  | 'claimCode'
  | 'setClaimCode'
>;

function userTables({ prepare }: Database): UserTables {
  return {
    users: () => prepare('SELECT * FROM users').all().map(decodeUser),
    userById: (userId) => maybe(prepare('SELECT * FROM users WHERE user_id = ?').get(userId), decodeUser),
    userByName: (userName) => maybe(prepare('SELECT * FROM users WHERE user_name = ?').get(userName), decodeUser),
    putUser: (user) => {
      prepare(
        `INSERT INTO users (user_id, user_name, role, password_hash, created_ms, last_seen_ms, totp_secret,
         totp_last_step) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET
         user_name = excluded.user_name, role = excluded.role, password_hash = excluded.password_hash,
         created_ms = excluded.created_ms, last_seen_ms = excluded.last_seen_ms,
         totp_secret = excluded.totp_secret, totp_last_step = excluded.totp_last_step`,
      ).run(
        user.userId,
        user.userName,
        user.role,
        user.passwordHash,
        user.createdMs,
        user.lastSeenMs,
        user.secondFactor?.secret ?? null,
        user.secondFactor?.lastStep ?? null,
      );
    },
    removeUser: (userId) => void prepare('DELETE FROM users WHERE user_id = ?').run(userId),
    setRecoveryCodes: (userId, hashes) => {
      prepare('DELETE FROM recovery_codes WHERE user_id = ?').run(userId);
      for (const hash of hashes)
        prepare('INSERT INTO recovery_codes (user_id, code_hash) VALUES (?, ?)').run(userId, hash);
    },
    takeRecoveryCode: (userId, hash) =>
      prepare('DELETE FROM recovery_codes WHERE user_id = ? AND code_hash = ?').run(userId, hash).changes === 1,
    recoveryCodesLeft: (userId) =>
      Number(prepare('SELECT count(*) AS n FROM recovery_codes WHERE user_id = ?').get(userId)?.['n'] ?? 0),
    claimCode: () =>
      maybe(prepare('SELECT code FROM claim').get(), (row) => z.object({ code: z.string() }).parse(row).code),
    setClaimCode: (code) => {
      prepare('DELETE FROM claim').run();
      if (code !== undefined) prepare('INSERT INTO claim (only_one, code) VALUES (1, ?)').run(code);
    },
  };
}

type SessionTables = Pick<
  PeopleTables,
  'sessions' | 'sessionById' | 'sessionBySecret' | 'putSession' | 'removeSession'
>;

function sessionTables({ prepare }: Database): SessionTables {
  return {
    sessions: () => prepare('SELECT * FROM sessions').all().map(decodeSession),
    sessionById: (id) => maybe(prepare('SELECT * FROM sessions WHERE session_id = ?').get(id), decodeSession),
    sessionBySecret: (hash) =>
      maybe(prepare('SELECT * FROM sessions WHERE secret_hash = ?1 OR old_secret_hash = ?1').get(hash), decodeSession),
    putSession: (session) => {
      prepare(
        `INSERT INTO sessions (session_id, secret_hash, user_id, source, surface, started_ms, seen_ms,
         password_until_ms, old_secret_hash, old_until_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id) DO UPDATE SET
         secret_hash = excluded.secret_hash, seen_ms = excluded.seen_ms,
         password_until_ms = excluded.password_until_ms,
         old_secret_hash = excluded.old_secret_hash, old_until_ms = excluded.old_until_ms`,
      ).run(
        session.sessionId,
        session.secretHash,
        session.userId,
        session.source,
        session.surface,
        session.startedMs,
        session.seenMs,
        session.passwordUntilMs,
        session.old?.secretHash ?? null,
        session.old?.untilMs ?? null,
      );
    },
    removeSession: (id) => void prepare('DELETE FROM sessions WHERE session_id = ?').run(id),
  };
}

type TokenTables = Pick<PeopleTables, 'tokens' | 'tokenBySecret' | 'putToken' | 'removeToken'>;

function tokenTables({ prepare }: Database): TokenTables {
  return {
    tokens: () => prepare('SELECT * FROM tokens').all().map(decodeToken),
    tokenBySecret: (hash) => maybe(prepare('SELECT * FROM tokens WHERE secret_hash = ?').get(hash), decodeToken),
    putToken: (token) => {
      prepare(
        `INSERT INTO tokens (token_id, secret_hash, name, role, user_id, sources, created_ms, expires_ms, used_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (token_id) DO UPDATE SET used_ms = excluded.used_ms`,
      ).run(
        token.tokenId,
        token.secretHash,
        token.name,
        token.role,
        token.userId,
        token.sources.join(' '),
        token.createdMs,
        token.expiresMs,
        token.usedMs,
      );
    },
    removeToken: (id) => void prepare('DELETE FROM tokens WHERE token_id = ?').run(id),
  };
}

function maybe<T>(row: unknown, decode: (row: unknown) => T): T | undefined {
  return row === undefined ? undefined : decode(row);
}

function decodeUser(raw: unknown): User {
  const row = UserRow.parse(raw);
  return {
    userId: row.user_id,
    userName: row.user_name,
    role: row.role,
    passwordHash: row.password_hash,
    createdMs: row.created_ms,
    lastSeenMs: row.last_seen_ms,
    secondFactor: row.totp_secret && { secret: row.totp_secret, lastStep: row.totp_last_step ?? -1 },
  };
}

function decodeSession(raw: unknown): Session {
  const row = SessionRow.parse(raw);
  return {
    sessionId: row.session_id,
    secretHash: row.secret_hash,
    userId: row.user_id,
    source: row.source,
    surface: row.surface,
    startedMs: row.started_ms,
    seenMs: row.seen_ms,
    passwordUntilMs: row.password_until_ms,
    old: row.old_secret_hash && { secretHash: row.old_secret_hash, untilMs: row.old_until_ms ?? 0 },
  };
}

function decodeToken(raw: unknown): Token {
  const row = TokenRow.parse(raw);
  return {
    tokenId: row.token_id,
    secretHash: row.secret_hash,
    name: row.name,
    role: row.role,
    userId: row.user_id,
    sources: row.sources === '' ? [] : row.sources.split(' '),
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
    usedMs: row.used_ms,
  };
}
