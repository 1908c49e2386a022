import { formatHostPort, type HostPort, parseHostPort } from '../core/host-port.ts';
import { readIp } from '../core/ip.ts';
import { contains, parsePrefix } from '../core/prefix.ts';
import { fail, ok, type Result } from '../core/result.ts';

/** As many sockets as the engine has. */
export const MAX_LISTEN = 16;

const UNSPECIFIED = ['0.0.0.0', '::'];

/** The sockets that a person asks for, or what is wrong with which one. */
export function parseListen(texts: readonly string[]): Result<HostPort[]> {
  const places: HostPort[] = [];
  for (const [at, text] of texts.entries()) {
    const parsed = parseHostPort(text.trim(), { addressOnly: true });
    const refuse = (why: string): Result<never> =>
      fail('listen.address', `addresses[${at}]: ${why}`, {
        remedy: 'give an address of this box and a port, as in 0.0.0.0:9000',
      });
    if (!parsed.ok) return refuse(parsed.error.message);
    const place = parsed.value;
    const shown = formatHostPort(place);
    for (const other of places) {
      if (other.port !== place.port || other.host.includes(':') !== place.host.includes(':')) continue;
      if (other.host === place.host) return refuse(`"${shown}" stands in the list twice`);
      if (UNSPECIFIED.includes(other.host) || UNSPECIFIED.includes(place.host)) {
        return refuse(`"${shown}" and "${formatHostPort(other)}" overlap: one of them is every address of the box`);
      }
    }
    places.push(place);
  }
  return ok(places);
}

/** Whether somebody at this source comes through the tunnel, so that a change of the tunnel may cut his way. */
export function isThroughTunnel(source: string, destinations: readonly string[]): boolean {
  const ip = readIp(source.replace(/^\[|\]$/g, ''));
  if (!ip.ok) return false;
  return destinations.some((destination) => {
    const prefix = parsePrefix(destination);
    return prefix.ok && contains(prefix.value, ip.value);
  });
}

/** Sockets that were asked for and that the engine does not have. */
export function missingListen(wanted: readonly HostPort[], bound: readonly string[]): HostPort[] {
  const there = new Set(
    bound.map((text) => {
      const parsed = parseHostPort(text, { addressOnly: true, allowZero: true });
      return parsed.ok ? formatHostPort(parsed.value) : text;
    }),
  );
  return wanted.filter((place) => !there.has(formatHostPort(place)));
}
