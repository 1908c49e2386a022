import { describe, expect, test } from 'vitest';
import { html } from '../../views/markup.ts';
import { SimulatedClock } from '../core/clock.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Daemon, DaemonCall } from './daemon-lines.ts';
import { LiveHub, MOST_OF_ONE, MOST_VIEWERS, type Watching } from './live-hub.ts';
import type { EventSink } from './live-viewers.ts';

class Sink implements EventSink {
  text = '';
  state: 'open' | 'ended' | 'destroyed' = 'open';
  writableLength = 0;
  isFull = false;
  readonly #listeners: Record<string, (() => void)[]> = {};

  write(chunk: Buffer): boolean {
    this.text += chunk.toString();
    if (this.isFull) this.writableLength += chunk.length;
    return !this.isFull;
  }
  end(): void {
    this.state = 'ended';
    this.emit('close');
  }
  destroy(): void {
    this.state = 'destroyed';
    this.emit('close');
  }
  on(event: string, listener: () => void): void {
    this.#listeners[event] = [...(this.#listeners[event] ?? []), listener];
  }
  emit(event: string): void {
    for (const listener of this.#listeners[event] ?? []) listener();
  }
}

/** A daemon that counts, with sessions that can be ended. */
function open(answer: () => Result<unknown> = () => ok({ offices: [] })) {
  const clock = new SimulatedClock();
  const calls: { method: string; call: DaemonCall }[] = [];
  const sessions = new Map<string, string>();
  const daemon: Daemon = {
    call: async (method, _, call) => {
      calls.push({ method, call });
      const role = sessions.get(call.onBehalf.session ?? '');
      if (role === undefined) return fail('permission.signed-out', 'no');
      return method === 'GetMe' ? ok({ role }) : answer();
    },
  };
  const hub = new LiveHub(daemon, clock);
  hub.add({
    name: 'pulse',
    role: 'viewer',
    poll: (ask) => ask('GetOffices', {}),
    render: (model) => ({ pulse: html`<p>${model.ok ? JSON.stringify(model.value) : 'stale'}</p>` }),
  });
  hub.add({ name: 'secrets', role: 'owner', poll: (ask) => ask('GetUsers', {}), render: () => ({}) });
  const watch = (session: string, more: Partial<Watching> = {}) => {
    const role = sessions.get(session) ?? sessions.set(session, 'viewer').get(session)!;
    const watching = { session, source: '192.0.2.1', role, zone: 'UTC', show: ['pulse'], of: '', ...more } as Watching;
    const admitted = hub.admit(watching);
    if (!admitted.ok) return { code: admitted.error.code, sink: new Sink() };
    const sink = new Sink();
    hub.join(sink, watching, admitted.value);
    return { code: 'ok', sink };
  };
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      clock.advance(1_000);
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
  };
  return { hub, clock, calls, sessions, watch, pass };
}

describe('those who watch', () => {
  test('get all of it first, then what changes, and a sign that nothing did', async () => {
    let state = 1;
    const world = open(() => ok(state));
    const { sink } = world.watch('a');
    await world.pass(1);
    expect(sink.text).toBe('data: <p>1</p>\n\n');
    await world.pass(3);
    expect(sink.text).toMatch(/^data: <p>1<\/p>\n\n(event: tick\ndata: \n\n)+$/);
    state = 2;
    await world.pass(1);
    expect(sink.text).toMatch(/data: <p>2<\/p>\n\n$/);
    // Who comes later sees what is, at once.
    expect(world.watch('b').sink.text).toContain('<p>2</p>');
  });

  test('hear nothing that would pass for news while the daemon is away', async () => {
    let isAway = false;
    const world = open(() => (isAway ? fail('daemon.not-reachable', 'x') : ok(1)));
    const { sink } = world.watch('a');
    await world.pass(1);
    isAway = true;
    await world.pass(1);
    expect(sink.text).toContain('stale');
    sink.text = '';
    await world.pass(10);
    expect(sink.text).toBe('');
    await world.pass(10);
    expect(sink.text).toContain(': still here');
    expect(sink.state).toBe('open');
  });

  test('cost one question a second for each role, in the background', async () => {
    const world = open();
    for (let i = 0; i < 30; i++) world.watch(`s${i}`);
    world.sessions.set('boss', 'owner');
    world.watch('boss');
    await world.pass(5);
    const asked = world.calls.filter(({ method }) => method === 'GetOffices');
    expect(asked.length).toBeGreaterThanOrEqual(8);
    expect(asked.length).toBeLessThanOrEqual(12);
    expect(asked.every(({ call }) => call.onBehalf.is_background === true)).toBe(true);
  });

  test('are let go when their session ends or their role changes; the others stay', async () => {
    const world = open();
    const [gone, promoted, stays] = ['a', 'b', 'c'].map((name) => world.watch(name).sink);
    await world.pass(2);
    world.sessions.delete('a');
    world.sessions.set('b', 'owner');
    await world.pass(10);
    expect([gone?.state, promoted?.state, stays?.state]).toEqual(['ended', 'ended', 'open']);
    expect(gone?.text).toContain('event: signed-out');
    expect(promoted?.text).toContain('event: again');
    stays!.text = '';
    await world.pass(3);
    expect(stays?.text).not.toBe('');
  });

  test('are dropped when they do not read', async () => {
    let state = 0;
    const world = open(() => ok(`${state++} ${'x'.repeat(50_000)}`));
    const { sink: slow } = world.watch('a');
    const { sink: quick } = world.watch('b');
    slow.isFull = true;
    await world.pass(8);
    expect([slow.state, quick.state]).toEqual(['destroyed', 'open']);
    const stalled = open(() => ok('same'));
    const { sink } = stalled.watch('a');
    sink.isFull = true;
    await stalled.pass(30);
    expect(sink.state).toBe('destroyed');
  });

  test('are bounded, in all and of one session; places become free again', () => {
    const world = open();
    const own = Array.from({ length: MOST_OF_ONE }, () => world.watch('a').sink);
    expect(world.watch('a').code).toBe('rpc.busy');
    own[0]?.destroy();
    expect(world.watch('a').code).toBe('ok');
    for (let i = world.hub.viewerCount; i < MOST_VIEWERS; i++) expect(world.watch(`s${i}`).code).toBe('ok');
    expect(world.watch('z').code).toBe('rpc.busy');
    expect(world.hub.viewerCount).toBe(MOST_VIEWERS);
  });

  test('see only what their role may', () => {
    const world = open();
    expect(world.watch('a', { show: ['secrets'] }).code).toBe('permission.role');
    expect(world.watch('a', { show: ['pulse', 'nothing'] }).code).toBe('web.not-found');
    expect(world.watch('a', { show: [] }).code).toBe('web.bad-form');
  });

  test('nobody watches, nothing is asked', async () => {
    const world = open();
    const { sink } = world.watch('a');
    await world.pass(2);
    sink.destroy();
    await world.pass(2);
    const before = world.calls.length;
    await world.pass(20);
    expect(world.calls.length).toBe(before);
  });
});
