import { expect, test } from 'vitest';
import { added, KEY, serviceWorld } from './test-service.ts';

const PIECE = 4 * 1024;

/** A body of `pieces`, each handed over when it is asked for; `taken` says how many were. */
function bodyOf(pieces: number, last?: 'never') {
  const counted = { taken: 0 };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (counted.taken < pieces) {
          counted.taken++;
          controller.enqueue(new Uint8Array(PIECE).fill(32));
          return undefined;
        }
        if (last === 'never') return new Promise(() => {});
        controller.enqueue(new TextEncoder().encode(JSON.stringify(added)));
        controller.close();
        return undefined;
      },
    },
    { highWaterMark: 0 },
  );
  return { counted, stream };
}

function post(path: string, body: ReadableStream, headers: Record<string, string> = {}): Request {
  return new Request(`https://box.example/api/v1${path}`, {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'application/json', ...headers },
    duplex: 'half',
  } as RequestInit);
}

test.each([
  ['who has shown nothing', 'owner', {}, 401],
  ['who may not do it', 'viewer', KEY, 403],
])('of %s little is read before that is said, and it is asked once', async (_, role, headers, status) => {
  const { service, state, calls } = serviceWorld();
  state.role = role;
  const { counted, stream } = bodyOf(200);
  expect((await service.handle(post('/users', stream, headers), '192.0.2.7')).status).toBe(status);
  expect(counted.taken).toBeLessThanOrEqual(5);
  expect(calls).toHaveLength(1);
});

test('who may do it may send a long one', async () => {
  const { service, calls } = serviceWorld();
  const response = await service.handle(post('/users', bodyOf(200).stream, KEY), '192.0.2.7');
  expect(response.status).toBe(201);
  expect(calls.at(-1)).toMatchObject({ method: 'AddUser', params: added });
});

test('nobody signs in with a long one', async () => {
  const { service, calls } = serviceWorld();
  const { counted, stream } = bodyOf(200);
  expect((await service.handle(post('/sessions', stream), '192.0.2.7')).status).toBe(413);
  expect(counted.taken).toBeLessThanOrEqual(5);
  expect(calls).toHaveLength(0);
});

test('one that never ends is given up', async () => {
  const { service, clock } = serviceWorld();
  const answer = service.handle(post('/sessions', bodyOf(1, 'never').stream), '192.0.2.7');
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(15_000);
  expect(await (await answer).json()).toMatchObject({ code: 'rest.body', detail: 'the body did not arrive in time' });
});
