import { join } from 'node:path';
import { makeFile, SshServer } from '../files.ts';
import type { Verdict } from '../scenario.ts';
import { iperf, ping } from '../traffic.ts';
import type { TwoBoxes } from './build.ts';

const FILE_BYTES = 8 * 1024 ** 2;

/** The programs people use, from a computer in York to one in Leeds, through both boxes. */
export async function checkPrograms({ leeds, york, overlay }: TwoBoxes, verdict: Verdict): Promise<void> {
  const computer = york.lan.computer;
  const families = [
    { family: 'ipv4', box: overlay.leeds.ipv4, computer: leeds.lan.ipv4 },
    { family: 'ipv6', box: overlay.leeds.ipv6, computer: leeds.lan.ipv6 },
  ] as const;
  const ssh = await SshServer.start(leeds.lan.computer);
  const file = join(computer.directory, 'file');
  await makeFile(file, FILE_BYTES);
  for (const { family, box, computer: address } of families) {
    const direct = await ping(york.box.host, box, { count: 20, intervalMs: 20 });
    verdict.figure(`${family}_rtt_ms`, direct.medianRttMs);
    verdict.promise(`every ping from box to box is answered (${family})`, direct.received === 20, direct);
    const through = await ping(computer, address, { count: 20, intervalMs: 20 });
    verdict.promise(`every ping from computer to computer is answered (${family})`, through.received === 20, through);
    verdict.promise(`each box is one hop (${family})`, String(through.ttls) === '62', through.ttls);

    const hello = await ssh.command(computer, address, ['echo', 'hello']);
    verdict.promise(`ssh works (${family})`, hello.stdout === 'hello\n', hello);
    const copied = await ssh.copy(computer, address, file, 30_000);
    verdict.figure(`${family}_rsync_ms`, copied.durationMs);
    verdict.promise(`rsync delivers the same SHA-256 (${family})`, copied.isSame, copied.problem);

    const tcp = await iperf(computer, leeds.lan.computer, address, { durationMs: 2000 });
    verdict.figure(`${family}_tcp_bps`, tcp.bps);
    verdict.promise(`iperf3 moves data by TCP (${family})`, tcp.bps > 50_000_000, tcp);
    const udp = await iperf(computer, leeds.lan.computer, address, { durationMs: 1000, udpRateBps: 20_000_000 });
    // Beside other tests the programs themselves lose some, when they do not get to run.
    verdict.promise(`UDP at 20 Mbit/s loses next to nothing (${family})`, udp.lossRatio < 0.05, udp);
  }
}
