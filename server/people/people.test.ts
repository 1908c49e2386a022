import { createHmac } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { SimulatedClock } from '../core/clock.ts';
import { fail, type Result } from '../core/result.ts';
import { codeAt, stepAt } from './one-time-code.ts';
import type { People } from './people.ts';
import { ABSOLUTE_MS, IDLE_MS, MAX_SESSIONS, OLD_SECRET_MS, PASSWORD_PROOF_MS } from './session-rules.ts';
import { type SimulatedPeopleStore, simulatedDigest, simulatePeople } from './simulated-people.ts';
import type { User } from './store.ts';

const PASSWORD = 'correct horse staple nine';
const OTHER = 'seven blue bicycles sleep';
const here = { source: '192.0.2.7', surface: 'page' };
const elsewhere = { source: '198.51.100.9', surface: 'page' };
const digest = {
  ...simulatedDigest,
  hmacSha1: (key: Uint8Array, message: Uint8Array) => createHmac('sha1', key).update(message).digest(),
};

let clock: SimulatedClock;
let people: People;
let store: SimulatedPeopleStore;
beforeEach(() => {
  clock = new SimulatedClock(Date.UTC(2026, 10, 23));
  ({ people, store } = simulatePeople({ clock, digest }));
});

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}
const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.error.code);

/** Waits like a person would: time goes on while somebody is slowed down. */
async function patiently<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const watched = work.finally(() => {
    isDone = true;
  });
  for (let i = 0; i < 200 && !isDone; i++) {
    for (let j = 0; j < 20; j++) await Promise.resolve();
    if (!isDone) clock.advance(50);
  }
  return watched;
}

async function claimed(): Promise<{ user: User; secret: string }> {
  const code = must(people.signIn.claimCode()) ?? '';
  const { user, session } = must(await people.signIn.claim({ code, userName: 'Anna', password: PASSWORD }, here));
  return { user, secret: session.secret };
}
const signIn = (password: string, from = here, name = 'anna') => patiently(people.signIn.signIn(name, password, from));
const sessionOf = async (from = here): Promise<string> => must(await signIn(PASSWORD, from)).session?.secret ?? '';
const isSignedIn = (secret: string): boolean => must(people.sessions.find(secret, false)) !== undefined;

describe('the claim', () => {
  test('makes the first owner, signs him in, and works once', async () => {
    const code = must(people.signIn.claimCode()) ?? '';
    expect(must(people.signIn.claimCode())).toBe(code);
    expect(must(people.signIn.isClaimed())).toBe(false);
    const typed = code.toLowerCase().replaceAll('-', ' ');
    const { user, session } = must(
      await people.signIn.claim({ code: typed, userName: ' Anna ', password: PASSWORD }, here),
    );
    expect(user).toMatchObject({ userName: 'anna', role: 'owner' });
    expect(isSignedIn(session.secret)).toBe(true);
    expect(must(people.signIn.claimCode())).toBeNull();
    const again = await people.signIn.claim({ code, userName: 'eve', password: OTHER }, elsewhere);
    expect(codeOf(again)).toBe('people.claimed');
  });

  test('of two at once with the right code one wins', async () => {
    const code = must(people.signIn.claimCode()) ?? '';
    const both = await Promise.all(
      ['anna', 'eve'].map((userName) => people.signIn.claim({ code, userName, password: PASSWORD }, here)),
    );
    expect(both.map(codeOf).toSorted()).toEqual(['ok', 'people.claimed']);
    expect(must(people.users.list())).toHaveLength(1);
  });

  test('a weak password or a bad name does not use the code up, nor count as a guess', async () => {
    const code = must(people.signIn.claimCode()) ?? '';
    for (let i = 0; i < 10; i++) {
      expect(codeOf(await people.signIn.claim({ code, userName: 'anna', password: 'short' }, here))).toBe(
        'people.weak-password',
      );
      expect(codeOf(await people.signIn.claim({ code, userName: '<b>', password: PASSWORD }, here))).toBe(
        'people.user-name',
      );
    }
    await claimed();
  });

  test('guesses are slowed down, and from elsewhere the right code still works', async () => {
    const guess = () => people.signIn.claim({ code: 'AAAA-AAAA-AAAA', userName: 'eve', password: PASSWORD }, elsewhere);
    const codes: string[] = [];
    for (let i = 0; i < 8; i++) codes.push(codeOf(await patiently(guess())));
    expect(codes.slice(0, 5)).toEqual(Array(5).fill('people.wrong-claim-code'));
    expect(codes.slice(5)).toEqual(Array(3).fill('people.throttled'));
    await claimed();
  });

  test('somebody without an owner role does not make the box claimed', async () => {
    must(await people.users.add('bob', 'viewer', PASSWORD));
    expect(must(people.signIn.isClaimed())).toBe(false);
    await claimed();
  });
});

describe('signing in', () => {
  test('a wrong password and a name that nobody has look the same', async () => {
    await claimed();
    const wrong = await signIn('not the password at all');
    const nobody = await signIn('not the password at all', here, 'nobody-here');
    expect(wrong).toEqual(nobody);
    expect(codeOf(wrong)).toBe('people.wrong-credentials');
  });

  test('each time gives another secret, and the session that the browser had ends', async () => {
    const { secret: first } = await claimed();
    const known = must(people.sessions.find(first, false));
    const from = { ...here, sessionId: known?.session.sessionId ?? '' };
    const second = must(await patiently(people.signIn.signIn('anna', PASSWORD, from))).session?.secret ?? '';
    expect(second).not.toBe(first);
    expect(isSignedIn(first)).toBe(false);
    expect(isSignedIn(second)).toBe(true);
  });

  test('the owner gets in from a quiet place while ten thousand guess from others', async () => {
    await claimed();
    for (let i = 0; i < 300; i++) {
      await patiently(
        people.signIn.signIn('anna', 'guess guess guess', { ...here, source: `10.0.${i % 7}.${i % 250}` }),
      );
    }
    const startMs = clock.monotonicMs();
    expect(must(await signIn(PASSWORD, elsewhere)).session).not.toBeNull();
    expect(clock.monotonicMs() - startMs).toBeLessThanOrEqual(2_100);
  });

  test('one person has only so many sessions; the quietest ends', async () => {
    const { secret: oldest } = await claimed();
    for (let i = 0; i < MAX_SESSIONS; i++) {
      clock.advance(1_000);
      await sessionOf();
    }
    expect(isSignedIn(oldest)).toBe(false);
    expect(must(people.sessions.list(undefined))).toHaveLength(MAX_SESSIONS);
  });

  test('a database that cannot be used is said, not taken for a wrong password', async () => {
    await claimed();
    store.failure = fail('database.damaged', 'box.db: the database is damaged');
    expect(codeOf(await signIn(PASSWORD))).toBe('database.damaged');
    expect(codeOf(people.sessions.find('x', false))).toBe('database.damaged');
  });
});

describe('a session', () => {
  test('ends by silence, by age, and what a page asks by itself keeps none awake', async () => {
    const { secret } = await claimed();
    clock.advance(IDLE_MS - 1);
    must(people.sessions.find(secret, true));
    clock.advance(1);
    expect(isSignedIn(secret)).toBe(false);
    const busy = await sessionOf();
    for (let ms = 0; ms < ABSOLUTE_MS - 60_000; ms += 60_000) {
      clock.advance(60_000);
      expect(isSignedIn(busy)).toBe(true);
    }
    clock.advance(60_000);
    expect(isSignedIn(busy)).toBe(false);
  });

  test('a password given again counts for five minutes, and rotation ends the old secret in a moment', async () => {
    const { user, secret } = await claimed();
    const { session } = must(people.sessions.find(secret, false)) ?? {};
    const at = { sessionId: session?.sessionId ?? '', source: here.source };
    expect(codeOf(await patiently(people.passwords.confirm(user, 'wrong', at)))).toBe('people.wrong-password');
    must(await patiently(people.passwords.confirm(user, PASSWORD, at)));
    const { secret: rotated } = must(people.sessions.prove(at.sessionId, true));
    expect(must(people.sessions.find(rotated ?? '', false))?.passwordUntilMs).toBeGreaterThan(clock.nowMs());
    // A call that was on its way goes through, without what the new secret may.
    expect(must(people.sessions.find(secret, false))).toMatchObject({ passwordUntilMs: undefined });
    clock.advance(OLD_SECRET_MS);
    expect(isSignedIn(secret)).toBe(false);
    clock.advance(PASSWORD_PROOF_MS);
    expect(must(people.sessions.find(rotated ?? '', false))?.passwordUntilMs).toBeUndefined();
  });

  test('stolen, it is no place to guess the password from, however many addresses it is used from', async () => {
    const { user, secret } = await claimed();
    const sessionId = must(people.sessions.find(secret, false))?.session.sessionId ?? '';
    const codes: string[] = [];
    for (let i = 0; i < 8; i++) {
      const at = { sessionId, source: `198.51.100.${i}` };
      codes.push(codeOf(await patiently(people.passwords.confirm(user, 'guess guess guess', at))));
    }
    expect(codes.slice(5)).toEqual(Array(3).fill('people.throttled'));
  });

  test('is seen and ended by its owner only, or by an owner of the box', async () => {
    const { user, secret } = await claimed();
    const bob = must(await people.users.add('bob', 'admin', OTHER));
    const { sessionId } = must(people.sessions.find(secret, false))?.session ?? { sessionId: '' };
    expect(must(people.sessions.list(bob.userId))).toEqual([]);
    expect(codeOf(people.sessions.end(sessionId, bob.userId))).toBe('people.unknown-session');
    must(people.sessions.end(sessionId, user.userId));
    expect(isSignedIn(secret)).toBe(false);
  });
});

describe('a change of what somebody may', () => {
  test('ends all his sessions', async () => {
    await claimed();
    const bob = must(await people.users.add('bob', 'viewer', OTHER));
    const { session } = must(await signIn(OTHER, here, 'bob'));
    must(people.users.setRole(bob.userId, 'admin'));
    expect(isSignedIn(session?.secret ?? '')).toBe(false);
  });

  test('a new password ends the other sessions, and tickets from before are worth nothing', async () => {
    const { user, secret } = await claimed();
    const second = await sessionOf();
    const sessionId = must(people.sessions.find(secret, false))?.session.sessionId ?? '';
    const at = { sessionId, source: here.source };
    must(await patiently(people.users.changePassword(user, { password: PASSWORD, newPassword: OTHER }, at)));
    expect([secret, second].map(isSignedIn)).toEqual([true, false]);
    expect(codeOf(await signIn(PASSWORD))).toBe('people.wrong-credentials');
    expect(codeOf(await signIn(OTHER))).toBe('ok');
  });

  test('the last owner stays one, and stays', async () => {
    const { user } = await claimed();
    expect(codeOf(people.users.setRole(user.userId, 'admin'))).toBe('people.last-owner');
    expect(codeOf(people.users.remove(user.userId))).toBe('people.last-owner');
    const bob = must(await people.users.add('bob', 'owner', OTHER));
    must(people.users.setRole(user.userId, 'viewer'));
    expect(codeOf(people.users.remove(bob.userId))).toBe('people.last-owner');
  });

  test('a reset at the console gives a password that works, and ends the sessions', async () => {
    const { secret } = await claimed();
    const password = must(await people.users.resetPassword('Anna', false));
    expect(isSignedIn(secret)).toBe(false);
    expect(codeOf(await signIn(password))).toBe('ok');
  });
});

describe('the second factor', () => {
  let user: User;
  let codes: readonly string[];
  let key: Uint8Array;
  const now = (): string => codeAt(digest, key, stepAt(clock.nowMs()));
  const byCode = async (code: string, from = here) => {
    const { ticket } = must(await signIn(PASSWORD, from));
    return patiently(people.signIn.signInCode(ticket ?? '', code, from));
  };
  beforeEach(async () => {
    const { user: anna, secret } = await claimed();
    const sessionId = must(people.sessions.find(secret, false))?.session.sessionId ?? '';
    must(people.factors.begin(anna));
    expect(codeOf(people.factors.confirm(anna, '000000', sessionId))).toBe('people.wrong-code');
    const begun = must(people.factors.begin(anna));
    expect(begun.uri).toContain(begun.secret);
    key = decodeBase32(begun.secret);
    codes = must(people.factors.confirm(anna, now(), sessionId));
    user = must(people.users.byId(anna.userId));
    clock.advance(60_000);
  });

  test('the first code cannot be guessed by who has only the session', async () => {
    must(people.factors.drop(user.userId));
    const anna = must(people.users.byId(user.userId));
    const { session } = must(await signIn(PASSWORD));
    key = decodeBase32(must(people.factors.begin(anna)).secret);
    const confirm = (code: string) => codeOf(people.factors.confirm(anna, code, session?.sessionId ?? ''));
    const wrong = now() === '000000' ? '000001' : '000000';
    for (let i = 0; i < 10; i++) expect(confirm(wrong)).toBe('people.wrong-code');
    expect(confirm(now())).toBe('people.second-factor');
    key = decodeBase32(must(people.factors.begin(anna)).secret);
    expect(confirm(now())).toBe('ok');
  });

  test('a password alone gives a ticket, and no session', async () => {
    expect(must(await signIn(PASSWORD))).toMatchObject({ session: null, ticket: expect.any(String) });
    expect(must(await byCode(now())).session.secret).toBeTruthy();
  });

  test('a code is taken once, at sign-in and everywhere', async () => {
    const code = now();
    must(await byCode(code));
    expect(codeOf(await byCode(code))).toBe('people.wrong-code');
    expect(codeOf(await patiently(people.factors.verify(user, code, here.source)))).toBe('people.wrong-code');
  });

  test('of two at once with one code one wins', async () => {
    const tickets = [must(await signIn(PASSWORD)).ticket ?? '', must(await signIn(PASSWORD)).ticket ?? ''];
    const code = now();
    const both = await patiently(Promise.all(tickets.map((ticket) => people.signIn.signInCode(ticket, code, here))));
    expect(both.map(codeOf).toSorted()).toEqual(['ok', 'people.wrong-code']);
  });

  test('a ticket is worth five tries and five minutes, and turns in once', async () => {
    const { ticket } = must(await signIn(PASSWORD));
    const tried: string[] = [];
    for (let i = 0; i < 6; i++) {
      tried.push(codeOf(await patiently(people.signIn.signInCode(ticket ?? '', `${100_000 + i}`, here))));
      clock.advance(20_000);
    }
    expect(tried.at(-1)).toBe('people.ticket');
    clock.advance(3_600_001);
    const late = must(await signIn(PASSWORD)).ticket ?? '';
    clock.advance(300_000);
    expect(codeOf(await patiently(people.signIn.signInCode(late, now(), here)))).toBe('people.ticket');
    expect(codeOf(await patiently(people.signIn.signInCode('made up', now(), here)))).toBe('people.ticket');
  });

  test('a recovery code works once, and still when the app is throttled from everywhere', async () => {
    must(await byCode(now()));
    clock.advance(30_000);
    for (let i = 0; i < 6; i++) await byCode('000000', { ...here, source: `203.0.113.${i}` });
    expect(codeOf(await byCode(now(), elsewhere))).toBe('people.throttled');
    // But not where a code was right before.
    must(await byCode(now(), here));
    const [first = ''] = codes;
    must(await byCode(first.toLowerCase().replaceAll('-', ' '), elsewhere));
    expect(codeOf(await byCode(first, elsewhere))).toBe('people.wrong-code');
    expect(must(people.factors.recoveryCodesLeft(user.userId))).toBe(9);
  });

  test('dropped at the console, the password alone is enough again and recovery codes are gone', async () => {
    const password = must(await people.users.resetPassword('anna', true));
    expect(must(await signIn(password)).session).not.toBeNull();
    expect(must(people.factors.recoveryCodesLeft(user.userId))).toBe(0);
  });

  test('no secret is kept but the one of the app: codes and passwords only as hashes', () => {
    const kept = must(store.read((tables) => JSON.stringify([tables.users(), tables.sessions(), tables.tokens()])));
    for (const secret of codes) expect(kept).not.toContain(secret);
  });
});

describe('a token', () => {
  const owner = { role: 'owner' as const, userId: undefined };
  const request = {
    name: 'backup',
    role: 'operator' as const,
    expiresDays: 30,
    sources: ['10.0.0.0/8', '2001:db8::/32'],
  };

  test('works from its networks, until its end, with its role', () => {
    const { secret } = must(people.tokens.add(request, owner));
    const from = (source: string) => must(people.tokens.find(secret, source))?.role;
    expect(from('10.1.2.3')).toBe('operator');
    expect(from('::ffff:10.1.2.3')).toBe('operator');
    expect(from('2001:db8::1')).toBe('operator');
    for (const source of ['192.0.2.1', '::1', 'uid 0', '', '10.0.0.0/8']) expect(from(source)).toBeUndefined();
    clock.advance(30 * 86_400_000);
    expect(from('10.1.2.3')).toBeUndefined();
  });

  test('never may more than who made it, then or later, and goes when he goes', async () => {
    await claimed();
    const bob = must(await people.users.add('bob', 'admin', OTHER));
    const maker = { role: 'admin' as const, userId: bob.userId };
    expect(codeOf(people.tokens.add({ ...request, role: 'owner' }, maker))).toBe('permission.role');
    const { secret } = must(people.tokens.add({ ...request, role: 'admin', sources: [] }, maker));
    must(people.users.setRole(bob.userId, 'viewer'));
    expect(must(people.tokens.find(secret, 'anywhere'))?.role).toBe('viewer');
    must(people.users.remove(bob.userId));
    expect(must(people.tokens.find(secret, 'anywhere'))).toBeUndefined();
  });

  test('above one’s own role it cannot be ended', () => {
    const { tokenId } = must(people.tokens.add({ ...request, role: 'owner' }, owner));
    expect(codeOf(people.tokens.remove(tokenId, { role: 'admin', userId: 'u_1' }))).toBe('permission.role');
    must(people.tokens.remove(tokenId, owner));
  });

  test.each([
    [{ name: '<script>' }, 'people.token-name'],
    [{ name: 'a\nb' }, 'people.token-name'],
    [{ sources: ['10.0.0.1/8'] }, 'ip.host-bits'],
    [{ sources: ['everywhere'] }, 'ip.address'],
  ])('%j is refused', (wrong, code) => {
    expect(codeOf(people.tokens.add({ ...request, ...wrong }, owner))).toBe(code);
    expect(must(people.tokens.list())).toEqual([]);
  });
});

function decodeBase32(text: string): Uint8Array {
  const bits = [...text]
    .map((one) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(one).toString(2).padStart(5, '0'))
    .join('');
  return Uint8Array.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
