import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { PathView, viewPath } from './peer-view.ts';

const Problem = z.object({ code: z.string(), message: z.string(), remedy: z.string().nullable() });

/** How this box is: the answer to "is it working?". */
export const getStatus = operation({
  name: 'status.get',
  method: 'GetStatus',
  summary: 'How this box is: identity, uptime, tunnel, paths, and what needs attention.',
  role: 'viewer',
  input: z.object({}),
  output: z.object({
    node_id: z.string(),
    name: z.string(),
    version: z.string(),
    uptime_sec: z.number(),
    peers: z.number().describe('connected ones'),
    peers_total: z.number(),
    peers_pending: z.number(),
    paths: z.array(PathView),
    tun: z.object({ name: z.string(), addr: z.string(), addresses: z.array(z.string()) }),
    listen: z.array(z.string()),
    engine: z.object({
      state: z.enum(['running', 'unreachable']),
      version: z.string().nullable(),
      pid: z.number().nullable(),
      instance: z.string().nullable(),
      generation: z.number(),
      uptime_sec: z.number(),
      lease_remaining_sec: z.number(),
    }),
    counters: z.record(z.string(), z.number()),
    problems: z.array(Problem),
  }),
  audit: null,
  rest: { verb: 'GET', path: '/status' },
  omitted: {},

  async run(_, { audit, clock, intent, people, startedMs, steering, version }) {
    const observed = await steering.snapshot();
    const snapshot = observed.ok ? observed.value : undefined;
    const problems = steering.problems.map(({ failure }) => failure);
    const claimed = people.signIn.isClaimed();
    const failures = [
      observed.ok ? undefined : observed.error,
      steering.applyFailure,
      claimed.ok ? undefined : claimed.error,
      audit.problem,
    ].filter((one) => one !== undefined);
    return ok({
      node_id: intent.id,
      name: intent.name,
      version,
      uptime_sec: Math.floor((clock.monotonicMs() - startedMs) / 1000),
      peers: snapshot?.peers.filter((peer) => peer.state === 'up').length ?? 0,
      peers_total: snapshot?.peers.length ?? 0,
      peers_pending: snapshot?.pending.length ?? 0,
      paths: snapshot?.peers.flatMap((peer) => peer.paths.map((path) => viewPath(peer.node_id, path))) ?? [],
      tun: {
        name: snapshot?.tun_name ?? '',
        addr: steering.ownAddresses[0] ?? '',
        addresses: [...steering.ownAddresses],
      },
      listen: snapshot?.listen ?? [],
      engine: {
        state: snapshot ? ('running' as const) : ('unreachable' as const),
        version: steering.engine?.version ?? null,
        pid: steering.engine?.pid ?? null,
        instance: steering.engine?.instance ?? null,
        generation: snapshot?.generation ?? 0,
        uptime_sec: Math.floor((snapshot?.uptime_ms ?? 0) / 1000),
        lease_remaining_sec: Math.floor((snapshot?.lease_remaining_ms ?? 0) / 1000),
      },
      counters: { ...snapshot?.counters },
      problems: [...failures, ...problems].map(({ code, message, ...rest }) => ({
        code,
        message,
        remedy: 'remedy' in rest && typeof rest.remedy === 'string' ? rest.remedy : null,
      })),
    });
  },
});
