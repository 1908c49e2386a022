import { describe, expect, test } from 'vitest';
import { fail } from '../../core/result.ts';
import { added, serviceWorld } from './test-service.ts';

describe('asking', () => {
  test('passes on the token, the source and the key, and says where the new thing is', async () => {
    const { send, calls } = serviceWorld();
    const made = await send('POST', '/users', added, { 'Idempotency-Key': '"k-1"' });
    expect(made).toMatchObject({ status: 201, body: { user_id: 'u2' } });
    expect(made.headers.get('location')).toBe('/api/v1/users/u2');
    const onBehalf = { token: 'qet_secret', source: '192.0.2.7', surface: 'rest', idempotency_key: 'k-1' };
    expect(calls).toEqual([{ method: 'AddUser', params: added, onBehalf }]);
  });

  test('a session goes the same way, told from a token by its form', async () => {
    const { ask, calls } = serviceWorld();
    await ask('/users', { headers: { Authorization: 'bearer  abc' } });
    expect(calls[0]?.onBehalf).toEqual({ session: 'abc', source: '192.0.2.7', surface: 'rest' });
  });

  test('nothing to say is 204', async () => {
    const { ask } = serviceWorld();
    expect(await ask('/users/u1', { method: 'DELETE' })).toMatchObject({ status: 204, body: undefined });
  });

  test('a name with a slash in it stays one name', async () => {
    const { ask, calls } = serviceWorld();
    await ask('/users/a%2Fb%20%C3%A9', { method: 'DELETE' });
    expect(calls[0]?.params).toEqual({ user_id: 'a/b é' });
  });
});

describe('a browser', () => {
  const cookie = { Authorization: '', Cookie: 'a=b; __Host-session=abc' };
  const bare = ({ Authorization: _, ...rest }: Record<string, string>) => rest;

  async function ask(headers: Record<string, string>) {
    const { service, calls } = serviceWorld();
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
    const { ask, calls } = serviceWorld();
    const answer = await ask(path, init);
    expect(answer).toMatchObject({ status, body: { status, ...problem } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(calls.filter(({ params }) => !Array.isArray(params))).toEqual([]);
  });

  test('a secret is not said back', async () => {
    const { send } = serviceWorld();
    const answer = await send('POST', '/users', { ...added, password: 'hunter2' });
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
  });

  test('who may not learns that first', async () => {
    const { ask, state } = serviceWorld();
    expect(await ask('/users?x=1', { headers: { Authorization: 'Bearer x' } })).toMatchObject({ status: 422 });
    state.role = 'viewer';
    expect(await ask('/users?x=1')).toMatchObject({ status: 403, body: { code: 'permission.role' } });
    state.refuse = fail('permission.signed-out', 'it is over');
    expect(await ask('/users?x=1')).toMatchObject({ status: 401 });
  });
});

test('a failure of the daemon keeps its code, its sentence and its remedy', async () => {
  const { ask, state } = serviceWorld();
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

describe('HEAD and OPTIONS', () => {
  test('say what there is', async () => {
    const { ask } = serviceWorld();
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
    const { ask, clock } = serviceWorld(limits);
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
    const { ask } = serviceWorld(limits);
    const statuses = [];
    for (let n = 0; n < 5; n++) {
      statuses.push((await ask('/users', { headers: { Authorization: `Bearer guess${n}` } })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
  });
});
