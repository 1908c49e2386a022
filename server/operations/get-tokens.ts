import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { RoleName } from './person.ts';

/** Keys of programs, without their secrets. */
export const getTokens = operation({
  name: 'token.list',
  method: 'GetTokens',
  summary: 'Tokens of programs: what each may, from where, until when, and when it was last used.',
  role: 'admin',
  input: z.object({}),
  output: z.object({
    tokens: z.array(
      z.object({
        token_id: z.string(),
        name: z.string(),
        role: RoleName,
        sources: z.array(z.string()),
        created_ms: z.number(),
        expires_ms: z.number(),
        used_ms: z.number().nullable(),
      }),
    ),
  }),
  audit: null,
  rest: { verb: 'GET', path: '/tokens' },
  omitted: {},

  async run(_, { people }) {
    const tokens = people.tokens.list();
    if (!tokens.ok) return tokens;
    return ok({
      tokens: tokens.value.map((token) => ({
        token_id: token.tokenId,
        name: token.name,
        role: token.role,
        sources: [...token.sources],
        created_ms: token.createdMs,
        expires_ms: token.expiresMs,
        used_ms: token.usedMs,
      })),
    });
  },
});
