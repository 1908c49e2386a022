import { sleep } from '../command.ts';
import type { Lan, Office } from '../office.ts';
import { Internet } from '../office.ts';
import type { Verdict } from '../scenario.ts';
import { startMesh, untilReachable } from '../tunnel.ts';
import type { World } from '../world.ts';

/** Two offices whose boxes carry traffic, and the internet they stand on. */
export interface TwoBoxes {
  readonly internet: Internet;
  readonly leeds: Office & { readonly lan: Lan };
  readonly york: Office & { readonly lan: Lan };
  readonly overlay: { readonly leeds: Addresses; readonly york: Addresses };
}

export interface Addresses {
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Starts both at once, each dialling the other, and checks that they end up with one association. */
export async function buildTwoBoxes(world: World, verdict: Verdict): Promise<TwoBoxes> {
  const internet = await Internet.create(world);
  const leeds = await internet.office('leeds', { hasLan: true });
  const york = await internet.office('york', { hasLan: true });
  await startMesh([leeds, york], { listen: ['0.0.0.0:9000', '[::]:9000'] });
  const overlay = { leeds: await leeds.box.overlay(), york: await york.box.overlay() };
  const waitedMs = await untilReachable(leeds.box.host, overlay.york.ipv4);
  verdict.figure('connected_after_ms', waitedMs);
  // Time for a second association to appear, if one were to.
  await sleep(1500);
  for (const office of [leeds, york]) {
    const { peers, paths } = await office.box.status();
    const isOne = peers === 1 && paths.length === 1;
    verdict.promise(`${office.name} has one peer and one path although both dialled`, isOne, { peers, paths });
  }
  return { internet, leeds: withLan(leeds), york: withLan(york), overlay };
}

export function withLan(office: Office): Office & { readonly lan: Lan } {
  if (!office.lan) throw new Error(`${office.name} has no LAN`);
  return { ...office, lan: office.lan };
}
