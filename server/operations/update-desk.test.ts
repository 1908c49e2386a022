import { describe, expect, test } from 'vitest';
import { SimulatedClock } from '../core/clock.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { LOCAL_OWNER } from './actor.ts';
import { OPERATIONS } from './all.ts';
import type { Operation } from './operation.ts';
import { settle, simulateWorld } from './simulated-world.ts';
import type { InstallProgress, SystemPort, SystemState } from './system-port.ts';
import { UpdateDesk } from './update-desk.ts';
import type { World } from './world.ts';

/** A root helper and a staging file that remember what they were asked. */
function simulateSystem(clock: SimulatedClock) {
  let bytes: number[] | undefined;
  const disk = {
    roomBytes: 1_000,
    get file() {
      return bytes;
    },
  };
  const install = Promise.withResolvers<Result<{ version: string }>>();
  const told: { report?: (progress: InstallProgress) => void; resets: (string | undefined)[]; keys: unknown[] } = {
    resets: [],
    keys: [],
  };
  const state: SystemState = {
    version: '1.4.0',
    isSshOn: false,
    isUpdating: false,
    slots: [
      { slot: 'a', version: '1.4.0', state: 'running' },
      { slot: 'b', version: undefined, state: 'idle' },
    ],
  };
  const port: SystemPort = {
    state: async () => ok(state),
    install: (report) => {
      told.report = report;
      return install.promise;
    },
    reboot: async () => ok(undefined),
    reset: async (code) => {
      told.resets.push(code);
      return code === undefined ? fail('system.presence', 'look at the screen') : ok(undefined);
    },
    setSsh: async (_, keys) => {
      told.keys.push(keys);
      return ok(undefined);
    },
  };
  const staging = {
    begin: async (sizeBytes: number) => {
      if (sizeBytes > disk.roomBytes) return fail('state.full', 'no room');
      bytes = [];
      return ok(undefined);
    },
    append: async (part: Uint8Array) => {
      if (!bytes) return fail('state.file', 'gone');
      bytes.push(...part);
      return ok(undefined);
    },
    finish: async () => ok(undefined),
    remove: async () => {
      bytes = undefined;
    },
  };
  let ids = 0;
  const desk = new UpdateDesk({ clock, system: port, staging, newId: () => `upload-${++ids}` });
  return { desk, disk, port, told, install };
}

const part = (...bytes: number[]) => Uint8Array.from(bytes);

describe('a bundle that is uploaded', () => {
  test('comes in parts, in order, and no longer than was said', async () => {
    const { desk, disk } = simulateSystem(new SimulatedClock());
    expect(await desk.begin(4)).toEqual(ok('upload-1'));
    expect(await desk.send('upload-1', 0, part(1, 2))).toEqual(ok(2));
    expect(desk.view).toMatchObject({ state: 'receiving', percent: 50 });
    expect(await desk.send('upload-1', 0, part(9, 9))).toMatchObject({ error: { code: 'system.offset' } });
    expect(await desk.send('upload-1', 3, part(9))).toMatchObject({ error: { code: 'system.offset' } });
    expect(await desk.send('upload-1', 2, part(3, 4, 5))).toMatchObject({ error: { code: 'system.too-large' } });
    expect(await desk.send('upload-0', 2, part(3))).toMatchObject({ error: { code: 'system.unknown-upload' } });
    const both = [desk.send('upload-1', 2, part(3)), desk.send('upload-1', 2, part(3))];
    expect((await Promise.all(both)).map(({ ok: isOk }) => isOk)).toEqual([true, false]);
    expect(await desk.install('upload-1', () => {})).toMatchObject({ error: { code: 'system.incomplete' } });
    expect(await desk.send('upload-1', 3, part(4))).toEqual(ok(4));
    expect(disk.file).toEqual([1, 2, 3, 4]);
  });

  test('is alone until it is silent, and goes when it was forgotten', async () => {
    const clock = new SimulatedClock();
    const { desk, disk } = simulateSystem(clock);
    await desk.begin(4);
    expect(await desk.begin(4)).toMatchObject({ error: { code: 'system.busy' } });
    clock.advance(29_000);
    await desk.send('upload-1', 0, part(1));
    clock.advance(29_000);
    expect(await desk.begin(4)).toMatchObject({ ok: false });
    clock.advance(2_000);
    expect(await desk.begin(4)).toEqual(ok('upload-2'));
    expect(await desk.send('upload-1', 1, part(2))).toMatchObject({ error: { code: 'system.unknown-upload' } });
    clock.advance(15 * 60_000);
    expect(disk.file).toBeUndefined();
    expect(desk.view.state).toBe('none');
  });

  test('for which there is no room is not begun', async () => {
    const { desk } = simulateSystem(new SimulatedClock());
    expect(await desk.begin(1_001)).toMatchObject({ error: { code: 'state.full' } });
    expect(await desk.begin(4)).toMatchObject({ ok: true });
  });

  test('that is refused says why at once, and leaves nothing', async () => {
    const { desk, disk, install } = simulateSystem(new SimulatedClock());
    await desk.begin(1);
    await desk.send('upload-1', 0, part(1));
    const ended: unknown[] = [];
    const asked = desk.install('upload-1', (result) => ended.push(result));
    install.resolve(fail('system.bad-signature', 'signed by nobody'));
    expect(await asked).toMatchObject({ error: { code: 'system.bad-signature' } });
    expect(desk.view).toMatchObject({ state: 'failed', failure: { code: 'system.bad-signature' } });
    expect([ended, disk.file]).toEqual([[], undefined]);
  });

  test('that is accepted is installed behind the answer, with progress, and nothing else meanwhile', async () => {
    const { desk, told, install } = simulateSystem(new SimulatedClock());
    await desk.begin(1);
    await desk.send('upload-1', 0, part(1));
    const ended: unknown[] = [];
    const asked = desk.install('upload-1', (result) => ended.push(result));
    await settle();
    expect(await desk.begin(1)).toMatchObject({ error: { code: 'system.busy' } });
    told.report?.({ step: 'writing', percent: 42, version: '1.5.0' });
    expect(await asked).toEqual(ok(undefined));
    expect(desk.view).toMatchObject({ state: 'writing', percent: 42, version: '1.5.0' });
    expect(await desk.send('upload-1', 1, part(1))).toMatchObject({ error: { code: 'system.busy' } });
    expect(await desk.install('upload-1', () => {})).toMatchObject({ error: { code: 'system.busy' } });
    install.resolve(ok({ version: '1.5.0' }));
    await settle();
    expect(desk.view).toMatchObject({ state: 'ready', percent: 100, version: '1.5.0' });
    expect(ended).toEqual([ok({ version: '1.5.0' })]);
  });
});

async function run(world: World, method: string, params: object) {
  const found = (OPERATIONS as readonly Operation[]).find((one) => one.method === method);
  if (!found) throw new Error(method);
  return found.run(found.input.parse(params), world, LOCAL_OWNER);
}

describe('operations', () => {
  test('on another machine the system is told of, and what needs an appliance says how it is done there', async () => {
    const { world } = simulateWorld();
    expect(await run(world, 'GetSystem', {})).toMatchObject({
      value: { appliance: false, slots: [], update: { state: 'none' }, ssh: null },
    });
    for (const [method, params, remedy] of [
      ['BeginUpdate', { size_bytes: 1 }, 'package'],
      ['SendUpdate', { upload_id: 'x', offset: 0, data: 'AAAA' }, 'package'],
      ['InstallUpdate', { upload_id: 'x' }, 'package'],
      ['Reboot', {}, 'systemctl reboot'],
      ['FactoryReset', { site_name: 'Office' }, 'state directory'],
      ['SetSsh', { on: true }, 'this system'],
    ] as const) {
      const error = { code: 'system.not-an-appliance', remedy: expect.stringContaining(remedy) };
      expect(await run(world, method, params), method).toMatchObject({ error });
    }
    expect(await run(world, 'RestartDaemon', {})).toMatchObject({ error: { code: 'system.not-supervised' } });
  });

  test('on an appliance they reach its root helper, and how an update ended is audited', async () => {
    const { world: plain, clock, audited } = simulateWorld();
    const { desk, port, told, install } = simulateSystem(clock);
    let restarts = 0;
    const world: World = { ...plain, system: { port, updates: desk }, restart: () => void restarts++ };
    const data = Buffer.from('abc').toString('base64');
    const begun = await run(world, 'BeginUpdate', { size_bytes: 3 });
    expect(begun).toEqual(ok({ upload_id: 'upload-1' }));
    expect(await run(world, 'SendUpdate', { upload_id: 'upload-1', offset: 0, data })).toEqual(
      ok({ received_bytes: 3 }),
    );
    const asked = run(world, 'InstallUpdate', { upload_id: 'upload-1' });
    await settle();
    told.report?.({ step: 'checking', percent: 0, version: '1.5.0' });
    expect(await asked).toEqual(ok({}));
    install.resolve(fail('system.damaged', 'root.img is not what was signed'));
    await settle();
    expect(await run(world, 'GetSystem', {})).toMatchObject({
      value: { version: '1.4.0', appliance: true, update: { state: 'failed', message: /not what was signed/ } },
    });
    expect(audited.at(-1)).toMatchObject({ event: 'update.installed', outcome: 'failed', who: 'root' });
    expect(await run(world, 'Reboot', {})).toEqual(ok({}));
    const later = (state: Partial<SystemState>): World => {
      const observed = async () => ok({ version: '1.4.0', isSshOn: false, isUpdating: false, slots: [], ...state });
      return { ...world, system: { port: { ...port, state: observed }, updates: simulateSystem(clock).desk } };
    };
    expect(await run(later({ isUpdating: true }), 'GetSystem', {})).toMatchObject({
      value: { update: { state: 'writing' } },
    });
    const slots = [{ slot: 'b', version: '1.5.0', state: 'trial' }] as const;
    expect(await run(later({ slots }), 'GetSystem', {})).toMatchObject({
      value: { update: { state: 'ready', version: '1.5.0' } },
    });
    expect(await run(world, 'SetSsh', { on: true, authorized_keys: ['ssh-ed25519 x'] })).toEqual(ok({}));
    expect(told.keys).toEqual([['ssh-ed25519 x']]);
    expect(await run(world, 'RestartDaemon', {})).toEqual(ok({}));
    expect(restarts).toBe(1);
  });

  test('a reset asks for the name of the box first, then for the code on its screen', async () => {
    const { world: plain, clock } = simulateWorld();
    const { desk, port, told } = simulateSystem(clock);
    const world: World = { ...plain, system: { port, updates: desk } };
    const reset = (params: object) => run(world, 'FactoryReset', params);
    expect(await reset({ site_name: 'office' })).toMatchObject({ error: { code: 'system.site-name' } });
    expect(told.resets).toEqual([]);
    expect(await reset({ site_name: 'Office' })).toMatchObject({ error: { code: 'system.presence' } });
    expect(await reset({ site_name: 'Office', code: '1234 5678' })).toEqual(ok({}));
    expect(told.resets).toEqual([undefined, '1234 5678']);
  });

  test('a part is bounded and must be base64', () => {
    const send = (OPERATIONS as readonly Operation[]).find(({ method }) => method === 'SendUpdate');
    const parse = (data: string) => send?.input.safeParse({ upload_id: 'x', offset: 0, data }).success;
    expect(parse('A'.repeat(512 << 10))).toBe(true);
    for (const data of ['', 'A', '####', 'A'.repeat((512 << 10) + 4)]) expect(parse(data)).toBe(false);
  });
});
