import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import type { SystemState, UpdateView } from './system-port.ts';

/** Machine under the daemon: release, both halves of the disk, how far an update is. */
export const getSystem = operation({
  name: 'system.get',
  method: 'GetSystem',
  summary: 'Release, both slots, how far an update is, and whether SSH is on; works on any machine.',
  role: 'viewer',
  input: z.object({}),
  output: z.object({
    version: z.string(),
    node_id: z.string(),
    appliance: z.boolean(),
    uptime_sec: z.number(),
    slots: z.array(
      z.object({
        slot: z.enum(['a', 'b']),
        version: z.string().nullable(),
        state: z.enum(['running', 'idle', 'trial', 'failed']),
      }),
    ),
    update: z.object({
      state: z.enum(['none', 'receiving', 'checking', 'writing', 'ready', 'failed']),
      percent: z.number(),
      version: z.string().nullable(),
      message: z.string().nullable(),
    }),
    ssh: z.boolean().nullable(),
  }),
  audit: null,
  rest: { verb: 'GET', path: '/system' },
  omitted: {},

  async run(_, { clock, intent, startedMs, system, version }) {
    const observed = await system?.port.state();
    const state = observed?.ok ? observed.value : undefined;
    const update = viewOf(system?.updates.view, state);
    return ok({
      // Of the image, which may hold a daemon of another number.
      version: state?.version ?? version,
      node_id: intent.id,
      appliance: system !== undefined,
      uptime_sec: Math.floor((clock.monotonicMs() - startedMs) / 1000),
      slots: (state?.slots ?? []).map((slot) => ({ ...slot, version: slot.version ?? null })),
      // Not a failure of the whole answer: what is known without root is told.
      update: observed?.ok === false ? { ...update, message: update.message ?? observed.error.message } : update,
      ssh: state?.isSshOn ?? null,
    });
  },
});

/** What goes on, or waits for its first boot, is told of also by a daemon that did not begin it. */
function viewOf(view: UpdateView | undefined, state: SystemState | undefined) {
  if ((view?.state ?? 'none') === 'none' && state) {
    if (state.isUpdating) return { state: 'writing' as const, percent: 0, version: null, message: null };
    const waiting = state.slots.find((slot) => slot.state === 'trial');
    if (waiting) return { state: 'ready' as const, percent: 100, version: waiting.version ?? null, message: null };
  }
  const failure = view?.failure;
  return {
    state: view?.state ?? ('none' as const),
    percent: view?.percent ?? 0,
    version: view?.version ?? null,
    message: failure ? `${failure.message}${failure.remedy ? ` (${failure.remedy})` : ''}` : null,
  };
}
