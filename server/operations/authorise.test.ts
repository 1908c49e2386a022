import { describe, expect, test } from 'vitest';
import { ROLES } from '../core/role.ts';
import type { Actor, Right } from './actor.ts';
import { OPERATIONS } from './all.ts';
import { decideAccess, type Guarded } from './authorise.ts';
import type { Operation, Surface } from './operation.ts';

const all: readonly Operation[] = OPERATIONS;
const NOW_MS = 1_000_000;

// Written out once more, so that a slip in the declaration or in the rule shows.
const RANK: Readonly<Record<Right, number>> = { anyone: 0, viewer: 1, operator: 2, admin: 3, owner: 4 };
const SURFACES: readonly Surface[] = ['rpc', 'rest', 'page'];

const actor = (more: Partial<Actor>): Actor => ({
  kind: 'person',
  name: 'anna',
  role: 'viewer',
  source: '192.0.2.7',
  surface: 'page',
  ...more,
});
const codeOf = (operation: Guarded, who: Partial<Actor>): string => {
  const decided = decideAccess(operation, actor(who), NOW_MS);
  return decided.ok ? 'ok' : decided.error.code;
};

/** Every method with the role that it asks for: to change one is to change this line, knowingly. */
const DECLARED: Readonly<Record<Right, string>> = {
  anyone: 'Claim GetClaimState SignIn SignInCode',
  viewer: `BeginSecondFactor ChangePassword ConfirmSecondFactor DropSecondFactor EndSession GetMe GetSessions
    ProvePassword SignOut`,
  operator: '',
  admin: 'AddToken GetTokens GetUsers RemoveToken',
  owner: 'AddUser GetClaimCode RemoveUser ResetPassword SetUserRole',
};
const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);

test('the operations on people ask for the roles that were agreed on', () => {
  for (const [role, methods] of Object.entries(DECLARED)) {
    for (const method of words(methods)) {
      expect([method, all.find((one) => one.method === method)?.role]).toEqual([method, role]);
    }
  }
});

test('what can be undone by nobody, or gives rights, asks for the password again', () => {
  const asking = all.filter(({ needsPassword }) => needsPassword).map(({ method }) => method);
  expect(asking).toEqual(
    expect.arrayContaining([
      'AddToken',
      'AddUser',
      'BeginSecondFactor',
      'DropSecondFactor',
      'RemoveUser',
      'SetUserRole',
    ]),
  );
});

describe.each(all.map((one) => [one.method, one] as const))('%s', (_, operation) => {
  const rank = RANK[operation.role];
  const surfaces = SURFACES.filter((surface) => !(surface in operation.omitted));

  test.each(ROLES)('for a person and a token with the role %s', (role) => {
    for (const surface of surfaces) {
      const mayByRole = RANK[role] >= rank;
      const expected = operation.onlyLocal
        ? 'permission.surface'
        : !mayByRole
          ? 'permission.role'
          : operation.needsPassword
            ? 'permission.password'
            : 'ok';
      expect(codeOf(operation, { role, surface })).toBe(expected);
      expect(codeOf(operation, { role, surface, kind: 'token' })).toBe(expected);
      const proven = { role, surface, passwordUntilMs: NOW_MS + 1 };
      expect(codeOf(operation, proven)).toBe(expected === 'permission.password' ? 'ok' : expected);
      expect(codeOf(operation, { ...proven, kind: 'token' })).toBe(expected);
      expect(codeOf(operation, { role, surface, passwordUntilMs: NOW_MS })).toBe(expected);
    }
  });

  test('for somebody who has not signed in', () => {
    for (const surface of surfaces) {
      const decided = codeOf(operation, { kind: 'anonymous', role: null, surface, passwordUntilMs: NOW_MS + 1 });
      expect(decided).toBe(rank === 0 ? 'ok' : operation.onlyLocal ? 'permission.surface' : 'permission.signed-out');
    }
  });

  test('for a Unix user at the socket, by role alone', () => {
    for (const role of ['admin', 'owner'] as const) {
      const decided = codeOf(operation, { kind: 'local', role, surface: 'cli' });
      expect(decided).toBe(RANK[role] >= rank ? 'ok' : 'permission.role');
    }
  });

  test('on surfaces that leave it out, for nobody behind a front', () => {
    for (const surface of SURFACES.filter((one) => one in operation.omitted)) {
      const who = { role: 'owner' as const, surface, passwordUntilMs: NOW_MS + 1 };
      expect(codeOf(operation, who)).toBe('permission.surface');
    }
  });

  test('for somebody who has yet to set up the second factor that the box asks for', () => {
    for (const surface of surfaces) {
      const who = { role: 'owner' as const, surface, passwordUntilMs: NOW_MS + 1, lacksSecondFactor: true };
      const isOpen = rank === 0 || operation.beforeSecondFactor === true;
      const expected = operation.onlyLocal ? 'permission.surface' : isOpen ? 'ok' : 'permission.second-factor';
      expect(codeOf(operation, who)).toBe(expected);
    }
  });
});
