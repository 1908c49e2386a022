import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { SimulatedClock } from '../../core/clock.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { type Operation, operation } from '../../operations/operation.ts';
import type { DaemonCall } from '../daemon-lines.ts';
import type { RateLimits } from './rate-limit.ts';
import { RestService } from './service.ts';

const User = z.object({
  user_id: z.string(),
  user_name: z.string(),
  role: z.string(),
  last_seen_ms: z.number().nullable(),
});
const never = async () => fail('test.never', 'operations run in the daemon');
const plain = { role: 'admin', audit: null, omitted: {}, run: never } as const;
const operations: readonly Operation[] = [
  operation({
    ...plain,
    name: 'user.list',
    method: 'GetUsers',
    summary: 'People.',
    input: z.object({}),
    output: z.object({ users: z.array(User) }),
    rest: { verb: 'GET', path: '/users' },
  }),
  operation({
    ...plain,
    name: 'user.add',
    method: 'AddUser',
    summary: 'Adds one.',
    input: z.object({
      user_name: z.string().max(32),
      role: z.enum(['viewer', 'operator', 'admin', 'owner']),
      password: z.string().min(12),
      nets: z.array(z.object({ cidr: z.string() })).optional(),
    }),
    output: z.object({ user_id: z.string() }),
    audit: () => 'added',
    rest: { verb: 'POST', path: '/users' },
  }),
  operation({
    ...plain,
    name: 'user.role',
    method: 'SetUserRole',
    summary: 'Changes what one may.',
    input: z.object({ user_id: z.string(), role: z.enum(['viewer', 'owner']) }),
    output: z.object({}),
    audit: () => 'changed',
    rest: { verb: 'PUT', path: '/users/{user_id}/role' },
  }),
  operation({
    ...plain,
    name: 'user.remove',
    method: 'RemoveUser',
    summary: 'Removes one.',
    input: z.object({ user_id: z.string() }),
    output: z.object({}),
    audit: () => 'removed',
    rest: { verb: 'DELETE', path: '/users/{user_id}' },
  }),
  operation({
    ...plain,
    name: 'audit.list',
    method: 'GetAudit',
    summary: 'What happened.',
    input: z.object({
      limit: z.int().min(1).max(200).default(50),
      before: z.int().optional(),
      wait_ms: z.int().default(0),
    }),
    output: z.object({ events: z.array(z.object({ seq: z.number() })), next_before: z.number().nullable() }),
    rest: { verb: 'GET', path: '/audit' },
  }),
  operation({
    ...plain,
    role: 'anyone',
    name: 'session.begin',
    method: 'SignIn',
    summary: 'Signs in.',
    input: z.object({ user_name: z.string(), password: z.string() }),
    output: z.object({ session: z.string() }),
    audit: () => 'signed in',
    rest: { verb: 'POST', path: '/sessions' },
  }),
];

interface Call {
  readonly method: string;
  readonly params: object;
  readonly onBehalf: DaemonCall['onBehalf'];
}

const ANNA = { user_id: 'u1', user_name: 'anna', role: 'owner', last_seen_ms: 1 };
const KEY = { Authorization: 'Bearer qet_secret' };

function world(limits?: RateLimits) {
  const calls: Call[] = [];
  const clock = new SimulatedClock();
  const state = { users: [ANNA], refuse: undefined as Result<never> | undefined, role: 'owner' };
  const daemon = {
    async call(method: string, params: object, { onBehalf }: DaemonCall): Promise<Result<unknown>> {
      calls.push({ method, params, onBehalf });
      if (state.refuse) return state.refuse;
      if (onBehalf.token === undefined && onBehalf.session === undefined && method !== 'SignIn') {
        return fail('permission.signed-out', `${method} is for people who have signed in`, { remedy: 'sign in' });
      }
      if (state.role === 'viewer') return fail('permission.role', `${method} is for the role admin`);
      // The daemon looks at who asks first, and then at the input.
      if (Array.isArray(params)) return fail('rpc.bad-params', 'expected object');
      if (method === 'GetUsers') return ok({ users: state.users });
      if (method === 'SetUserRole') {
        await Promise.resolve();
        state.users = state.users.map((user) => ({ ...user, ...(params as { role: string }) }));
      }
      if (method === 'AddUser') return ok({ user_id: 'u2' });
      if (method === 'GetAudit') return ok({ events: [{ seq: 7 }], next_before: 7 });
      if (method === 'SignIn') return ok({ session: 'abc' });
      return ok({});
    },
  };
  const service = new RestService({ daemon, clock, operations, ...(limits ? { limits } : {}) });
  const ask = async (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) => {
    const request = new Request(`https://box.example/api/v1${path}`, { ...init, headers: { ...KEY, ...init.headers } });
    const response = await service.handle(request, '192.0.2.7');
    const text = await response.text();
    const body = text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
    return { status: response.status, headers: response.headers, body };
  };
  const send = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
    ask(path, { method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } });
  return { calls, clock, state, service, ask, send };
}

const added = { user_name: 'bert', role: 'viewer', password: 'correct horse battery' };

describe('asking', () => {
  test('passes on the token, the source and the key, and says where the new thing is', async () => {
    const { send, calls } = world();
    const made = await send('POST', '/users', added, { 'Idempotency-Key': '"k-1"' });
    expect(made).toMatchObject({ status: 201, body: { user_id: 'u2' } });
    expect(made.headers.get('location')).toBe('/api/v1/users/u2');
    const onBehalf = { token: 'qet_secret', source: '192.0.2.7', surface: 'rest', idempotency_key: 'k-1' };
    expect(calls).toEqual([{ method: 'AddUser', params: added, onBehalf }]);
  });

  test('a session goes the same way, told from a token by its form', async () => {
    const { ask, calls } = world();
    await ask('/users', { headers: { Authorization: 'bearer  abc' } });
    expect(calls[0]?.onBehalf).toEqual({ session: 'abc', source: '192.0.2.7', surface: 'rest' });
  });

  test('nothing to say is 204', async () => {
    const { ask } = world();
    expect(await ask('/users/u1', { method: 'DELETE' })).toMatchObject({ status: 204, body: undefined });
  });

  test('a name with a slash in it stays one name', async () => {
    const { ask, calls } = world();
    await ask('/users/a%2Fb%20%C3%A9', { method: 'DELETE' });
    expect(calls[0]?.params).toEqual({ user_id: 'a/b é' });
  });
});

describe('a browser', () => {
  const cookie = { Authorization: '', Cookie: 'a=b; __Host-session=abc' };
  const bare = ({ Authorization: _, ...rest }: Record<string, string>) => rest;

  async function ask(headers: Record<string, string>) {
    const { service, calls } = world();
    const request = new Request('https://box.example/api/v1/users', { headers: bare(headers) });
    return { response: await service.handle(request, '::1'), calls };
  }

  test('its cookie alone is nobody', async () => {
    const { response, calls } = await ask(cookie);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('Bearer');
    expect(calls[0]?.onBehalf).toEqual({ source: '::1', surface: 'rest' });
  });

  test('with the header that no other site can send it counts', async () => {
    const { response, calls } = await ask({ ...cookie, 'X-QuicEther': '1', Origin: 'https://box.example' });
    expect(response.status).toBe(200);
    expect(calls[0]?.onBehalf).toMatchObject({ session: 'abc' });
  });

  test.each([{ Origin: 'https://evil.example' }, { 'Sec-Fetch-Site': 'cross-site' }, { Origin: 'null' }])(
    'from another site it is refused: %j',
    async (headers) => {
      const { response, calls } = await ask({ ...cookie, 'X-QuicEther': '1', ...headers });
      expect(response.status).toBe(403);
      expect(calls).toEqual([]);
    },
  );
});

describe('what is wrong with a request is named, and nothing is done', () => {
  const json = { 'Content-Type': 'application/json' };
  test.each<[string, string, RequestInit & { headers?: Record<string, string> }, number, object]>([
    ['no such path', '/usres', {}, 404, { remedy: 'did you mean /api/v1/users?' }],
    ['another verb', '/users', { method: 'DELETE' }, 405, { code: 'rest.method' }],
    [
      'unknown field',
      '/users',
      { method: 'POST', headers: json, body: '{"user_nam":"x"}' },
      422,
      { detail: expect.stringContaining('did you mean "user_name"?'), where: { in: 'body', field: '/user_nam' } },
    ],
    [
      'unknown field inside',
      '/users',
      { method: 'POST', headers: json, body: JSON.stringify({ ...added, nets: [{ cdir: 'x' }] }) },
      422,
      { detail: expect.stringContaining('the fields are cidr'), where: { in: 'body', field: '/nets/0/cdir' } },
    ],
    [
      'value',
      '/users',
      { method: 'POST', headers: json, body: JSON.stringify({ ...added, role: 'vewer' }) },
      422,
      { detail: expect.stringContaining('did you mean "viewer"?'), where: { in: 'body', field: '/role' } },
    ],
    [
      'missing',
      '/users',
      { method: 'POST' },
      422,
      { detail: '"user_name" is missing', where: { in: 'body', field: '/user_name' } },
    ],
    [
      'prototype',
      '/users',
      { method: 'POST', headers: json, body: '{"__proto__":{"role":"owner"}}' },
      422,
      { where: { in: 'body', field: '/__proto__' } },
    ],
    [
      'field of the path in the body',
      '/users/u1/role',
      { method: 'PUT', headers: json, body: '{"user_id":"u2","role":"viewer"}' },
      422,
      { where: { in: 'body', field: '/user_id' } },
    ],
    ['query of a POST', '/users?role=owner', { method: 'POST' }, 422, { where: { in: 'query', field: 'role' } }],
    ['unknown query', '/audit?limt=3', {}, 422, { detail: expect.stringContaining('"limit"') }],
    ['range', '/audit?limit=900', {}, 422, { where: { in: 'query', field: 'limit' } }],
    ['not a number', '/audit?limit=1e2', {}, 422, { where: { in: 'query', field: 'limit' } }],
    ['twice', '/audit?limit=1&limit=2', {}, 422, { where: { in: 'query', field: 'limit' } }],
    ['cursor', '/audit?cursor=xyz', {}, 422, { where: { in: 'query', field: 'cursor' } }],
    ['page', '/users?limit=0', {}, 422, { where: { in: 'query', field: 'limit' } }],
    ['not JSON', '/users', { method: 'POST', headers: json, body: '{"a":' }, 400, { code: 'rest.json' }],
    ['not an object', '/users', { method: 'POST', headers: json, body: '[1]' }, 400, { code: 'rest.json' }],
    ['not UTF-8', '/users', { method: 'POST', headers: json, body: new Uint8Array([0x7b, 0xff]) }, 400, {}],
    [
      'a form',
      '/users',
      { method: 'POST', body: 'a=b', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
      415,
      { where: { in: 'header', field: 'Content-Type' } },
    ],
    ['too large', '/users', { method: 'POST', headers: json, body: ' '.repeat(1 << 20) }, 413, {}],
    ['body of a DELETE', '/users/u1', { method: 'DELETE', headers: { 'Content-Length': '2' } }, 400, {}],
    ['path', '/users/%ff/role', { method: 'PUT' }, 422, { where: { in: 'path', field: '' } }],
    ['authorization', '/users', { headers: { Authorization: 'Basic abc' } }, 400, {}],
    ['idempotency key', '/users', { method: 'POST', headers: { 'Idempotency-Key': 'a b' } }, 400, {}],
  ])('%s', async (_, path, init, status, problem) => {
    const { ask, calls } = world();
    const answer = await ask(path, init);
    expect(answer).toMatchObject({ status, body: { status, ...problem } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(calls.filter(({ params }) => !Array.isArray(params))).toEqual([]);
  });

  test('a secret is not said back', async () => {
    const { send } = world();
    const answer = await send('POST', '/users', { ...added, password: 'hunter2' });
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
  });

  test('who may not learns that first', async () => {
    const { ask, state } = world();
    expect(await ask('/users?x=1', { headers: { Authorization: 'Bearer x' } })).toMatchObject({ status: 422 });
    state.role = 'viewer';
    expect(await ask('/users?x=1')).toMatchObject({ status: 403, body: { code: 'permission.role' } });
    state.refuse = fail('permission.signed-out', 'it is over');
    expect(await ask('/users?x=1')).toMatchObject({ status: 401 });
  });
});

test('a failure of the daemon keeps its code, its sentence and its remedy', async () => {
  const { ask, state } = world();
  state.refuse = fail('people.throttled', 'too many tries', { remedy: 'try again in 7 s' });
  const answer = await ask('/users');
  expect(answer.headers.get('retry-after')).toBe(answer.status === 429 ? '7' : null);
  expect(answer.body).toMatchObject({ code: 'people.throttled', detail: 'too many tries', remedy: 'try again in 7 s' });
  state.refuse = fail('daemon.not-reachable', 'it is away');
  expect(await ask('/users')).toMatchObject({
    status: 503,
    body: { type: 'urn:quicether:problem:daemon.not-reachable' },
  });
});

describe('tags', () => {
  test('what has not changed is not sent again', async () => {
    const { ask, state } = world();
    const tag = (await ask('/users')).headers.get('etag') ?? '';
    expect(tag).toMatch(/^"[\w-]{22}"$/);
    for (const known of [tag, `"x", W/${tag}`, '*']) {
      expect(await ask('/users', { headers: { 'If-None-Match': known } })).toMatchObject({
        status: 304,
        body: undefined,
      });
    }
    state.users = [];
    expect(await ask('/users', { headers: { 'If-None-Match': tag } })).toMatchObject({ status: 200 });
  });

  test('one of a list has a tag that only a change changes', async () => {
    const { ask, state } = world();
    const before = await ask('/users/u1');
    expect(before.body).toEqual({ user_id: 'u1', user_name: 'anna', role: 'owner' });
    state.users = [{ ...ANNA, last_seen_ms: 99 }];
    expect((await ask('/users/u1')).headers.get('etag')).toBe(before.headers.get('etag'));
    expect(await ask('/users/u9')).toMatchObject({ status: 404, body: { remedy: 'GET /api/v1/users lists them' } });
  });

  test('a change says which state it changes', async () => {
    const { ask, send, state, calls } = world();
    const put = (headers: Record<string, string>) => send('PUT', '/users/u1/role', { role: 'viewer' }, headers);
    expect(await put({})).toMatchObject({ status: 428 });
    const tag = (await ask('/users/u1')).headers.get('etag') ?? '';
    expect(await put({ 'If-Match': `W/${tag}` })).toMatchObject({ status: 412 });
    expect(calls.some(({ method, params }) => method === 'SetUserRole' && !Array.isArray(params))).toBe(false);
    expect(await put({ 'If-Match': `"other", ${tag}` })).toMatchObject({ status: 204 });
    expect(await put({ 'If-Match': tag })).toMatchObject({ status: 412, body: { code: 'rest.changed' } });
    expect(await put({ 'If-Match': '*' })).toMatchObject({ status: 204 });
    state.users = [];
    expect(await ask('/users/u1', { method: 'DELETE', headers: { 'If-Match': '*' } })).toMatchObject({ status: 412 });
    expect(await send('POST', '/users', added, { 'If-Match': '"x"' })).toMatchObject({ status: 412 });
  });

  test('of two who change one thing at once, one is told', async () => {
    const { ask, service } = world();
    const tag = (await ask('/users/u1')).headers.get('etag') ?? '';
    const put = () =>
      service.handle(
        new Request('https://box.example/api/v1/users/u1/role', {
          method: 'PUT',
          headers: { ...KEY, 'If-Match': tag, 'Content-Type': 'application/json' },
          body: '{"role":"viewer"}',
        }),
        '192.0.2.7',
      );
    // The second one's check waits for the first one's change.
    const statuses = (await Promise.all([put(), put()])).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([204, 412]);
  });
});

describe('pages', () => {
  test('ten thousand come in pages, each item once, also when some go meanwhile', async () => {
    const { ask, state } = world();
    const name = (n: number) => `u${String(n).padStart(5, '0')}`;
    state.users = Array.from({ length: 10_000 }, (_, n) => ({ ...ANNA, user_id: name(9_999 - n) }));
    const seen: string[] = [];
    let path = '/users?limit=1000';
    for (let page = 0; page < 20; page++) {
      const { body, headers } = await ask(path);
      const users = body?.['users'] as (typeof ANNA)[];
      expect(users.length).toBeLessThanOrEqual(1_000);
      seen.push(...users.map(({ user_id }) => user_id));
      const link = headers.get('link');
      expect(link === null).toBe(body?.['next_cursor'] === null);
      if (link === null) break;
      path = (/<\/api\/v1(.*)>; rel="next"/.exec(link)?.[1] ?? '').toString();
      state.users = state.users.filter(({ user_id }) => user_id !== seen.at(-1));
    }
    expect(seen).toEqual(Array.from({ length: 10_000 }, (_, n) => name(n)));
  });

  test('what pages by itself goes on where the cursor says; a cursor is of one list only', async () => {
    const { ask, calls } = world();
    const { body, headers } = await ask('/audit?limit=1');
    expect(headers.get('link')).toBe(`</api/v1/audit?limit=1&cursor=${body?.['next_cursor']}>; rel="next"`);
    await ask(`/audit?cursor=${body?.['next_cursor']}`);
    expect(calls.at(-1)).toMatchObject({ method: 'GetAudit', params: { before: 7 } });
    expect(await ask(`/users?cursor=${body?.['next_cursor']}`)).toMatchObject({ status: 422 });
  });
});

describe('HEAD and OPTIONS', () => {
  test('say what there is', async () => {
    const { ask } = world();
    const options = await ask('/users/u1', { method: 'OPTIONS' });
    expect(options).toMatchObject({ status: 204 });
    expect(options.headers.get('allow')?.split(', ').toSorted()).toEqual(['DELETE', 'GET', 'HEAD', 'OPTIONS']);
    expect(options.headers.get('access-control-allow-origin')).toBeNull();
    expect((await ask('/users', { method: 'HEAD' })).status).toBe(200);
  });
});

describe('the quota', () => {
  const limits = { caller: { requests: 2, windowSec: 10 }, source: { requests: 3, windowSec: 10 } };

  test('is told with each answer and fills again', async () => {
    const { ask, clock } = world(limits);
    const { headers } = await ask('/users');
    expect(headers.get('ratelimit-policy')).toBe('"caller";q=2;w=10');
    expect(headers.get('ratelimit')).toBe('"caller";r=1;t=5');
    await ask('/users');
    const third = await ask('/users');
    expect(third).toMatchObject({ status: 429, body: { code: 'rest.too-many' } });
    expect(third.headers.get('retry-after')).toBe('5');
    clock.advance(5_000);
    expect((await ask('/users')).status).toBe(200);
  });

  test('other credentials do not help a source beyond its own', async () => {
    const { ask } = world(limits);
    const statuses = [];
    for (let n = 0; n < 5; n++) {
      statuses.push((await ask('/users', { headers: { Authorization: `Bearer guess${n}` } })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
  });
});
