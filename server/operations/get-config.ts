import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';

/** The settings that the daemon runs with, and where each comes from. */
export const getConfig = operation({
  name: 'config.get',
  method: 'GetConfig',
  summary: 'The settings that the daemon runs with, and where each comes from.',
  role: 'operator',
  input: z.object({}),
  output: z.object({ settings: z.array(z.object({ key: z.string(), value: z.unknown(), origin: z.string() })) }),
  audit: null,
  rest: { verb: 'GET', path: '/config' },
  omitted: {
    cli: '`config show` reads the files, so that it works without a daemon; `diag` has this one',
    page: 'a page changes single settings; the diagnostics bundle there has them all',
  },

  async run(_, { settings }) {
    return ok({ settings: settings.entries.map(({ key, value, origin }) => ({ key, value, origin })) });
  },
});
