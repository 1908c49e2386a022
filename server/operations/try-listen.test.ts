import { expect, test } from 'vitest';
import { type Actor, LOCAL_OWNER } from './actor.ts';
import { boxId, settle, simulateWorld } from './simulated-world.ts';
import { tryListen } from './try-listen.ts';

const york = boxId(1);
const anna: Actor = { kind: 'person', name: 'anna', role: 'admin', source: '192.0.2.7', surface: 'page', userId: 'a' };
const bound = (...listen: string[]) => ({
  listen,
  routes: [{ destination: '10.1.0.0/16', node_id: york, installed: true, problem: null }],
});

async function start() {
  const simulated = simulateWorld();
  await simulated.steering.start();
  simulated.engine.snapshot = bound('0.0.0.0:9000', '0.0.0.0:9001');
  simulated.clock.advance(1_000);
  const run = (addresses: string[], actor: Actor) => tryListen.run({ addresses }, simulated.world, actor);
  return { ...simulated, run };
}

test.each([
  ['the internet', anna, 60_000],
  ['the console', LOCAL_OWNER, 60_000],
  ['another office, through the tunnel', { ...anna, source: '10.1.2.3' }, 180_000],
])('whoever comes from %s has so long to confirm', async (_, actor, durationMs) => {
  const { run, engine, clock } = await start();
  const result = await run(['0.0.0.0:9001'], actor);
  expect(result).toMatchObject({ value: { who: actor.name, mine: true, until_ms: clock.nowMs() + durationMs } });
  expect(engine.applied.at(-1)?.listen).toEqual(['0.0.0.0:9001']);
  clock.advance(durationMs);
  await settle();
  expect(engine.applied.at(-1)?.listen).toEqual([]);
});

test('an address that the engine leaves out is named, and the change taken back at once', async () => {
  const { run, engine, world } = await start();
  expect(await run(['0.0.0.0:9001', '[2001:db8::1]:9001'], anna)).toMatchObject({
    error: { code: 'listen.address', message: expect.stringContaining('"[2001:db8::1]:9001"') },
  });
  expect(engine.applied.at(-1)?.listen).toEqual([]);
  expect(world.trials.current).toBeUndefined();
});

test('while the engine is away nothing is tried', async () => {
  const { run, engine, world } = await start();
  engine.hello = undefined;
  expect(await run(['0.0.0.0:9001'], anna)).toMatchObject({ error: { code: 'engine.not-reachable' } });
  expect(world.trials.current).toBeUndefined();
});
