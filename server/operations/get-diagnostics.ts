import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';

/** Lines of the log that go into a bundle. */
const LOG_LINES = 2_000;

/** What support needs to see, by file name; never a key, a password or a packet. */
export const getDiagnostics = operation({
  name: 'diagnostics.get',
  method: 'GetDiagnostics',
  summary: 'What support needs to see, by file name; never a key, a password or a packet.',
  role: 'operator',
  input: z.object({}),
  output: z.object({ files: z.record(z.string(), z.string()) }),
  audit: () => 'collected diagnostics',
  rest: { verb: 'GET', path: '/diagnostics' },
  omitted: {},

  async run(_, { clock, host, intent, logs, settings, steering, version }) {
    const [snapshot, observed] = await Promise.all([steering.snapshot(), host.observe()]);
    const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
    return ok({
      files: {
        ...observed,
        'versions.json': json({
          daemon: version,
          engine: steering.engine ?? null,
          taken_at: new Date(clock.nowMs()).toISOString(),
        }),
        'config.json': json(settings.entries),
        // On one line: of ten thousand peers the blanks alone would be more than an answer may have.
        'snapshot.json': `${JSON.stringify(snapshot.ok ? snapshot.value : snapshot.error)}\n`,
        'peers.json': json({
          self: intent.id,
          accepted: steering.accepted.map(({ nodeId, name }) => ({ nodeId, name })),
        }),
        'problems.json': json({ plan: steering.problems, apply: steering.applyFailure ?? null }),
        'daemon.log': logs
          .tail(LOG_LINES, 0)
          .map(({ line }) => `${line}\n`)
          .join(''),
      },
    });
  },
});
