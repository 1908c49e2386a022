import { formatIp, readIp } from './ip.ts';
import { type Failure, failWith, ok, type Result } from './result.ts';

/** Where to reach something: a name or an address, and a port. */
export interface HostPort {
  /** A DNS name in lower case, or an address in its canonical form (IPv6 without brackets). */
  readonly host: string;
  readonly port: number;
  /** Whether `host` is a name that must be resolved. */
  readonly isName: boolean;
}

/** Whether port 0 (any free one) may be given, and the port taken when none is given. */
export interface HostPortRules {
  readonly allowZero?: boolean;
  readonly defaultPort?: number;
  /** Only addresses, no names: something to listen on. */
  readonly addressOnly?: boolean;
}

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Reads `vpn.example.com:9000`, `192.0.2.1:9000` or `[2001:db8::1]:9000`. */
export function parseHostPort(text: string, rules: HostPortRules = {}): Result<HostPort> {
  const read = readHostPort(text, rules);
  if (read.ok) return read;
  const error: Failure = { code: 'ip.host-port', message: `"${text}" is not host:port: ${read.error}` };
  return failWith(error);
}

function readHostPort(text: string, rules: HostPortRules): Result<HostPort, string> {
  if (text.includes('/')) {
    return failWith(
      'leave out https:// and every slash: only the address or name and the port, as in 203.0.113.7:9000',
    );
  }
  const split = /^(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?$/.exec(text);
  if (!split) return failWith('an IPv6 address stands in brackets, as in [2001:db8::1]:9000');
  const [, bracketed, bare, portText] = split;
  const port = readPort(portText, rules);
  if (!port.ok) return port;
  if (bracketed !== undefined) {
    const ip = readIp(bracketed);
    if (!ip.ok) return ip;
    if (ip.value.family === 4) return failWith('only IPv6 addresses stand in brackets');
    return ok({ host: formatIp(ip.value), port: port.value, isName: false });
  }
  return readHost(bare ?? '', port.value, rules);
}

function readHost(text: string, port: number, rules: HostPortRules): Result<HostPort, string> {
  if (text === '') return failWith('the host is missing');
  // Names of digits and dots only are addresses with a mistake in them, never names.
  if (/^[0-9.]+$/.test(text)) {
    const ip = readIp(text);
    return ip.ok ? ok({ host: formatIp(ip.value), port, isName: false }) : ip;
  }
  if (rules.addressOnly) return failWith('an address is needed here, as in 0.0.0.0:9000, not a name');
  const name = text.toLowerCase();
  const labels = name.replace(/\.$/, '').split('.');
  if (name.length > 253 || !labels.every((label) => LABEL.test(label))) {
    return failWith(`"${text}" is neither an address nor a host name`);
  }
  return ok({ host: name, port, isName: true });
}

function readPort(text: string | undefined, rules: HostPortRules): Result<number, string> {
  if (text === undefined) {
    return rules.defaultPort === undefined ? failWith('the port is missing, as in :9000') : ok(rules.defaultPort);
  }
  if (!/^(0|[1-9][0-9]{0,4})$/.test(text)) return failWith('the port is a number from 1 to 65535');
  const port = Number(text);
  if (port > 65535 || (port === 0 && !rules.allowZero)) return failWith('the port is a number from 1 to 65535');
  return ok(port);
}

export function formatHostPort({ host, port }: Pick<HostPort, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
