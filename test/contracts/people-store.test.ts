import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../server/adapters/database.ts';
import { openPeopleStore } from '../../server/adapters/people-store.ts';
import { fail, ok, type Result } from '../../server/core/result.ts';
import { SimulatedPeopleStore } from '../../server/people/simulated-people.ts';
import type { PeopleStore, PeopleTables, Session, Token, User } from '../../server/people/store.ts';

const folder = mkdtempSync(join(tmpdir(), 'qe-people-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

const bytes = (...all: number[]): Uint8Array => Uint8Array.from(all);
/** SQLite gives plain arrays of bytes; what counts is what is in them. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one) => (one instanceof Uint8Array ? [...one] : one)));

const anna: User = {
  userId: 'u_1',
  userName: 'anna',
  role: 'owner',
  passwordHash: '$x',
  createdMs: 1_700_000_000_000,
  lastSeenMs: null,
  secondFactor: null,
};
const bob: User = {
  ...anna,
  userId: 'u_2',
  userName: 'bob',
  role: 'viewer',
  secondFactor: { secret: bytes(1, 2), lastStep: 7 },
};
const session: Session = {
  sessionId: 's_1',
  secretHash: bytes(9, 9),
  userId: 'u_2',
  source: '192.0.2.7',
  surface: 'page',
  startedMs: 5,
  seenMs: 6,
  passwordUntilMs: null,
  old: null,
};
const token: Token = {
  tokenId: 't_1',
  secretHash: bytes(3),
  name: "back'up; --",
  role: 'admin',
  userId: 'u_2',
  sources: ['10.0.0.0/8', '2001:db8::/32'],
  createdMs: 1,
  expiresMs: 2,
  usedMs: null,
};

describe.each<[string, () => PeopleStore]>([
  ['the simulated store', () => new SimulatedPeopleStore()],
  ['the database', () => openPeopleStore(must(openDatabase(join(folder, `${count++}.db`))))],
])('%s', (_, open) => {
  const filled = (): PeopleStore => {
    const store = open();
    change(store, (tables) => {
      for (const user of [anna, bob]) tables.putUser(user);
      tables.putSession(session);
      tables.putToken(token);
      tables.setRecoveryCodes('u_2', [bytes(1), bytes(2)]);
    });
    return store;
  };
  const change = (store: PeopleStore, work: (tables: PeopleTables) => void): void =>
    must(
      store.change((tables) => {
        work(tables);
        return ok(undefined);
      }),
    );
  const read = <T>(store: PeopleStore, work: (tables: PeopleTables) => T): unknown =>
    plain(must(store.read(work)) ?? null);

  test('gives back what was put in, by each of its names', () => {
    const store = filled();
    expect(read(store, (t) => t.users())).toEqual(plain([anna, bob]));
    expect(read(store, (t) => t.userById('u_2'))).toEqual(plain(bob));
    expect(read(store, (t) => t.userByName('anna'))).toEqual(plain(anna));
    expect(read(store, (t) => t.userByName('Anna'))).toBeNull();
    expect(read(store, (t) => t.sessionBySecret(bytes(9, 9)))).toEqual(plain(session));
    expect(read(store, (t) => t.sessionById('s_1'))).toEqual(plain(session));
    expect(read(store, (t) => t.tokenBySecret(bytes(3)))).toEqual(plain(token));
    expect(read(store, (t) => [t.tokenBySecret(bytes(4)), t.sessionBySecret(bytes(4))])).toEqual([null, null]);
  });

  test('replaces in place, and keeps sessions and tokens of who is replaced', () => {
    const store = filled();
    const changed = { ...bob, role: 'admin' as const, secondFactor: null, lastSeenMs: 8 };
    const rotated = {
      ...session,
      secretHash: bytes(7),
      old: { secretHash: bytes(9, 9), untilMs: 50 },
      passwordUntilMs: 9,
    };
    change(store, (t) => {
      t.putUser(changed);
      t.putSession(rotated);
      t.putToken({ ...token, usedMs: 4 });
    });
    expect(read(store, (t) => t.userById('u_2'))).toEqual(plain(changed));
    for (const hash of [bytes(7), bytes(9, 9)])
      expect(read(store, (t) => t.sessionBySecret(hash))).toEqual(plain(rotated));
    expect(read(store, (t) => t.tokens())).toEqual(plain([{ ...token, usedMs: 4 }]));
    expect(read(store, (t) => t.recoveryCodesLeft('u_2'))).toBe(2);
  });

  test('who is removed takes sessions, tokens and recovery codes along', () => {
    const store = filled();
    change(store, (t) => t.removeUser('u_2'));
    expect(read(store, (t) => [t.users().length, t.sessions(), t.tokens(), t.recoveryCodesLeft('u_2')])).toEqual([
      1,
      [],
      [],
      0,
    ]);
  });

  test('a recovery code is taken once', () => {
    const store = filled();
    const taken = [1, 1, 3].map((n) => must(store.change((t) => ok(t.takeRecoveryCode('u_2', bytes(n))))));
    expect(taken).toEqual([true, false, false]);
    expect(read(store, (t) => t.recoveryCodesLeft('u_2'))).toBe(1);
  });

  test('there is one claim code or none', () => {
    const store = open();
    expect(read(store, (t) => t.claimCode())).toBeNull();
    for (const code of ['A', 'B']) change(store, (t) => t.setClaimCode(code));
    expect(read(store, (t) => t.claimCode())).toBe('B');
    change(store, (t) => t.setClaimCode(undefined));
    expect(read(store, (t) => t.claimCode())).toBeNull();
  });

  test('a change that fails has changed nothing', () => {
    const store = filled();
    const failed = store.change((t) => {
      t.removeUser('u_2');
      t.putUser({ ...anna, role: 'viewer' });
      t.setClaimCode('X');
      return fail('some.reason', 'no');
    });
    expect(failed).toMatchObject({ ok: false, error: { code: 'some.reason' } });
    expect(read(store, (t) => [t.users(), t.sessions(), t.tokens(), t.claimCode() ?? null])).toEqual(
      plain([[anna, bob], [session], [token], null]),
    );
  });
});
