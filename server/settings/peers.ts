import { formatHostPort, type HostPort } from '../core/host-port.ts';
import { nearest } from '../core/nearest.ts';
import { type NodeId, parseNodeId } from '../core/node-id.ts';
import type { Prefix } from '../core/prefix.ts';
import { failWith, ok } from '../core/result.ts';
import { isTable, list } from './collections.ts';
import { hostPort, type Kind, type Problem, prefix, quote, type Read, text, wrong } from './kinds.ts';

/** A box that this one is to be connected with. */
export interface PeerSettings {
  /** Unset: whoever answers at the address stays pending until a person accepts it. */
  readonly nodeId?: NodeId;
  /** Unset: this box waits to be called. */
  readonly address?: HostPort;
  readonly name?: string;
  /** What lies behind it. */
  readonly prefixes: readonly Prefix[];
}

export const nodeId: Kind<NodeId> = {
  name: 'NodeId',
  read: (raw) =>
    typeof raw === 'string' ? nodeId.readText(raw) : wrong(`${quote(raw)} is not a NodeId in quotes, as in "qe1..."`),
  readText: (value) => {
    const parsed = parseNodeId(value);
    return parsed.ok ? parsed : wrong(parsed.error.message);
  },
  toPlain: (value) => value,
};

/** Keys of a `[[peers]]` table, with their meaning for the documentation. */
export const PEER_FIELDS = {
  node_id: {
    kind: nodeId,
    meaning:
      'Who it is; unset: whoever answers at the address stays pending until it is accepted (`quicether peers accept ID`).',
  },
  address: {
    kind: hostPort(),
    meaning: 'Where to reach it; a name is resolved again on every reconnect; unset: wait for it.',
  },
  name: { kind: text(64), meaning: 'For people.' },
  prefixes: { kind: list(prefix), meaning: 'What lies behind it; needs `node_id`.' },
} as const;

type PeerValues = {
  -readonly [K in keyof typeof PEER_FIELDS]?: (typeof PEER_FIELDS)[K]['kind'] extends Kind<infer T> ? T : never;
};

/** Reads one `[[peers]]` table, reporting all that is wrong with it. */
export function readPeer(raw: unknown): Read<PeerSettings> {
  if (!isTable(raw)) return wrong(`${quote(raw)} is not a table; write [[peers]]`);
  const problems: Problem[] = [];
  const values: PeerValues = {};
  for (const [key, value] of Object.entries(raw)) {
    const known = Object.hasOwn(PEER_FIELDS, key) ? PEER_FIELDS[key as keyof typeof PEER_FIELDS] : undefined;
    if (!known) {
      const meant = nearest(key, Object.keys(PEER_FIELDS));
      problems.push({
        path: [key],
        isUnknownKey: true,
        message: `unknown key${meant ? `; did you mean "${meant}"?` : `; a peer has ${Object.keys(PEER_FIELDS).join(', ')}`}`,
      });
      continue;
    }
    const read = (known.kind as Kind<unknown>).read(value);
    if (read.ok) Object.assign(values, { [key]: read.value });
    else problems.push(...read.error.map((problem) => ({ ...problem, path: [key, ...problem.path] })));
  }
  if (!Object.hasOwn(raw, 'node_id') && !Object.hasOwn(raw, 'address')) {
    problems.push({ path: [], message: 'a peer needs node_id, address or both' });
  }
  if (values.prefixes && values.prefixes.length > 0 && !Object.hasOwn(raw, 'node_id')) {
    problems.push({
      path: ['prefixes'],
      message: 'needs node_id too: traffic goes only to a box whose identity is known',
    });
  }
  if (problems.length > 0) return failWith(problems);
  return ok({
    ...(values.node_id && { nodeId: values.node_id }),
    ...(values.address && { address: values.address }),
    ...(values.name && { name: values.name }),
    prefixes: values.prefixes ?? [],
  });
}

/** Reads the value of `--peer`: `qe1...@host:port`, `qe1...` or `host:port`. */
export function readPeerFlag(value: string): Read<PeerSettings> {
  const atSign = value.indexOf('@');
  if (atSign < 0 && value.startsWith('qe1') && !value.includes(':')) {
    const id = nodeId.readText(value);
    return id.ok ? ok({ nodeId: id.value, prefixes: [] }) : id;
  }
  const address = PEER_FIELDS.address.kind.readText(value.slice(atSign + 1));
  if (atSign < 0) return address.ok ? ok({ address: address.value, prefixes: [] }) : address;
  const id = nodeId.readText(value.slice(0, atSign));
  if (!id.ok) return id;
  return address.ok ? ok({ nodeId: id.value, address: address.value, prefixes: [] }) : address;
}

/** Reads the value of `--route`: `CIDR=qe1...`. */
export function readRouteFlag(value: string): Read<{ readonly prefix: Prefix; readonly nodeId: NodeId }> {
  const equals = value.indexOf('=');
  if (equals < 0) return wrong(`${quote(value)} is not CIDR=ID, as in 192.168.2.0/24=qe1...`);
  const network = prefix.readText(value.slice(0, equals).trim());
  const id = nodeId.readText(value.slice(equals + 1).trim());
  if (!network.ok) return network;
  return id.ok ? ok({ prefix: network.value, nodeId: id.value }) : id;
}

/** How a peer is called in messages. */
export function peerLabel(peer: PeerSettings): string {
  if (peer.name) return `"${peer.name}"`;
  return peer.nodeId ?? (peer.address ? formatHostPort(peer.address) : 'a peer');
}
