import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { csrfToken } from '../../server/http/csrf.ts';
import { allPages } from '../../server/http/page-list.ts';
import { canRun } from './contract-box.ts';
import { RestBox } from './rest-box.ts';

const PASSWORD = 'what the tide left on the sand';
const NODE_ID = 'qe12t4ru7h8s9ljxk4ah3luae6wyt2gckchmwgrxz';

/** What is there before anybody has signed in. */
const PUBLIC = new Set(['/sign-in', '/sign-in/code', '/login', '/password']);
/** Ends the session that the others are tried with. */
const LEFT_OUT = new Set(['/sign-out']);
const ROLES = ['viewer', 'operator', 'admin'] as const;

interface PageRoute {
  readonly verb: 'GET' | 'POST';
  readonly path: string;
}

const routes = observeRoutes();
const pages = routes.filter(({ verb }) => verb === 'GET').map(({ path }) => path.replace(/:id\{[^/]*\}/, NODE_ID));

describe.skipIf(!canRun)('every role on every page', () => {
  const box = new RestBox();
  const sessions = new Map<string, string>();
  let fields: Readonly<Record<string, string>> = {};

  beforeAll(async () => {
    await box.start();
    const { code } = await box.local('GetClaimCode');
    const claimed = await box.ask('POST', '/claim', { body: { code, user_name: 'owner', password: PASSWORD } });
    const auth = String(claimed.body['session']);
    await box.ask('POST', '/me/password-proof', { auth, body: { password: PASSWORD } });
    for (const role of ROLES) {
      await box.ask('POST', '/users', { auth, body: { user_name: role, role, password: PASSWORD } });
      const signedIn = await box.ask('POST', '/session', { body: { user_name: role, password: PASSWORD } });
      sessions.set(role, String(signedIn.body['session']));
    }
    await box.ask('POST', '/tokens', { auth, body: { name: 'backup', role: 'viewer', expires_days: 9 } });
    await box.ask('POST', '/peers', { auth, body: { node_id: NODE_ID, address: '192.0.2.9:9000', name: 'York' } });
    fields = await observeTargets(box, auth);
  }, 60_000);
  afterAll(() => box.remove());

  test('there are pages to try', () => {
    expect(routes.length).toBeGreaterThan(30);
  });

  describe.each(routes)('$verb $path', ({ verb, path }) => {
    const place = path.replace(/:id\{[^/]*\}/, NODE_ID);

    test('nobody is led to the sign-in page, or refused', async () => {
      const answer = await send(box, verb, place, { fields, from: '127.2.0.1' });
      if (path === '/claim') expect([answer.status, answer.headers.location]).toEqual([303, '/']);
      else if (verb === 'POST' && answer.status !== 303) expect(answer.status).toBe(403);
      else if (PUBLIC.has(path)) expect([200, 303, 308]).toContain(answer.status);
      else {
        // Straight there, or by way of another page that leads there; on the way nothing is told.
        const [to = ''] = String(answer.headers.location).split(/[?#]/);
        expect([answer.status, answer.text]).toEqual([303, '']);
        expect(['/sign-in', ...pages]).toContain(to);
        if (to !== '/sign-in')
          expect((await send(box, 'GET', to, { fields, from: '127.2.0.1' })).headers.location).toMatch(/^\/sign-in/);
      }
    });

    test.each(ROLES)('%s does no more than he may, and the page does not break', async (role) => {
      const before = await observeState(box);
      const session = sessions.get(role) ?? '';
      const answer = await send(box, verb, place, { fields, session, from: `127.2.1.${ROLES.indexOf(role) + 1}` });
      expect([200, 303, 308, 400, 403, 404, 409, 413, 415, 422, 429]).toContain(answer.status);
      // Administrators may change some of it, and have to give the password for most of that.
      if (role !== 'admin' || verb === 'GET') expect(await observeState(box)).toEqual(before);
      else expect((await observeState(box)).users).toEqual(before.users);
    });
  });

  test('whoever was refused stands in the audit', async () => {
    const { events } = (await box.local('GetAudit', { limit: 200, who: 'viewer' })) as {
      events: { outcome: string; surface: string }[];
    };
    expect(events.filter(({ outcome, surface }) => outcome === 'refused' && surface === 'page').length).toBeGreaterThan(
      5,
    );
  });
});

/** The routes that pages register, found by letting them register. */
function observeRoutes(): readonly PageRoute[] {
  const found: PageRoute[] = [];
  const record =
    (verb: PageRoute['verb']) =>
    (path: string): void => {
      if (!LEFT_OUT.has(path)) found.push({ verb, path });
    };
  const app = { get: record('GET'), post: record('POST') };
  const front = { live: () => {}, requireRole: () => undefined };
  for (const register of allPages(() => ({}) as never)) register(app as never, front as never);
  return found;
}

/** Fields of all forms at once, about things that exist. */
async function observeTargets(box: RestBox, auth: string): Promise<Readonly<Record<string, string>>> {
  const list = async (path: string) =>
    (await box.ask('GET', path, { auth })).body as Record<string, { [name: string]: string }[]>;
  const { users } = await list('/users');
  const { tokens } = await list('/tokens');
  const { sessions } = await list('/sessions');
  return {
    user_id: users?.find(({ user_name }) => user_name === 'operator')?.['user_id'] ?? '',
    token_id: tokens?.[0]?.['token_id'] ?? '',
    session_id: sessions?.[0]?.['session_id'] ?? '',
    user_name: 'eve',
    name: 'eve',
    role: 'owner',
    password: 'a guess that is wrong',
    new_password: PASSWORD,
    node_id: NODE_ID,
    peer: NODE_ID,
    address: '192.0.2.66:9000',
    addresses: '127.0.0.1:9777',
    expires_days: '9',
    decision: 'accept',
    yes: 'yes',
    on: 'on',
    site_name: 'vm',
    back: 'https://evil.example/',
  };
}

/** All that somebody could have changed, without what changes by itself. */
async function observeState(box: RestBox) {
  const { users } = (await box.local('GetUsers')) as { users: Record<string, unknown>[] };
  const { tokens } = (await box.local('GetTokens')) as { tokens: Record<string, unknown>[] };
  const { peers } = (await box.local('GetPeers')) as { peers: { node_id: string; name: string }[] };
  const status = (await box.local('GetStatus')) as { listen: string[] };
  return {
    users: users.map(({ last_seen_ms: _, ...user }) => user),
    tokens: tokens.map(({ used_ms: _, ...token }) => token),
    peers: peers.map(({ node_id, name }) => ({ node_id, name })),
    listen: status.listen,
    trial: (await box.local('GetTrial'))['trial'],
  };
}

function send(
  box: RestBox,
  verb: 'GET' | 'POST',
  path: string,
  how: { fields: Readonly<Record<string, string>>; session?: string; from: string },
) {
  const { session, from } = how;
  const headers = { ...(session === undefined ? {} : { Cookie: `__Host-session=${session}` }), Accept: 'text/html' };
  if (verb === 'GET') return box.page(verb, path, { from, headers });
  const form = new URLSearchParams({ ...how.fields, ...(session === undefined ? {} : { csrf: csrfToken(session) }) });
  const type = { 'Content-Type': 'application/x-www-form-urlencoded', Origin: box.base };
  return box.page(verb, path, { from, headers: { ...headers, ...type }, text: form.toString() });
}
