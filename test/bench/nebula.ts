import { writeFileSync } from 'node:fs';
import { outcomeOf, run } from '../lab/command.ts';
import { addressed, answered } from './plain.ts';
import type { Found, Pair, Side, Tunnel } from './subject.ts';
import { OUTSIDE, SIDES } from './subject.ts';

const INSIDE = { left: '10.81.0.1', right: '10.81.0.2' } as const;

/** Nebula, when it is installed. */
export async function findNebula(): Promise<Found> {
  const missing = 'nebula';
  const found = await outcomeOf(['nebula', '-version']);
  const signer = await outcomeOf(['nebula-cert', '-version']);
  if (found.status !== 0 || signer.status !== 0) return { missing, reason: 'nebula and nebula-cert are not installed' };
  const version = found.stdout.replace(/^version:\s*/i, '').trim();
  return { subject: { name: missing, version, start: startNebula } };
}

async function startNebula(pair: Pair): Promise<Tunnel> {
  const keys = pair.left.directory;
  await run(['nebula-cert', 'ca', '-name', 'bench'], { cwd: keys });
  const carriers: Record<Side, number[]> = { left: [], right: [] };
  for (const side of SIDES) {
    await run(['nebula-cert', 'sign', '-name', side, '-networks', `${INSIDE[side]}/24`], { cwd: keys });
    const file = `${pair[side].directory}/nebula.yml`;
    writeFileSync(file, configurationOf(side, keys));
    const running = pair[side].start('nebula', ['nebula', '-config', file]);
    await addressed(pair[side], running, 'nebula1', INSIDE[side]).catch(ignoreTaken);
    carriers[side] = [running.pid];
  }
  await answered(pair.left, INSIDE.right);
  return { inside: INSIDE, ifName: { left: 'nebula1', right: 'nebula1' }, carriers };
}

/** Nebula gives its interface the address itself. */
function ignoreTaken(error: unknown): void {
  if (!String(error).includes('File exists') && !String(error).includes('already assigned')) throw error;
}

function configurationOf(side: Side, keys: string): string {
  const other = side === 'left' ? 'right' : 'left';
  return `pki: {ca: ${keys}/ca.crt, cert: ${keys}/${side}.crt, key: ${keys}/${side}.key}
static_host_map: {"${INSIDE[other]}": ["${OUTSIDE[other]}:4242"]}
lighthouse: {am_lighthouse: ${side === 'right'}, hosts: ${side === 'left' ? `["${INSIDE.right}"]` : '[]'}}
listen: {host: 0.0.0.0, port: 4242}
tun: {dev: nebula1, mtu: 1300}
firewall:
  outbound: [{port: any, proto: any, host: any}]
  inbound: [{port: any, proto: any, host: any}]
`;
}
