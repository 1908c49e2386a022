import * as z from 'zod';
import type { Snapshot } from '../adapters/engine-messages.ts';
import { formatHostPort } from '../core/host-port.ts';
import { ok } from '../core/result.ts';
import { nameSought } from './accept-peer.ts';
import { blamingHere, isCutOff, OfficeView, viewOffices } from './office-view.ts';
import { operation } from './operation.ts';
import type { World } from './world.ts';

const Pending = z.object({
  node_id: z.string(),
  name: z.string(),
  address: z.string(),
  accepted_there: z.boolean(),
  since_ms: z.number(),
});

const Sought = z.object({
  address: z.string(),
  name: z.string().nullable(),
  since_ms: z.number().nullable().describe('null: it is in the configuration'),
  problem: z.string().nullable(),
});

/** "Is it working?" for every office, and who waits to be let in. */
export const getOffices = operation({
  name: 'office.list',
  method: 'GetOffices',
  summary: 'Whether each office works, by a probe through the tunnel and back, and which boxes wait to be accepted.',
  role: 'viewer',
  input: z.object({}),
  output: z.object({
    offices: z.array(OfficeView),
    pending: z.array(Pending),
    sought: z.array(Sought).describe('addresses where nobody has answered yet'),
    cut_off: z.boolean().describe('no port of this box has a link'),
    checked_ms: z.number().nullable(),
  }),
  audit: null,
  rest: { verb: 'GET', path: '/offices' },
  omitted: {},

  async run(_, world) {
    const observed = await world.steering.snapshot();
    const snapshot = observed.ok ? observed.value : undefined;
    const nowMs = world.clock.nowMs();
    const pending = (snapshot?.pending ?? []).map(({ node_id, name, address, accepted_there, since_ms }) => ({
      node_id,
      // What whoever added the address called it counts more than what it calls itself.
      name: nameSought(world.steering.dialledAt(address), world) ?? name,
      address,
      accepted_there,
      since_ms: nowMs - since_ms,
    }));
    const offices = viewOffices(snapshot, world);
    const cutOff = isCutOff(await world.host.lines(), offices, world.health.usedLines);
    return ok({
      offices: cutOff ? offices.map(blamingHere) : offices,
      pending,
      sought: viewSought(snapshot, world),
      cut_off: cutOff,
      checked_ms: world.health.checkedMs ?? null,
    });
  },
});

function viewSought(snapshot: Snapshot | undefined, { intent, steering }: World): z.output<typeof Sought>[] {
  const added = steering.sought.map(({ address, name, addedAtMs }) => ({ address, name, addedAtMs }));
  const places = [...intent.dial.map((address) => ({ address, name: undefined, addedAtMs: undefined })), ...added];
  if (places.length === 0) return [];
  const remotes = snapshot
    ? [
        ...snapshot.pending.map(({ address }) => address),
        ...snapshot.peers.flatMap((peer) => peer.paths.map((path) => path.remote)),
      ]
    : [];
  const answered = new Set(remotes.flatMap((remote) => steering.dialledAt(remote).map(formatHostPort)));
  return places
    .filter(({ address }) => !answered.has(formatHostPort(address)))
    .map(({ address, name, addedAtMs }) => ({
      address: formatHostPort(address),
      name: name ?? null,
      since_ms: addedAtMs ?? null,
      problem: steering.unreached(address) ?? null,
    }));
}
