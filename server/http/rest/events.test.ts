import { describe, expect, test } from 'vitest';
import { SimulatedClock } from '../../core/clock.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { DaemonCall } from '../daemon-lines.ts';
import { EventStreams } from './events.ts';

function world() {
  const clock = new SimulatedClock();
  const state = {
    offices: [{ name: 'York', state: 'working' }],
    lastSeq: 3,
    role: 'owner',
    failure: undefined as Result<never> | undefined,
  };
  const asked: DaemonCall['onBehalf'][] = [];
  const daemon = {
    async call(method: string, params: object, { onBehalf }: DaemonCall): Promise<Result<unknown>> {
      asked.push(onBehalf);
      if (state.failure) return state.failure;
      if (method === 'GetOffices') return ok({ offices: state.offices, checked_ms: clock.nowMs() });
      if (method !== 'GetAudit') return ok({ trial: null });
      if (state.role === 'viewer') return fail('permission.role', 'GetAudit is for the role operator');
      const { after = 0, before = Number.POSITIVE_INFINITY, limit } = params as { [name: string]: number };
      const all = Array.from({ length: state.lastSeq }, (_, n) => ({ seq: state.lastSeq - n }));
      const fit = all.filter(({ seq }) => seq > after && seq < before);
      const events = fit.slice(0, limit);
      return ok({ events, next_before: fit.length > events.length ? (events.at(-1)?.seq ?? null) : null });
    },
  };
  const streams = new EventStreams(daemon, clock);
  const open = (query = '', headers: Record<string, string> = {}, token = 'qet_a') => {
    const url = new URL(`https://box.example/api/v1/events${query}`);
    const onBehalf = { token, source: '192.0.2.7', surface: 'rest' } as const;
    return streams.open({ request: new Request(url, { headers }), url, onBehalf, headers: {} });
  };
  return { clock, state, open, asked };
}

const decoder = new TextDecoder();

async function follow(response: Response, clock: SimulatedClock) {
  const reader = response.body?.getReader();
  if (!reader) throw new Error(`${response.status}`);
  const next = async () => {
    const { value, done } = await reader.read();
    return done ? undefined : decoder.decode(value);
  };
  /** Moves on until something is said. */
  const wait = async (seconds: number) => {
    for (let n = 0; n < seconds; n++) {
      clock.advance(1_000);
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
  };
  return { next, wait, reader, first: await next() };
}

test('the state is told at once and when it has changed, with heartbeats between', async () => {
  const { open, clock, state, asked } = world();
  const response = await open();
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const { first, next, wait } = await follow(response, clock);
  expect(first).toBe('retry: 3000\n\nevent: offices\ndata: {"offices":[{"name":"York","state":"working"}]}\n\n');
  await wait(20);
  expect(await next()).toBe(': still here\n\n');
  state.offices = [{ name: 'York\n\nevent: forged', state: 'failed' }];
  await wait(3);
  // A line end within a name is escaped by JSON: it cannot begin an event.
  expect(await next()).toBe(
    'event: offices\ndata: {"offices":[{"name":"York\\n\\nevent: forged","state":"failed"}]}\n\n',
  );
  expect(asked.at(-1)).toMatchObject({ token: 'qet_a', is_background: true });
});

test('the audit goes on where the caller was, in order and without a hole', async () => {
  const { open, clock, state } = world();
  const begun = await follow(await open('?kinds=audit'), clock);
  expect(begun.first).toContain('id: 3\nevent: begin');
  state.lastSeq = 5;
  await begun.wait(3);
  expect(await begun.next()).toBe('id: 4\nevent: audit\ndata: {"seq":4}\n\nid: 5\nevent: audit\ndata: {"seq":5}\n\n');
  state.lastSeq = 700;
  const again = await follow(await open('?kinds=audit', { 'Last-Event-ID': '5' }), clock);
  const ids = [...(again.first ?? '').matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  expect(ids).toEqual(Array.from({ length: 695 }, (_, n) => n + 6));
  state.lastSeq = 10_000;
  const long = await follow(await open('?kinds=audit', { 'Last-Event-ID': '5' }, 'qet_b'), clock);
  expect(long.first).toContain('event: gap\ndata: {"after":5,"before":9001}');
});

test('the daemon away is said once, and that it is back', async () => {
  const { open, clock, state } = world();
  const { next, wait } = await follow(await open(), clock);
  state.failure = fail('daemon.not-reachable', 'away');
  await wait(6);
  expect(await next()).toBe('event: stale\ndata: {"code":"daemon.not-reachable"}\n\n');
  state.failure = undefined;
  await wait(3);
  expect(await next()).toBe('event: back\ndata: {}\n\n');
});

test('a token that is taken away ends the stream', async () => {
  const { open, clock, state } = world();
  const { next, wait } = await follow(await open(), clock);
  state.failure = fail('permission.signed-out', 'it is over');
  await wait(3);
  expect(await next()).toBe('event: end\ndata: {"code":"permission.signed-out"}\n\n');
  expect(await next()).toBeUndefined();
});

describe('refused are', () => {
  test.each([
    ['?kinds=passwords', {}, 422],
    ['?kind=audit', {}, 422],
    ['', { 'Last-Event-ID': 'x' }, 422],
  ])('%s %j', async (query, headers, status) => {
    expect((await world().open(query, headers)).status).toBe(status);
  });

  test('who may not', async () => {
    const { open, state } = world();
    state.role = 'viewer';
    expect((await open('?kinds=offices,audit')).status).toBe(403);
    expect((await open('?kinds=offices')).status).toBe(200);
  });

  test('too many, of one and in all; who has gone makes room', async () => {
    const { open } = world();
    const own = [];
    for (let n = 0; n < 4; n++) own.push(await open());
    expect((await open()).status).toBe(429);
    await own[0]?.body?.cancel();
    expect((await open()).status).toBe(200);
    let opened = 4;
    for (let n = 0; n < 40; n++) opened += (await open('', {}, `qet_${n}`)).status === 200 ? 1 : 0;
    expect(opened).toBe(32);
  });

  test('nobody who reads, however much there is', async () => {
    const { open, clock, state } = world();
    const { next, wait } = await follow(await open(), clock);
    for (let n = 0; n < 4; n++) {
      state.offices = [{ name: `${n}`.repeat(400_000), state: 'working' }];
      await wait(2);
      expect((await next())?.length).toBeGreaterThan(400_000);
    }
  });

  test('who does not read', async () => {
    const { open, clock, state } = world();
    const response = await open();
    for (let n = 0; n < 10; n++) {
      state.offices = [{ name: `${n}`.repeat(60_000), state: 'working' }];
      clock.advance(2_000);
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
    const text = await response.text();
    expect(text).toContain('event: end\ndata: {"code":"rest.slow"}');
    expect(text.length).toBeLessThan(400_000);
  });
});
