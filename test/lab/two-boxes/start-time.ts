import { BOUNDS } from '../../bounds.ts';
import { sleep } from '../command.ts';
import type { Verdict } from '../scenario.ts';
import { startPing } from '../traffic.ts';
import type { TwoBoxes } from './build.ts';

/** Measures how long it takes from a start of York's daemon to the first packet from Leeds. */
export async function measureStart(
  { leeds, york, overlay }: TwoBoxes,
  verdict: Verdict,
  isBound: boolean,
): Promise<void> {
  await york.box.stop();
  await sleep(500);
  const pinger = startPing(leeds.box.host, overlay.york.ipv4, { intervalMs: 10 });
  const startedAtMs = Date.now();
  await york.box.start();
  await sleep(2500);
  const { answeredAtMs } = await pinger.stop();
  const first = answeredAtMs.find((time) => time > startedAtMs) ?? Number.POSITIVE_INFINITY;
  verdict.figure('start_to_first_packet_ms', first - startedAtMs);
  const { mostStartMs } = BOUNDS.tunnel;
  verdict.promise('a restarted box is back', Number.isFinite(first));
  if (isBound) verdict.promise(`and within ${mostStartMs} ms`, first - startedAtMs <= mostStartMs);
}
