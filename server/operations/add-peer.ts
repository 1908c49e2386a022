import * as z from 'zod';
import { formatHostPort, type HostPort, parseHostPort } from '../core/host-port.ts';
import { type NodeId, parseNodeId } from '../core/node-id.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { operation } from './operation.ts';
import type { AcceptedPeer, World } from './world.ts';

/** The port of everything, when none is given. */
const DEFAULT_PORT = 9_000;
/** Each costs a dial now and then; more are a mistake. */
const MAX_SOUGHT = 64;
/** As many as are handed to the engine for one peer. */
const MAX_ADDRESSES = 16;
const MAX_ACCEPTED = 10_000;

/** Adds an office: dials it from now on. With its NodeId it may send and receive; without, whoever answers waits. */
export const addPeer = operation({
  name: 'peer.add',
  method: 'AddPeer',
  summary: 'Adds an office by address: with its NodeId it is accepted, without it whoever answers there waits to be.',
  role: 'admin',
  input: z.object({
    node_id: z.string().max(128).optional(),
    address: z.string().min(1).max(300).describe('host:port; the port is 9000 when it is left out'),
    name: z.string().trim().min(1).max(64).optional(),
  }),
  output: z.object({ node_id: z.string().nullable() }),
  audit: ({ node_id, address, name }) =>
    `added ${name ? `${name}: ` : ''}${node_id ?? 'whoever answers'} at ${address}`,
  rest: { verb: 'POST', path: '/peers' },
  omitted: {},

  async run({ node_id, address, name }, world) {
    const place = parseHostPort(address.trim(), { defaultPort: DEFAULT_PORT });
    if (!place.ok) {
      return fail('peer.address', `address: ${place.error.message}`, {
        remedy: 'give the address or name of the other box and its port, as in office.example.org:9000',
      });
    }
    const id = node_id === undefined || node_id.trim() === '' ? ok(undefined) : parseNodeId(node_id.trim());
    if (!id.ok)
      return fail(id.error.code, `node_id: ${id.error.message}`, { remedy: 'copy it from the page of the other box' });
    if (id.value === world.intent.id) {
      return fail('peer.self', `node_id: ${id.value} is this box itself`, {
        remedy: 'give the NodeId of the other box',
      });
    }
    if (await isOwnAddress(place.value, world)) {
      return fail('peer.address', `address: ${formatHostPort(place.value)} is this box's own address`, {
        remedy: 'give the address of the other box',
      });
    }
    return id.value === undefined ? seek(place.value, name, world) : accept(id.value, place.value, { name, world });
  },
});

const ANY_ADDRESS = ['0.0.0.0', '::'];

/** Whether it is this very box that would answer there, as far as that can be told from an address. */
async function isOwnAddress({ host, port, isName }: HostPort, { host: system, steering }: World): Promise<boolean> {
  if (isName) return false;
  const [snapshot, lines] = await Promise.all([steering.snapshot(), system.lines()]);
  const bound = (snapshot.ok ? snapshot.value.listen : []).map((text) => parseHostPort(text, { allowZero: true }));
  const listen = [...steering.listen, ...bound.flatMap((one) => (one.ok ? [one.value] : []))];
  const isHere = lines.some(({ addresses }) => addresses.includes(host));
  return listen.some((own) => own.port === port && (own.host === host || (isHere && ANY_ADDRESS.includes(own.host))));
}

async function seek(address: HostPort, name: string | undefined, world: World): Promise<Result<{ node_id: null }>> {
  const { sought } = world.steering;
  const text = formatHostPort(address);
  const isThere = sought.some((place) => formatHostPort(place.address) === text);
  if (!isThere && sought.length >= MAX_SOUGHT) {
    return fail('peer.too-many', `${MAX_SOUGHT} addresses are looked for already`, {
      remedy: 'remove one that is not needed',
    });
  }
  const owner = world.steering.accepted.find((peer) => peer.addresses.some((one) => formatHostPort(one) === text));
  if (owner) {
    return fail('peer.known', `address: ${text} is where ${owner.name ?? owner.nodeId} is dialled already`, {
      remedy: 'look at that office, or remove it first',
    });
  }
  const added = await world.steering.seek({ address, name, addedAtMs: world.clock.nowMs() });
  return added.ok ? ok({ node_id: null }) : added;
}

async function accept(
  nodeId: NodeId,
  address: HostPort,
  { name, world }: { name: string | undefined; world: World },
): Promise<Result<{ node_id: string }>> {
  const { accepted } = world.steering;
  const before = accepted.find((peer) => peer.nodeId === nodeId);
  if (!before && accepted.length >= MAX_ACCEPTED) {
    return fail('peer.too-many', `${MAX_ACCEPTED} peers are accepted already`, {
      remedy: 'remove one that is gone with: quicether peers remove ID',
    });
  }
  const known = new Map((before?.addresses ?? []).map((place) => [formatHostPort(place), place]));
  known.set(formatHostPort(address), address);
  // The newest ones count: the place it was just said to be at is never the one that is left out.
  const peer: AcceptedPeer = {
    nodeId,
    name: name ?? before?.name,
    addresses: [...known.values()].slice(-MAX_ADDRESSES),
    acceptedAtMs: before?.acceptedAtMs ?? world.clock.nowMs(),
  };
  const written = await world.steering.accept(peer);
  return written.ok ? ok({ node_id: nodeId }) : written;
}
