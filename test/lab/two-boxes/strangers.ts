import { PORT } from '../box.ts';
import { sleep, until } from '../command.ts';
import type { Verdict } from '../scenario.ts';
import { isUnreachable, untilReachable } from '../tunnel.ts';
import type { TwoBoxes } from './build.ts';

/** A box that knows only an address waits for both sides; one that expects another key is refused. */
export async function checkStrangers(two: TwoBoxes, verdict: Verdict): Promise<void> {
  await checkPending(two, verdict);
  await checkWrongKey(two, verdict);
}

async function checkPending({ internet, leeds }: TwoBoxes, verdict: Verdict): Promise<void> {
  const stranger = await internet.office('stranger');
  stranger.box.configure({ peers: [{ address: `${leeds.ipv4}:${PORT}` }] });
  await stranger.box.start();
  const [strangerId, leedsId] = [await stranger.box.nodeId(), await leeds.box.nodeId()];
  await verdict.attempt('both sides show the other as pending', async () => {
    await until('leeds to show the stranger', 8000, () => leeds.box.isPending(strangerId));
    await until('the stranger to show leeds', 8000, () => stranger.box.isPending(leedsId));
  });
  const leedsOverlay = await leeds.box.overlay();
  const { tun } = await stranger.box.status();
  // Without a route nothing would leave anyway: give it one, so that the engine has to refuse.
  await stranger.box.host.ip(`route replace ${leedsOverlay.ipv4}/32 dev ${tun.name}`);
  verdict.promise('nothing flows while both are pending', await isUnreachable(stranger.box.host, leedsOverlay.ipv4));
  await leeds.box.accept(strangerId);
  await sleep(500);
  verdict.promise(
    'nothing flows while only one side has accepted',
    await isUnreachable(stranger.box.host, leedsOverlay.ipv4),
  );
  await stranger.box.host.ip(`route del ${leedsOverlay.ipv4}/32 dev ${tun.name}`);
  await stranger.box.accept(leedsId);
  await verdict.attempt('traffic flows once both have accepted', async () => {
    await untilReachable(stranger.box.host, leedsOverlay.ipv4, 10_000);
    await untilReachable(stranger.box.host, leedsOverlay.ipv6, 10_000);
  });
}

async function checkWrongKey({ internet, leeds, york }: TwoBoxes, verdict: Verdict): Promise<void> {
  const mistaken = await internet.office('mistaken');
  // The right address, but the key that is expected there is York's.
  mistaken.box.configure({ peers: [{ id: await york.box.nodeId(), address: `${leeds.ipv4}:${PORT}` }] });
  await mistaken.box.start();
  const { ipv4 } = await york.box.overlay();
  await verdict.attempt('a peer with the wrong key is refused and counted', async () => {
    await until('a refusal to be counted', 10_000, async () => {
      const refusals = (await mistaken.box.counter('wrong_key')) + (await mistaken.box.counter('failed_handshakes'));
      return refusals > 0 ? true : undefined;
    });
  });
  verdict.promise('nothing flows to it', await isUnreachable(mistaken.box.host, ipv4));
}
