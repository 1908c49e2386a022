import { describe, expect, test } from 'vitest';
import { LOCAL_OWNER } from './actor.ts';
import { OPERATIONS } from './all.ts';
import type { Operation } from './operation.ts';
import { boxId, type SimulatedParts, settle, simulateWorld } from './simulated-world.ts';

const york = boxId(1);
const pendingAt = (address: string) => ({
  node_id: york,
  name: 'whatever it says',
  address,
  claimed_addresses: [],
  accepted_there: false,
  since_ms: 5_000,
});

async function start(parts: SimulatedParts = {}) {
  const simulated = simulateWorld(parts);
  await simulated.steering.start();
  const run = async (method: string, params: unknown) => {
    const found = (OPERATIONS as readonly Operation[]).find((one) => one.method === method);
    if (!found) throw new Error(method);
    simulated.clock.advance(1_000);
    return found.run(found.input.parse(params), simulated.world, LOCAL_OWNER);
  };
  return { ...simulated, run };
}

describe('with its NodeId', () => {
  test('an office is accepted and dialled there', async () => {
    const { run, engine, stored } = await start();
    expect(await run('AddPeer', { node_id: york, address: ' 192.0.2.1 ', name: 'York' })).toEqual({
      ok: true,
      value: { node_id: york },
    });
    expect(engine.applied.at(-1)?.peers).toMatchObject([{ node_id: york, addresses: ['192.0.2.1:9000'] }]);
    expect(stored.accepted).toMatchObject([{ nodeId: york, name: 'York' }]);
  });

  test('another address is added to the ones it has, and its name stays', async () => {
    const { run, engine, stored } = await start();
    await run('AddPeer', { node_id: york, address: '192.0.2.1:9000', name: 'York' });
    await run('AddPeer', { node_id: york, address: '[2001:db8::1]:9001' });
    expect(engine.applied.at(-1)?.peers[0]?.addresses).toEqual(['192.0.2.1:9000', '[2001:db8::1]:9001']);
    expect(stored.accepted).toMatchObject([{ name: 'York' }]);
  });
});

describe('without it', () => {
  test('whoever answers waits, and gets name and address once accepted; it is dialled by its NodeId then', async () => {
    const { run, engine, steering, stored } = await start();
    expect(await run('AddPeer', { address: '192.0.2.1:9000', name: 'York' })).toEqual({
      ok: true,
      value: { node_id: null },
    });
    expect(engine.applied.at(-1)).toMatchObject({ dial: ['192.0.2.1:9000'], peers: [] });
    expect(await run('GetOffices', {})).toMatchObject({
      value: { sought: [{ address: '192.0.2.1:9000', name: 'York', problem: null }], pending: [] },
    });
    engine.emit({ kind: 'dial_failed', address: '192.0.2.1:9000', node_id: null, reason: 'it did not answer' });
    expect(await run('GetOffices', {})).toMatchObject({
      value: { sought: [{ problem: '192.0.2.1:9000: it did not answer' }] },
    });
    engine.snapshot = { pending: [pendingAt('192.0.2.1:9000')] };
    expect(await run('GetOffices', {})).toMatchObject({
      value: { sought: [], pending: [{ node_id: york, name: 'York' }] },
    });
    await run('AcceptPeer', { node_id: york });
    expect(stored.accepted).toMatchObject([{ nodeId: york, name: 'York', addresses: [{ host: '192.0.2.1' }] }]);
    expect(steering.sought).toEqual([]);
    expect(engine.applied.at(-1)).toMatchObject({ dial: [], peers: [{ addresses: ['192.0.2.1:9000'] }] });
  });

  test('an address that was added is given up again', async () => {
    const { run, engine, steering } = await start();
    await run('AddPeer', { address: 'york.example:9000' });
    await run('AddPeer', { address: '192.0.2.1' });
    engine.emit({ kind: 'dial_failed', address: '192.0.2.1:9000', node_id: null, reason: 'it did not answer' });
    expect(await run('RemovePeer', { peer: 'York.example:9000' })).toEqual({ ok: true, value: { node_id: null } });
    expect(await run('RemovePeer', { peer: '192.0.2.1:9000' })).toEqual({ ok: true, value: { node_id: null } });
    await settle();
    expect(engine.applied.at(-1)?.dial).toEqual([]);
    expect([steering.sought, steering.problems]).toEqual([[], []]);
  });

  test('so many and no more', async () => {
    const { run } = await start();
    for (let n = 0; n < 64; n++) expect((await run('AddPeer', { address: `192.0.2.${n + 1}` })).ok).toBe(true);
    expect(await run('AddPeer', { address: '198.51.100.1' })).toMatchObject({ error: { code: 'peer.too-many' } });
    expect((await run('AddPeer', { address: '192.0.2.7', name: 'again' })).ok).toBe(true);
  });
});

describe('what cannot be is refused with place, value and remedy, and changes nothing', () => {
  test.each([
    ['an address that is none', { address: '192.0.2.300:9000' }, 'address: "192.0.2.300:9000"'],
    ['a port that is none', { address: 'york.example:99999' }, 'address: "york.example:99999"'],
    ['markup', { address: '<script>:9000' }, 'address: "<script>:9000"'],
    ['a NodeId with a wrong letter', { address: '192.0.2.1', node_id: `${york.slice(0, -1)}x` }, 'node_id: '],
    ['this box itself', { address: '192.0.2.1', node_id: boxId(0) }, 'is this box itself'],
  ])('%s', async (_, params, said) => {
    const { run, engine, steering } = await start();
    const applied = engine.applied.length;
    const result = await run('AddPeer', params);
    expect(result).toMatchObject({ ok: false, error: { remedy: expect.any(String) } });
    expect(result.ok ? '' : result.error.message).toContain(said);
    expect([engine.applied.length, steering.accepted, steering.sought]).toEqual([applied, [], []]);
  });

  test('the address of this box itself, with its own port', async () => {
    const { run, engine } = await start();
    engine.snapshot = { listen: ['0.0.0.0:9000'] };
    const own = { error: { code: 'peer.address', message: "address: 192.0.2.9:9000 is this box's own address" } };
    expect(await run('AddPeer', { address: '192.0.2.9' })).toMatchObject(own);
    expect(await run('AddPeer', { address: '192.0.2.9:9000', node_id: york })).toMatchObject(own);
    expect((await run('AddPeer', { address: '192.0.2.9:9001' })).ok).toBe(true);
  });

  test('the address of a page, with the way to write it', async () => {
    const { run } = await start();
    const result = await run('AddPeer', { address: 'https://10.9.9.2:9000/' });
    expect(result.ok ? '' : result.error.message).toContain('leave out https:// and every slash');
  });

  test('an address where an office is dialled already', async () => {
    const { run } = await start();
    await run('AddPeer', { node_id: york, address: '192.0.2.1', name: 'York' });
    expect(await run('AddPeer', { address: '192.0.2.1:9000' })).toMatchObject({ error: { code: 'peer.known' } });
  });

  test('a disk that is full', async () => {
    const { run, stored, steering } = await start();
    stored.isFull = true;
    expect(await run('AddPeer', { address: '192.0.2.1' })).toMatchObject({ error: { code: 'state.full' } });
    expect(await run('AddPeer', { address: '192.0.2.1', node_id: york })).toMatchObject({
      error: { code: 'state.full' },
    });
    expect([steering.accepted, steering.sought]).toEqual([[], []]);
  });
});
