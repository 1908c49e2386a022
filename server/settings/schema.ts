import { parseHostPort } from '../core/host-port.ts';
import { ok } from '../core/result.ts';
import { list, oneOrList, record } from './collections.ts';
import { type Field, field } from './field.ts';
import {
  bool,
  choice,
  decimal,
  hostPort,
  integer,
  interfaceAddress,
  interfaceName,
  type Kind,
  optional,
  path,
  prefix,
  quote,
  text,
  wrong,
} from './kinds.ts';

/** Version of the configuration document that this release reads and writes. */
export const CONFIG_VERSION = 1;

const ioBackends = choice('auto', 'standard', 'io_uring');
const builtIoBackends: Kind<'auto' | 'standard'> = {
  ...ioBackends,
  read: (raw) => refuseUnbuilt(ioBackends.read(raw)),
  readText: (value) => refuseUnbuilt(ioBackends.readText(value)),
};

function refuseUnbuilt(read: ReturnType<typeof ioBackends.read>): ReturnType<typeof builtIoBackends.read> {
  if (!read.ok) return read;
  if (read.value === 'io_uring') return wrong('"io_uring" is not built; use "auto" or "standard"');
  return ok(read.value);
}

/** Where a box keeps its state that is not run from somewhere else. */
const SYSTEM_STATE_DIR = '/var/lib/quicether';

/** A name or an address as a browser asks for it, without a port. */
const hostName: Kind<string> = {
  ...text(253),
  name: 'host',
  read: (raw) => readHostName(text(253).read(raw)),
  readText: (value) => readHostName(text(253).readText(value)),
};

function readHostName(read: ReturnType<Kind<string>['read']>): typeof read {
  if (!read.ok) return read;
  const parsed = parseHostPort(read.value.includes(':') ? `[${read.value}]` : read.value, { defaultPort: 1 });
  return parsed.ok ? ok(parsed.value.host) : wrong(`${quote(read.value)} is neither a host name nor an address`);
}

const NOT_BUILT = { notBuilt: true } as const;

/** Every key but `[[peers]]` and `version`; the one list that reading, flags and documentation share. */
export const SCHEMA = {
  node: {
    stateDir: field('node.state_dir', path, SYSTEM_STATE_DIR, 'Where the node key and everything learned is kept.', {
      shortEnv: 'QUICETHER_STATE_DIR',
      flags: ['--state-dir'],
    }),
    name: {
      key: 'node.name',
      kind: text(64),
      fallback: (facts) => facts.hostName,
      fallbackText: 'host name',
      flags: ['--name'],
      meaning: 'Name of this box, for people; its identity (NodeId) comes from the key.',
    } as Field<string>,
    role: field(
      'node.role',
      choice('standard', 'gateway', 'enterprise'),
      'standard',
      'A gateway forwards for others; enterprise also turns strict policy and audit on.',
      { flags: ['--role'] },
    ),
    keyFile: {
      key: 'node.key_file',
      kind: path,
      fallback: (facts) => `${facts.stateDir}/node.key`,
      fallbackText: '`node.key` in `node.state_dir`',
      flags: ['--key-file'],
      meaning: 'Ed25519 private key, mode 0600; made on first start.',
    } as Field<string>,
  },
  network: {
    tunName: field('network.tun_name', interfaceName, 'quicether0', 'Name of the tunnel interface.', {
      shortEnv: 'QUICETHER_TUN_NAME',
      flags: ['--tun-name'],
    }),
    tunAddresses: field(
      'network.tun_addr',
      oneOrList(interfaceAddress),
      [],
      'Overlay address, or a list of one IPv4 and one IPv6 address.',
      { fallbackText: 'derived from the NodeId, IPv4 and IPv6', flags: ['--tun-addr'] },
    ),
    advertiseSubnets: field(
      'network.advertise_subnets',
      list(prefix),
      [],
      'Prefixes behind this box that peers may reach.',
      { flags: ['--forward-subnet', '--advertise-subnet'] },
    ),
    mtuBytes: field(
      'network.mtu',
      integer(1280, 9000),
      1500,
      'MTU inside the tunnel, in bytes; packets larger than the path carries are cut and put together again.',
      { flags: ['--mtu'] },
    ),
  },
  discovery: {
    listen: field(
      'discovery.listen',
      list(hostPort({ addressOnly: true })),
      [],
      'Addresses to accept unknown boxes on (they stay pending until accepted); unset: port `discovery.dht_port` on every address, silent to strangers.',
      { flags: ['--listen'] },
    ),
    bootstrapMode: field(
      'discovery.bootstrap_mode',
      bool,
      false,
      'Accept joins and announce this box as a bootstrap node.',
      NOT_BUILT,
    ),
    bootstrapNodes: field('discovery.bootstrap_nodes', list(hostPort()), [], 'Nodes to find the others through.', {
      ...NOT_BUILT,
      flags: ['--bootstrap'],
    }),
    publicIp: field(
      'discovery.public_ip',
      optional(text(253)),
      undefined,
      'Address that others should use for this box.',
      NOT_BUILT,
    ),
    port: field('discovery.dht_port', integer(1, 65535), 9000, 'UDP port of everything: tunnel and discovery.'),
  },
  multipath: {
    enabled: field('multipath.enabled', bool, true, 'Use all lines.', { ...NOT_BUILT, flags: ['--accept-multipath'] }),
    mode: field(
      'multipath.mode',
      choice('aggregate', 'failover'),
      'aggregate',
      'All lines at once, or one with the others in reserve.',
      NOT_BUILT,
    ),
    interfaces: field('multipath.interfaces', list(interfaceName), [], 'Interfaces of the lines.', {
      ...NOT_BUILT,
      fallbackText: 'all with a default route',
      flags: ['--multipath-interfaces'],
    }),
    scheduler: field(
      'multipath.scheduler',
      choice('round_robin', 'weighted', 'latency_aware'),
      'latency_aware',
      'How a line is chosen for a packet.',
      NOT_BUILT,
    ),
    weights: field(
      'multipath.weights',
      record(interfaceName, decimal(0.001, 1_000_000)),
      {},
      'Share of each interface, for `weighted`.',
      NOT_BUILT,
    ),
    interactiveMaxRttMs: field(
      'multipath.policies.interactive_max_rtt_ms',
      optional(decimal(1, 60_000)),
      undefined,
      'Interactive traffic avoids lines with a longer round trip, in milliseconds.',
      NOT_BUILT,
    ),
    bulkMinBandwidthMbps: field(
      'multipath.policies.bulk_min_bandwidth_mbps',
      optional(decimal(0, 1_000_000)),
      undefined,
      'Bulk traffic avoids slower lines, in Mbit/s.',
      NOT_BUILT,
    ),
  },
  security: {
    policyFile: field('security.policy_file', optional(path), undefined, 'Rules of what may pass.', NOT_BUILT),
    auditLog: {
      key: 'security.audit_log',
      kind: path,
      fallback: ({ stateDir }) =>
        stateDir === SYSTEM_STATE_DIR ? '/var/log/quicether/audit.json' : `${stateDir}/audit.json`,
      fallbackText: '`/var/log/quicether/audit.json`; with another `node.state_dir`: `audit.json` in it',
      meaning: 'Who did what, as chained JSON lines; kept in `node.state_dir` when it cannot be written there.',
    } as Field<string>,
    require2fa: field('security.require_2fa', bool, false, 'People must use a second factor.'),
    webUser: field(
      'security.web_user',
      text(64),
      'quicether-web',
      'User of the web front, by name or number: may connect to the daemon and has no rights of its own.',
    ),
  },
  monitoring: {
    metricsAddress: field(
      'monitoring.metrics_addr',
      optional(hostPort({ addressOnly: true })),
      undefined,
      'Where Prometheus metrics are served, at `/metrics`: usually `127.0.0.1:9090`.',
      { shortEnv: 'QUICETHER_METRICS_ADDR', flags: ['--metrics-addr'] },
    ),
    healthAddress: field(
      'monitoring.health_addr',
      optional(hostPort({ addressOnly: true })),
      undefined,
      'Where health is served, at `/health`: usually `127.0.0.1:9091`.',
      { flags: ['--health-addr'] },
    ),
    logLevel: field(
      'monitoring.log_level',
      choice('error', 'warn', 'info', 'debug', 'trace'),
      'info',
      'How much is logged.',
      { shortEnv: 'QUICETHER_LOG_LEVEL', flags: ['--log-level'] },
    ),
  },
  web: {
    listen: field(
      'web.listen',
      list(hostPort({ addressOnly: true })),
      [
        { host: '0.0.0.0', port: 8443, isName: false },
        { host: '::', port: 8443, isName: false },
      ],
      'Where the pages and REST are served, over HTTPS.',
      { fallbackText: '`0.0.0.0:8443`, `[::]:8443`' },
    ),
    hosts: field(
      'web.hosts',
      list(hostName),
      [],
      'Further names and addresses that the pages may be asked for under; those of the box itself always hold.',
    ),
    stateDir: field(
      'web.state_dir',
      path,
      '/var/lib/quicether-web',
      'Where the certificate of the pages and its key are kept.',
    ),
  },
  overlay: {
    defaultGateway: field(
      'overlay.default_gateway',
      optional(text(253)),
      undefined,
      'NodeId or name of the box that all traffic goes through.',
      NOT_BUILT,
    ),
  },
  performance: {
    ioBackend: field('performance.io_backend', builtIoBackends, 'auto', 'How packets are read and written.'),
    cpuAffinity: field(
      'performance.cpu_affinity',
      list(integer(0, 4095)),
      [],
      'Processors to keep the packet threads on.',
      { fallbackText: 'any' },
    ),
    maxConnections: field(
      'performance.max_connections',
      integer(1, 1_000_000),
      10_000,
      'Connections beyond this are refused.',
    ),
  },
} as const;

type Schema = typeof SCHEMA;

/** The values of all keys; units are in the names. */
export type KeyedSettings = {
  readonly [S in keyof Schema]: { readonly [K in keyof Schema[S]]: Schema[S][K] extends Field<infer T> ? T : never };
};

/** A field with its place in {@link KeyedSettings}. */
export interface PlacedField {
  readonly section: string;
  readonly name: string;
  readonly field: Field<unknown>;
}

/** All fields in the order of the documentation. */
export const FIELDS: readonly PlacedField[] = Object.entries(SCHEMA).flatMap(([section, fields]) =>
  Object.entries(fields as Record<string, Field<unknown>>).map(([name, one]) => ({ section, name, field: one })),
);
