import * as z from 'zod';
import type { PathStatus } from '../adapters/engine-messages.ts';
import { fail, ok } from '../core/result.ts';
import { SUSPECT_MS } from '../lines/line-state.ts';
import { AuditView, viewEvent } from './audit-view.ts';
import { findPeer } from './find-peer.ts';
import { blamingHere, isCutOff, OfficeView, rounded, viewOffices } from './office-view.ts';
import { operation } from './operation.ts';
import { overlayAddressesOf } from './peer-view.ts';

const OfficePath = z.object({
  interface: z.string(),
  local: z.string(),
  remote: z.string(),
  rtt_ms: z.number(),
  loss_ratio: z.number().nullable().describe('lately; null while nothing is sent'),
  state: z.enum(['up', 'suspect']),
});
const EVENTS = 20;

/** One office with its paths, numbers and what happened. */
export const getOffice = operation({
  name: 'office.get',
  method: 'GetOffice',
  summary: 'One office: whether it works, its paths, its traffic, and what happened to it last.',
  role: 'viewer',
  input: z.object({ peer: z.string().min(1).max(128) }),
  output: OfficeView.extend({
    overlay_addresses: z.array(z.string()),
    prefixes: z.array(z.string()).describe('networks behind it'),
    sent_bytes: z.number(),
    received_bytes: z.number(),
    sent_bps: z.number().nullable(),
    received_bps: z.number().nullable(),
    path_list: z.array(OfficePath),
    events: z.array(AuditView),
  }),
  audit: null,
  rest: { verb: 'GET', path: '/offices/{peer}' },
  omitted: {},

  async run({ peer }, world) {
    const observed = await world.steering.snapshot();
    const snapshot = observed.ok ? observed.value : undefined;
    const found = findPeer(peer, snapshot, world);
    if (!found.ok) return found;
    const nodeId = found.value;
    const offices = viewOffices(snapshot, world);
    const office = offices.find((one) => one.node_id === nodeId);
    if (!office) {
      return fail('peer.unknown', `${nodeId} is no office of this box`, { remedy: 'quicether offices lists them' });
    }
    const status = snapshot?.peers.find((one) => one.node_id === nodeId);
    const routes = snapshot?.routes.filter((route) => route.node_id === nodeId) ?? [];
    const overlay = overlayAddressesOf(routes);
    const health = world.health.of(nodeId);
    const viewPath = (path: PathStatus): z.output<typeof OfficePath> => ({
      interface: path.interface,
      local: path.local,
      remote: path.remote,
      rtt_ms: Math.round(path.rtt_us) / 1000,
      loss_ratio: rounded(world.health.pathLoss(nodeId, path)),
      state: path.silent_ms > SUSPECT_MS ? 'suspect' : 'up',
    });
    return ok({
      ...(isCutOff(await world.host.lines(), offices, world.health.usedLines) ? blamingHere(office) : office),
      overlay_addresses: overlay,
      prefixes: routes
        .map(({ destination }) => destination)
        .filter((one) => !overlay.includes(one.replace(/\/.*/, ''))),
      sent_bytes: status?.sent_bytes ?? 0,
      received_bytes: status?.received_bytes ?? 0,
      sent_bps: rounded(health?.sentBps),
      received_bps: rounded(health?.receivedBps),
      path_list: (status?.paths ?? []).map(viewPath),
      // Not from the files: this page is looked at every second.
      events: world.audit.recent({ text: nodeId }, EVENTS).map(viewEvent),
    });
  },
});
