import { describe, expect, test } from 'vitest';
import { SimulatedClock } from '../core/clock.ts';
import { formatHostPort, type HostPort, parseHostPort } from '../core/host-port.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { seededRng } from '../core/rng.ts';
import { decodeListenState, encodeListenState, type ListenState } from '../settings/confirmed-listen.ts';
import { type Actor, LOCAL_OWNER } from './actor.ts';
import type { AuditEvent } from './audit-port.ts';
import { isThroughTunnel, missingListen, parseListen } from './listen-plan.ts';
import { settle } from './simulated-world.ts';
import { TrialDesk } from './trial-desk.ts';

const person = (name: string): Actor => ({
  kind: 'person',
  name,
  role: 'admin',
  source: '192.0.2.7',
  surface: 'page',
  userId: `id of ${name}`,
  sessionId: 's',
});
const anna = person('anna');
const ben = person('ben');
const place = (text: string): HostPort => {
  const parsed = parseHostPort(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
};
const configured = [place('0.0.0.0:9000'), place('[::]:9000')];
const wanted = [place('0.0.0.0:9001')];

/** A box whose disk and engine may fail; {@link restart} begins anew with what is on the disk. */
class Box {
  clock = new SimulatedClock(Date.UTC(2026, 10, 23));
  disk = '';
  isFull = false;
  /** What the engine says to the next changes. */
  refusals: Result<void>[] = [];
  listen: readonly HostPort[] = configured;
  readonly audited: AuditEvent[] = [];
  desk = this.#open({ confirmed: undefined, trial: undefined });

  #open(found: ListenState): TrialDesk {
    return new TrialDesk({
      clock: this.clock,
      rng: seededRng(1),
      store: {
        write: (state) => {
          if (this.isFull) return fail('state.full', 'the disk is full');
          this.disk = encodeListenState(state);
          return ok(undefined);
        },
      },
      found,
      configured,
      listen: () => this.listen,
      apply: async (addresses) => {
        const refused = this.refusals.shift();
        if (refused) return refused;
        this.listen = addresses;
        return ok(undefined);
      },
      audit: (event) => this.audited.push(event),
    });
  }

  /** As after kill -9, a reboot or a power cut. */
  restart(): void {
    const state = decodeListenState('listen.json', this.disk);
    if (!state.ok) throw new Error(state.error.message);
    // The timers of before are gone with the process.
    this.clock = new SimulatedClock(this.clock.nowMs());
    this.listen = state.value.confirmed?.addresses ?? configured;
    this.desk = this.#open(state.value);
    this.desk.start();
  }

  get listensOn(): string[] {
    return this.listen.map(formatHostPort);
  }

  async try(actor = anna, durationMs = 60_000): Promise<string> {
    const begun = await this.desk.begin(wanted, actor, durationMs);
    if (!begun.ok) throw new Error(begun.error.message);
    return begun.value.trialId;
  }
}

describe('a change on trial', () => {
  test('is made at once, and undone when the browser is closed and nobody confirms', async () => {
    const box = new Box();
    await box.try();
    expect(box.listensOn).toEqual(['0.0.0.0:9001']);
    expect(box.desk.current).toMatchObject({
      what: 'the tunnel listens on 0.0.0.0:9001',
      untilMs: box.clock.nowMs() + 60_000,
    });
    box.clock.advance(59_999);
    await settle();
    expect(box.listensOn).toEqual(['0.0.0.0:9001']);
    box.clock.advance(1);
    await settle();
    expect(box.listensOn).toEqual(['0.0.0.0:9000', '[::]:9000']);
    expect(box.desk.current).toBeUndefined();
    expect(box.audited).toMatchObject([{ event: 'trial.undone', detail: expect.stringContaining('nobody confirmed') }]);
    box.restart();
    expect(box.listensOn).toEqual(['0.0.0.0:9000', '[::]:9000']);
  });

  test('stays when the same person confirms, also after a restart', async () => {
    const box = new Box();
    const id = await box.try();
    box.clock.advance(30_000);
    expect(box.desk.confirm(id, { ...anna, sessionId: 'another one', source: '192.0.2.99' }).ok).toBe(true);
    box.clock.advance(1_000_000);
    await settle();
    expect(box.listensOn).toEqual(['0.0.0.0:9001']);
    box.restart();
    expect(box.listensOn).toEqual(['0.0.0.0:9001']);
    expect(box.desk.confirmed).toMatchObject({ by: 'anna', instead: configured });
    expect(box.audited).toEqual([]);
  });

  test('cannot be confirmed by somebody else, who can take it back', async () => {
    const box = new Box();
    const id = await box.try();
    for (const other of [ben, { ...anna, userId: 'somebody else called anna' }, LOCAL_OWNER]) {
      expect(box.desk.confirm(id, other)).toMatchObject({ error: { code: 'permission.trial' } });
    }
    expect((await box.desk.revert(id, ben)).ok).toBe(true);
    expect(box.listensOn).toEqual(['0.0.0.0:9000', '[::]:9000']);
    expect(box.desk.confirm(id, anna)).toMatchObject({ error: { code: 'trial.over' } });
    expect(box.audited).toMatchObject([{ detail: expect.stringContaining('ben took it back') }]);
  });

  test('that the box lost its power in is undone by the start, and said', async () => {
    const box = new Box();
    const id = await box.try();
    box.clock.advance(10_000);
    box.restart();
    expect(box.listensOn).toEqual(['0.0.0.0:9000', '[::]:9000']);
    expect(box.desk.confirm(id, anna)).toMatchObject({ error: { code: 'trial.over' } });
    expect(box.audited).toMatchObject([{ event: 'trial.undone', detail: expect.stringContaining('started anew') }]);
    box.restart();
    expect(box.audited).toHaveLength(1);
  });

  test('does not outlive a daemon that ends in order and leaves the engine running', async () => {
    const box = new Box();
    await box.try();
    await box.desk.stop();
    expect(box.listensOn).toEqual(['0.0.0.0:9000', '[::]:9000']);
    expect(box.audited).toMatchObject([{ detail: expect.stringContaining('the daemon ended') }]);
    box.restart();
    expect(box.audited).toHaveLength(1);
  });

  test('is on the disk before it is made: a restart in that moment finds it', async () => {
    const box = new Box();
    const begun = box.desk.begin(wanted, anna, 60_000);
    expect(box.disk).toContain('"wanted"');
    await begun;
  });

  test('leaves what was confirmed before, when it is undone', async () => {
    const box = new Box();
    box.desk.confirm(await box.try(), anna);
    const again = await box.desk.begin([place('0.0.0.0:9002')], ben, 60_000);
    expect(again.ok).toBe(true);
    box.restart();
    expect(box.listensOn).toEqual(['0.0.0.0:9001']);
  });

  test('keeps a second one out', async () => {
    const box = new Box();
    const first = box.desk.begin(wanted, anna, 60_000);
    expect(await box.desk.begin(wanted, ben, 60_000)).toMatchObject({ error: { code: 'trial.running' } });
    await first;
    const second = await box.desk.begin([place('0.0.0.0:9002')], anna, 60_000);
    expect(second).toMatchObject({ error: { code: 'trial.running', message: expect.stringContaining('60 s left') } });
    expect(box.listensOn).toEqual(['0.0.0.0:9001']);
  });

  test('is measured by time that nobody sets', async () => {
    const box = new Box();
    const id = await box.try();
    box.clock.jumpWall(-3_600_000);
    box.clock.advance(59_000);
    expect(box.desk.current?.untilMs).toBe(box.clock.nowMs() + 1_000);
    box.clock.jumpWall(7_200_000);
    expect(box.desk.confirm(id, anna).ok).toBe(true);
  });

  test('a program cannot begin one', async () => {
    const token: Actor = { kind: 'token', name: 'token x', role: 'owner', source: '', surface: 'rest', tokenId: 't' };
    expect(await new Box().desk.begin(wanted, token, 60_000)).toMatchObject({ error: { code: 'permission.trial' } });
  });
});

describe('when something fails', () => {
  const refused = fail('engine.address_in_use', 'UDP 0.0.0.0:9001 is in use by another program');

  test('a change that the engine refuses was never on trial', async () => {
    const box = new Box();
    box.refusals = [refused];
    expect(await box.desk.begin(wanted, anna, 60_000)).toEqual(refused);
    expect([box.desk.current, box.listensOn]).toEqual([undefined, ['0.0.0.0:9000', '[::]:9000']]);
    box.restart();
    expect(box.audited).toEqual([]);
    await box.try();
  });

  test('a full disk: nothing is made', async () => {
    const box = new Box();
    box.isFull = true;
    expect(await box.desk.begin(wanted, anna, 60_000)).toMatchObject({ error: { code: 'state.full' } });
    expect(box.listensOn).toEqual(['0.0.0.0:9000', '[::]:9000']);
  });

  test('a disk that fills up before it is confirmed: not confirmed, and undone', async () => {
    const box = new Box();
    const id = await box.try();
    box.isFull = true;
    expect(box.desk.confirm(id, anna)).toMatchObject({ error: { code: 'state.full' } });
    box.clock.advance(60_000);
    await settle();
    expect(box.listensOn).toEqual(['0.0.0.0:9000', '[::]:9000']);
  });

  test('undoing is tried until it works, and nobody can confirm meanwhile', async () => {
    const box = new Box();
    const id = await box.try();
    box.refusals = [refused, refused];
    box.clock.advance(60_000);
    await settle();
    expect(box.desk.confirm(id, anna)).toMatchObject({ error: { code: 'trial.over' } });
    expect(await box.desk.begin(wanted, anna, 60_000)).toMatchObject({ error: { code: 'trial.running' } });
    for (let n = 0; n < 2; n++) {
      box.clock.advance(1_000);
      await settle();
    }
    expect(box.listensOn).toEqual(['0.0.0.0:9000', '[::]:9000']);
    await box.try();
  });
});

describe('addresses that are asked for', () => {
  test.each([
    ['a name', ['york.example:9000'], 'addresses[0]: "york.example:9000"'],
    ['no port', ['0.0.0.0:9000', '192.0.2.1'], 'addresses[1]: "192.0.2.1"'],
    ['markup', ['<b>:1'], 'addresses[0]: "<b>:1"'],
    ['the same twice', ['0.0.0.0:9000', '0.0.0.0:9000'], 'addresses[1]: "0.0.0.0:9000" stands in the list twice'],
    [
      'one within the other',
      ['0.0.0.0:9000', '192.0.2.1:9000'],
      'addresses[1]: "192.0.2.1:9000" and "0.0.0.0:9000" overlap',
    ],
  ])('%s: refused with its place', (_, texts, said) => {
    const parsed = parseListen(texts);
    expect(parsed).toMatchObject({ ok: false, error: { code: 'listen.address', remedy: expect.any(String) } });
    expect(parsed.ok ? '' : parsed.error.message).toContain(said);
  });

  test('families and ports side by side are fine; what the engine lacks is named', () => {
    const parsed = parseListen(['0.0.0.0:9000', '[::]:9000', '192.0.2.1:9001']);
    expect(parsed.ok && missingListen(parsed.value, ['0.0.0.0:9000', '192.0.2.1:9001']).map(formatHostPort)).toEqual([
      '[::]:9000',
    ]);
  });

  test('whoever comes through the tunnel has to come back first', () => {
    const routes = ['100.64.3.7/32', '10.1.0.0/16', 'fd00:1::/64'];
    expect(['10.1.2.3', 'fd00:1::9', '[fd00:1::9]'].map((source) => isThroughTunnel(source, routes))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['192.0.2.7', 'uid 0', ''].map((source) => isThroughTunnel(source, routes))).toEqual([false, false, false]);
  });
});

test.each([
  '',
  '{}',
  '{"version":2}',
  '{"version":1,"confirmed":{"addresses":["x"],"by":"a","at":"2026-11-23T00:00:00Z","instead":[]},"trial":null}',
])('a damaged file is said and never taken for something: %j', (text) =>
  expect(decodeListenState('listen.json', text)).toMatchObject({ error: { code: 'state.damaged' } }),
);
