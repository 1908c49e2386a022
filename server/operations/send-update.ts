import * as z from 'zod';
import { ok } from '../core/result.ts';
import { findSystem, UPDATE_REMEDY } from './not-an-appliance.ts';
import { operation } from './operation.ts';
import { MAX_BUNDLE_BYTES } from './update-desk.ts';

/** Three quarters of it in bytes: 384 KiB. */
const MAX_DATA_LENGTH = 512 << 10;

/** Takes the next part of an update bundle. */
export const sendUpdate = operation({
  name: 'update.send',
  method: 'SendUpdate',
  summary: 'Takes the next part of an update bundle, at most 384 KiB as base64; parts come in order, one at a time.',
  role: 'admin',
  input: z.object({
    upload_id: z.string().max(64),
    offset: z.int().min(0).max(MAX_BUNDLE_BYTES),
    data: z.base64().min(4).max(MAX_DATA_LENGTH),
  }),
  output: z.object({ received_bytes: z.number() }),
  // Said once, by BeginUpdate: hundreds of parts would drown everything else.
  audit: () => undefined,
  rest: { verb: 'PUT', path: '/updates/{upload_id}' },
  omitted: {},

  async run({ upload_id, offset, data }, world) {
    const system = findSystem(world, UPDATE_REMEDY);
    if (!system.ok) return system;
    const sent = await system.value.updates.send(upload_id, offset, Uint8Array.fromBase64(data));
    return sent.ok ? ok({ received_bytes: sent.value }) : sent;
  },
});
