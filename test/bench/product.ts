import { Box, PORT } from '../lab/box.ts';
import { answered } from './plain.ts';
import type { Pair, Side, Subject, Tunnel } from './subject.ts';
import { OUTSIDE } from './subject.ts';

/** Two real daemons with their engines, each the other's only peer. */
export function productOf(version: string): Subject {
  return { name: 'product', version, start: startProduct };
}

async function startProduct(pair: Pair): Promise<Tunnel> {
  const left = new Box(pair.left, undefined);
  const right = new Box(pair.right, undefined);
  const [leftId, rightId] = await Promise.all([left.nodeId(), right.nodeId()]);
  left.configure({ peers: [{ id: rightId, address: `${OUTSIDE.right}:${PORT}` }] });
  right.configure({ peers: [{ id: leftId }] });
  await right.start();
  await left.start();
  const inside = { left: (await left.overlay()).ipv4, right: (await right.overlay()).ipv4 };
  await answered(pair.left, inside.right);
  const carriers: Record<Side, number[]> = { left: await engine(left), right: await engine(right) };
  const ifName = { left: (await left.status()).tun.name, right: (await right.status()).tun.name };
  return { inside, ifName, carriers, helpers: { left: [left.daemonPid()], right: [right.daemonPid()] } };
}

async function engine(box: Box): Promise<number[]> {
  const pid = await box.enginePid();
  if (pid === undefined) throw new Error(`${box.host.name}: no engine runs`);
  return [pid];
}
