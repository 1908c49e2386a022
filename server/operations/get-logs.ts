import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';

/** Lines of the daemon's log; with `wait_ms` the call waits for the next one, which is how it is followed. */
export const getLogs = operation({
  name: 'log.read',
  method: 'GetLogs',
  summary: "Lines of the daemon's log; `wait_ms` waits for one after `after`, which is how it is followed.",
  role: 'operator',
  input: z.object({
    lines: z.int().min(1).max(2_000).default(200),
    after: z.int().min(0).default(0),
    wait_ms: z.int().min(0).max(30_000).default(0),
  }),
  output: z.object({ lines: z.array(z.string()), next: z.number() }),
  audit: null,
  rest: { verb: 'GET', path: '/logs' },
  omitted: { page: 'the diagnostics bundle there has them; what people did is under Activity' },

  async run({ lines, after, wait_ms }, { logs }) {
    if (wait_ms > 0) await logs.wait(after, wait_ms);
    const found = logs.tail(lines, after);
    return ok({ lines: found.map(({ line }) => line), next: found.at(-1)?.seq ?? after });
  },
});
