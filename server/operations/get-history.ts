import * as z from 'zod';
import { ok } from '../core/result.ts';
import { RANGES, SERIES } from '../lines/history.ts';
import { findPeer } from './find-peer.ts';
import { rounded } from './office-view.ts';
import { operation } from './operation.ts';

/** How a number of the box or of an office was: the last minutes, days or years. */
export const getHistory = operation({
  name: 'history.get',
  method: 'GetHistory',
  summary: 'How round trip, traffic or loss was, for the box or one office, over minutes, days or years.',
  role: 'viewer',
  input: z.object({
    subject: z.string().min(1).max(128).describe('`box`, or an office'),
    series: z.enum(SERIES),
    range: z.enum(RANGES),
    max_points: z.int().min(10).max(5_000).default(600),
  }),
  output: z.object({
    step_ms: z.number(),
    points: z.array(z.tuple([z.number(), z.number().nullable()])),
  }),
  audit: null,
  rest: { verb: 'GET', path: '/history/{subject}' },
  omitted: { cli: 'a terminal draws no charts; Prometheus has the numbers' },

  async run({ subject, series, range, max_points }, world) {
    let name = subject;
    if (subject !== 'box') {
      const snapshot = await world.steering.snapshot();
      const found = findPeer(subject, snapshot.ok ? snapshot.value : undefined, world);
      if (!found.ok) return found;
      name = found.value;
    }
    const read = world.history.points(name, series, { range, maxPoints: max_points });
    if (!read.ok) return read;
    const { stepMs, points } = read.value;
    return ok({
      step_ms: stepMs,
      points: points.map(([atMs, value]): [number, number | null] => [atMs, value === null ? null : rounded(value)]),
    });
  },
});
