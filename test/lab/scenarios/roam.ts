import { join } from 'node:path';
import { BOUNDS } from '../../bounds.ts';
import { sleep } from '../command.ts';
import { makeFile, SshServer } from '../files.ts';
import type { Office } from '../office.ts';
import { Internet, moveOffice } from '../office.ts';
import type { Scenario, Verdict } from '../scenario.ts';
import { startPing } from '../traffic.ts';
import { startMesh, untilReachable } from '../tunnel.ts';

/** A client changes its address, seen or unseen, and its sessions go on. */
export const scenario: Scenario = {
  name: 'roam',
  promise: 'a change of the client’s address, or of its NAT’s, interrupts a transfer for a moment and breaks nothing',
  sabotages: [{ mechanism: 'no-migration', breaks: 'packets of an association from a new address are ignored' }],
  timeLimitMs: 90_000,
  fullTimeLimitMs: 400_000,

  async run(world, verdict, { bounds }) {
    const internet = await Internet.create(world);
    const leeds = await internet.office('leeds');
    const sarah = await internet.office('sarah');
    const maria = await internet.office('maria', { isBehindNat: true });
    await startMesh([leeds, sarah, maria]);
    const address = (await leeds.box.overlay()).ipv4;
    const ssh = await SshServer.start(leeds.box.host);
    const sizeBytes = bounds ? BOUNDS.loss.fullFileBytes : 24 * 1024 ** 2;
    const seconds = bounds ? 30 : 6;
    const move = { leeds, address, ssh, sizeBytes, rateKbPerS: Math.round(sizeBytes / 1024 / seconds), verdict };
    await moveDuringCopy({ ...move, client: sarah, label: 'address' });
    await moveDuringCopy({ ...move, client: maria, label: 'nat' });
  },
};

interface Move {
  readonly client: Office;
  /** What changes: `address` of the box itself, or of its `nat`. */
  readonly label: string;
  readonly address: string;
  readonly ssh: SshServer;
  readonly sizeBytes: number;
  readonly rateKbPerS: number;
  readonly verdict: Verdict;
}

async function moveDuringCopy(move: Move): Promise<void> {
  const { client, label, address, ssh, verdict } = move;
  const { host } = client.box;
  await untilReachable(host, address);
  const file = join(host.directory, 'file');
  await makeFile(file, move.sizeBytes);
  const pinger = startPing(host, address, { intervalMs: 20 });
  const copying = ssh.copy(host, address, file, 90_000, move.rateKbPerS);
  await sleep(2000);
  await moveOffice(client, 77);
  await sleep(1500);
  await moveOffice(client, 2);
  const copied = await copying;
  const pings = await pinger.stop();
  verdict.figure(`${label}_gap_ms`, pings.longestGapMs);
  verdict.promise(`the copy arrives whole (${label} changed twice)`, copied.isSame, copied.problem);
  const isShort = pings.received > 0 && pings.longestGapMs <= BOUNDS.roam.mostGapMs;
  verdict.promise(`the tunnel is silent for a moment only (${label})`, isShort, pings);
}
