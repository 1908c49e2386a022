import * as z from 'zod';
import { ok } from '../core/result.ts';
import { findSystem, UPDATE_REMEDY } from './not-an-appliance.ts';
import { operation } from './operation.ts';
import { MAX_BUNDLE_BYTES } from './update-desk.ts';

/** Makes room for an update bundle; its parts follow with SendUpdate. */
export const beginUpdate = operation({
  name: 'update.begin',
  method: 'BeginUpdate',
  summary: 'Makes room for an update bundle of so many bytes; one is uploaded at a time.',
  role: 'admin',
  input: z.object({ size_bytes: z.int().min(1).max(MAX_BUNDLE_BYTES) }),
  output: z.object({ upload_id: z.string() }),
  audit: ({ size_bytes }) => `began to upload an update of ${size_bytes} bytes`,
  rest: { verb: 'POST', path: '/updates' },
  omitted: {},

  async run({ size_bytes }, world) {
    const system = findSystem(world, UPDATE_REMEDY);
    if (!system.ok) return system;
    const begun = await system.value.updates.begin(size_bytes);
    return begun.ok ? ok({ upload_id: begun.value }) : begun;
  },
});
