import { existsSync, readFileSync } from 'node:fs';
import { Box, PORT, rssBytesOf } from '../lab/box.ts';
import { run, sleep, until } from '../lab/command.ts';
import type { Host } from '../lab/host.ts';
import { LAB_PROGRAM } from '../lab/line.ts';
import { withWorld } from '../lab/world.ts';

const ADDRESS = { hub: '10.77.0.1', crowd: '10.77.0.2' } as const;

/** After the last peer is up, for buffers of the handshakes to go. */
const SETTLE_MS = 5000;

/** Memory of a box with many peers that do nothing. */
export interface IdlePeers {
  readonly peers: number;
  /** With one peer. */
  readonly engine_rss_bytes: number;
  readonly daemon_rss_bytes: number;
  /** For each further peer. */
  readonly engine_bytes_per_peer: number;
  readonly daemon_bytes_per_peer: number;
  readonly bytes_per_peer: number;
}

interface Memory {
  readonly engine: number;
  readonly daemon: number;
}

/** Connects `count` peers to a real box, and compares its memory with that of one with a single peer. */
export async function measureIdlePeers(count: number, say: (text: string) => void): Promise<IdlePeers> {
  return withWorld({ say }, async (world) => {
    const [hub, crowd] = [await world.host('hub'), await world.host('crowd')];
    await world.connect({ host: hub, ifName: 'wire' }, { host: crowd, ifName: 'wire' });
    await hub.ip(`addr add ${ADDRESS.hub}/24 dev wire`);
    await crowd.ip(`addr add ${ADDRESS.crowd}/24 dev wire`);
    const listed = await run([LAB_PROGRAM, 'crowd', '--list', '--count', String(count)]);
    const nodeIds = listed.trim().split('\n');
    const box = new Box(hub, undefined);
    const one = await memoryWith(box, crowd, nodeIds.slice(0, 1), say);
    const many = await memoryWith(box, crowd, nodeIds, say);
    const engineEach = (many.engine - one.engine) / (count - 1);
    const daemonEach = (many.daemon - one.daemon) / (count - 1);
    return {
      peers: count,
      engine_rss_bytes: one.engine,
      daemon_rss_bytes: one.daemon,
      engine_bytes_per_peer: Math.round(engineEach),
      daemon_bytes_per_peer: Math.round(daemonEach),
      bytes_per_peer: Math.round(engineEach + daemonEach),
    };
  });
}

async function memoryWith(
  box: Box,
  crowd: Host,
  nodeIds: readonly string[],
  say: (text: string) => void,
): Promise<Memory> {
  const callee = await box.nodeId();
  box.configure({ peers: nodeIds.map((id) => ({ id })) });
  await box.start();
  const words = ['--to', `${ADDRESS.hub}:${PORT}`, '--callee', callee, '--count', String(nodeIds.length)];
  // Its own words, not the daemon's: asking the daemon often would cost the memory that is measured.
  const file = crowd.logFile('connected');
  const members = crowd.start('crowd', ['sh', '-c', `exec ${[LAB_PROGRAM, 'crowd', ...words].join(' ')} > ${file}`]);
  await until(`${nodeIds.length} peers`, 120_000, async () => {
    if (members.hasEnded()) throw new Error(`the crowd ended, see ${crowd.directory}`);
    return existsSync(file) && readFileSync(file, 'utf8').includes(`{"connected":${nodeIds.length},`)
      ? true
      : undefined;
  });
  await sleep(SETTLE_MS);
  const engine = await box.enginePid();
  if (engine === undefined) throw new Error('no engine runs');
  const memory = { engine: rssBytesOf(engine), daemon: rssBytesOf(box.daemonPid()) };
  const up = (await box.snapshot()).peers.filter(({ state }) => state === 'up').length;
  if (up !== nodeIds.length) throw new Error(`${up} of ${nodeIds.length} peers are up`);
  say(`${nodeIds.length} peers: engine ${memory.engine}, daemon ${memory.daemon} bytes resident`);
  await members.stop(2000);
  await box.stop();
  return memory;
}
