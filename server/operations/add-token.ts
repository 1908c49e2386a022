import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { RoleName } from './person.ts';

/** A key for a program. */
export const addToken = operation({
  name: 'token.add',
  method: 'AddToken',
  summary: 'A token for a program: with a role, an end, and the networks that it works from. Told once.',
  role: 'admin',
  needsPassword: true,
  input: z.object({
    name: z.string().min(1).max(64),
    role: RoleName,
    expires_days: z.int().min(1).max(365),
    sources: z.array(z.string().max(64)).max(64).default([]),
  }),
  output: z.object({ token_id: z.string(), token: z.string() }),
  audit: ({ name, role, expires_days, sources }) =>
    `added the token ${JSON.stringify(name)} as ${role} for ${expires_days} days from ${sources.join(' ') || 'anywhere'}`,
  rest: { verb: 'POST', path: '/tokens' },
  omitted: {},

  async run({ name, role, expires_days, sources }, { people }, actor) {
    const maker = { role: actor.role ?? 'viewer', userId: actor.userId };
    const added = people.tokens.add({ name, role, expiresDays: expires_days, sources }, maker);
    return added.ok ? ok({ token_id: added.value.tokenId, token: added.value.secret }) : added;
  },
});
