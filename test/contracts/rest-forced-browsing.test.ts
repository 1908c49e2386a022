import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { paramsOf } from '../../server/http/rest/routes.ts';
import { ROLES, type Role } from '../../server/operations/actor.ts';
import { OPERATIONS } from '../../server/operations/all.ts';
import type { Operation } from '../../server/operations/operation.ts';
import { includes } from '../../server/people/role.ts';
import { canRun } from './contract-box.ts';
import { type RestAnswer, RestBox } from './rest-box.ts';
import { sampleInput } from './sample-input.ts';

const PASSWORD = 'what the tide left on the sand';
const operations: readonly Operation[] = (OPERATIONS as readonly Operation[]).filter((one) => one.rest);

/** Somebody who tries every door. */
interface Visitor {
  readonly name: string;
  readonly kind: 'person' | 'token' | 'nobody';
  readonly role: Role | null;
  readonly from: string;
}

const VISITORS: readonly Visitor[] = [
  { name: 'nobody', kind: 'nobody', role: null, from: '127.1.0.1' },
  { name: 'a guess', kind: 'nobody', role: null, from: '127.1.0.2' },
  ...ROLES.map((role, at): Visitor => ({ name: role, kind: 'person', role, from: `127.1.1.${at + 1}` })),
  ...ROLES.map((role, at): Visitor => ({ name: `token ${role}`, kind: 'token', role, from: `127.1.2.${at + 1}` })),
];

describe.skipIf(!canRun)('forced browsing', () => {
  const box = new RestBox();
  const secrets = new Map<string, string>([['a guess', 'qet_0000000000000000000000000000000000000000000']]);

  beforeAll(async () => {
    await box.start();
    await makeVisitors(box, secrets);
  }, 60_000);
  afterAll(() => box.remove());

  describe.each(VISITORS)('$name', (visitor) => {
    test.each(operations)('$method: $rest.verb $rest.path', async (operation) => {
      const answer = await knock(box, operation, visitor, secrets.get(visitor.name));
      const expected = expectedCode(operation, visitor);
      if (expected === undefined) {
        // Let in: what else is said of it is not about who asks.
        expect([answer.status, answer.body['code']]).not.toContain(401);
        expect(String(answer.body['code'] ?? '')).not.toMatch(/^permission\.(signed-out|role|password|surface)$/);
        expect([200, 201, 204, 404, 409, 412, 422, 503]).toContain(answer.status);
      } else {
        expect([answer.status, answer.body['code']]).toEqual([
          expected === 'permission.signed-out' ? 401 : 403,
          expected,
        ]);
        expect(answer.headers['content-type']).toBe('application/problem+json');
      }
    });
  });

  test('whoever was refused stands in the audit, and nothing was changed', async () => {
    const { events } = (await box.local('GetAudit', { limit: 200, who: 'viewer' })) as {
      events: { event: string; outcome: string }[];
    };
    const refused = new Set(events.filter(({ outcome }) => outcome === 'refused').map(({ event }) => event));
    const closed = operations.filter(({ role }) => role !== 'anyone' && role !== 'viewer').map(({ name }) => name);
    expect(closed.filter((name) => !refused.has(name))).toEqual([]);
    const { users } = (await box.local('GetUsers')) as { users: object[] };
    expect(users).toHaveLength(ROLES.length);
    expect(await box.local('GetPeers')).toEqual({ peers: [] });
  });
});

/** The code of the refusal that is right; undefined when the door is open. */
function expectedCode({ role, needsPassword, onlyLocal }: Operation, visitor: Visitor): string | undefined {
  if (onlyLocal) return 'permission.surface';
  if (role === 'anyone') return undefined;
  if (visitor.role === null) return 'permission.signed-out';
  if (!includes(visitor.role, role)) return 'permission.role';
  return needsPassword ? 'permission.password' : undefined;
}

/**
 * Asks for a route. Where the visitor may, and it changes something, he asks for it wrongly: an open door is
 * seen all the same, and the box stays as it is. Where he may not, he asks as rightly as he can.
 */
function knock(box: RestBox, operation: Operation, visitor: Visitor, auth: string | undefined): Promise<RestAnswer> {
  const { verb, path } = operation.rest ?? { verb: 'GET', path: '' };
  const isOpen = expectedCode(operation, visitor) === undefined;
  const input = sampleInput(operation);
  const inPath = paramsOf(path);
  const rest = Object.fromEntries(Object.entries(input).filter(([name]) => !inPath.includes(name)));
  const place = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(input[name])));
  const asked = { auth, from: visitor.from, headers: { 'If-Match': '*' } };
  if (verb === 'GET') return box.ask(verb, `${place}?${new URLSearchParams(rest as Record<string, string>)}`, asked);
  if (verb === 'DELETE') return box.ask(verb, isOpen ? `${place}?no_such_field=1` : place, { ...asked, headers: {} });
  const body = isOpen ? { ...rest, no_such_field: true } : rest;
  return box.ask(verb, place, { ...asked, body, headers: verb === 'PUT' ? asked.headers : {} });
}

async function makeVisitors(box: RestBox, secrets: Map<string, string>): Promise<void> {
  const { code } = await box.local('GetClaimCode');
  const claimed = await box.ask('POST', '/claim', { body: { code, user_name: 'owner', password: PASSWORD } });
  expect(claimed.status).toBe(200);
  const auth = String(claimed.body['session']);
  await box.ask('POST', '/me/password-proof', { auth, body: { password: PASSWORD } });
  for (const [at, role] of ROLES.entries()) {
    if (role !== 'owner') {
      const made = await box.ask('POST', '/users', { auth, body: { user_name: role, role, password: PASSWORD } });
      expect([made.status, made.headers['location']]).toEqual([201, `/api/v1/users/${made.body['user_id']}`]);
    }
    const signIn = { body: { user_name: role, password: PASSWORD }, from: `127.1.1.${at + 1}` };
    const signedIn = await box.ask('POST', '/session', signIn);
    secrets.set(role, String(signedIn.body['session']));
    const body = { name: role, role, expires_days: 1, sources: ['127.0.0.0/8'] };
    const token = await box.ask('POST', '/tokens', { auth, body });
    secrets.set(`token ${role}`, String(token.body['token']));
  }
  expect(new Set(secrets.values()).size).toBe(2 * ROLES.length + 1);
}
