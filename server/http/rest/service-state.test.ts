import { describe, expect, test } from 'vitest';
import { ANNA, added, KEY, serviceWorld } from './test-service.ts';

describe('tags', () => {
  test('what has not changed is not sent again', async () => {
    const { ask, state } = serviceWorld();
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
    const { ask, state } = serviceWorld();
    const before = await ask('/users/u1');
    expect(before.body).toEqual({ user_id: 'u1', user_name: 'anna', role: 'owner' });
    state.users = [{ ...ANNA, last_seen_ms: 99 }];
    expect((await ask('/users/u1')).headers.get('etag')).toBe(before.headers.get('etag'));
    expect(await ask('/users/u9')).toMatchObject({ status: 404, body: { remedy: 'GET /api/v1/users lists them' } });
  });

  test('a change says which state it changes', async () => {
    const { ask, send, state, calls } = serviceWorld();
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
    const { ask, service } = serviceWorld();
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
    const { ask, state } = serviceWorld();
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
    const { ask, calls } = serviceWorld();
    const { body, headers } = await ask('/audit?limit=1');
    expect(headers.get('link')).toBe(`</api/v1/audit?limit=1&cursor=${body?.['next_cursor']}>; rel="next"`);
    await ask(`/audit?cursor=${body?.['next_cursor']}`);
    expect(calls.at(-1)).toMatchObject({ method: 'GetAudit', params: { before: 7 } });
    expect(await ask(`/users?cursor=${body?.['next_cursor']}`)).toMatchObject({ status: 422 });
  });
});
