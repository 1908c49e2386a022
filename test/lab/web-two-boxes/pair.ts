import type { Internet, Office } from '../office.ts';
import type { Verdict } from '../scenario.ts';
import { ping } from '../traffic.ts';
import { untilReachable } from '../tunnel.ts';

/** Two offices with a box each that is up, belongs to nobody and knows of no other. */
export interface Pair {
  readonly here: Office;
  readonly there: Office;
}

/** Brings two new boxes up with their pages, as they come out of their cartons. */
export async function newPair(internet: Internet, name: string): Promise<Pair> {
  const [here, there] = [await internet.office(`${name}-leeds`), await internet.office(`${name}-york`)];
  await Promise.all(
    [here, there].map(async ({ box }) => {
      await box.start();
      await box.web.start();
    }),
  );
  return { here, there };
}

/** Whether the boxes reach each other inside the tunnel, at last. */
export async function checkPing({ here, there }: Pair, verdict: Verdict, how: string): Promise<void> {
  const { ipv4, ipv6 } = await there.box.overlay();
  await verdict.attempt(`set up by ${how} alone, a ping goes through`, async () => {
    await untilReachable(here.box.host, ipv4, 10_000);
    const pings = await ping(here.box.host, ipv6);
    if (pings.received < pings.sent) throw new Error(`IPv6: ${pings.received} of ${pings.sent} came back`);
  });
}
