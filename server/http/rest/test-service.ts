import * as z from 'zod';
import { SimulatedClock } from '../../core/clock.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { type Operation, operation } from '../../operations/operation.ts';
import type { DaemonCall } from '../daemon-lines.ts';
import type { RateLimits } from './rate-limit.ts';
import { RestService } from './service.ts';

const User = z.object({
  user_id: z.string(),
  user_name: z.string(),
  role: z.string(),
  last_seen_ms: z.number().nullable(),
});
const never = async () => fail('test.never', 'operations run in the daemon');
const plain = { role: 'admin', audit: null, omitted: {}, run: never } as const;
const operations: readonly Operation[] = [
  operation({
    ...plain,
    name: 'user.list',
    method: 'GetUsers',
    summary: 'People.',
    input: z.object({}),
    output: z.object({ users: z.array(User) }),
    rest: { verb: 'GET', path: '/users' },
  }),
  operation({
    ...plain,
    name: 'user.add',
    method: 'AddUser',
    summary: 'Adds one.',
    input: z.object({
      user_name: z.string().max(32),
      role: z.enum(['viewer', 'operator', 'admin', 'owner']),
      password: z.string().min(12),
      nets: z.array(z.object({ cidr: z.string() })).optional(),
    }),
    output: z.object({ user_id: z.string() }),
    audit: () => 'added',
    rest: { verb: 'POST', path: '/users' },
  }),
  operation({
    ...plain,
    name: 'user.role',
    method: 'SetUserRole',
    summary: 'Changes what one may.',
    input: z.object({ user_id: z.string(), role: z.enum(['viewer', 'owner']) }),
    output: z.object({}),
    audit: () => 'changed',
    rest: { verb: 'PUT', path: '/users/{user_id}/role' },
  }),
  operation({
    ...plain,
    name: 'user.remove',
    method: 'RemoveUser',
    summary: 'Removes one.',
    input: z.object({ user_id: z.string() }),
    output: z.object({}),
    audit: () => 'removed',
    rest: { verb: 'DELETE', path: '/users/{user_id}' },
  }),
  operation({
    ...plain,
    name: 'audit.list',
    method: 'GetAudit',
    summary: 'What happened.',
    input: z.object({
      limit: z.int().min(1).max(200).default(50),
      before: z.int().optional(),
      wait_ms: z.int().default(0),
    }),
    output: z.object({ events: z.array(z.object({ seq: z.number() })), next_before: z.number().nullable() }),
    rest: { verb: 'GET', path: '/audit' },
  }),
  operation({
    ...plain,
    role: 'anyone',
    name: 'session.begin',
    method: 'SignIn',
    summary: 'Signs in.',
    input: z.object({ user_name: z.string(), password: z.string() }),
    output: z.object({ session: z.string() }),
    audit: () => 'signed in',
    rest: { verb: 'POST', path: '/sessions' },
  }),
];

interface Call {
  readonly method: string;
  readonly params: object;
  readonly onBehalf: DaemonCall['onBehalf'];
}

export const ANNA = { user_id: 'u1', user_name: 'anna', role: 'owner', last_seen_ms: 1 };
export const KEY = { Authorization: 'Bearer qet_secret' };

/** The service before a daemon that answers what the state says; every call is written down. */
export function serviceWorld(limits?: RateLimits) {
  const calls: Call[] = [];
  const clock = new SimulatedClock();
  const state = { users: [ANNA], refuse: undefined as Result<never> | undefined, role: 'owner' };
  const daemon = {
    async call(method: string, params: object, { onBehalf }: DaemonCall): Promise<Result<unknown>> {
      calls.push({ method, params, onBehalf });
      if (state.refuse) return state.refuse;
      if (onBehalf.token === undefined && onBehalf.session === undefined && method !== 'SignIn') {
        return fail('permission.signed-out', `${method} is for people who have signed in`, { remedy: 'sign in' });
      }
      if (state.role === 'viewer') return fail('permission.role', `${method} is for the role admin`);
      // The daemon looks at who asks first, and then at the input.
      if (Array.isArray(params)) return fail('rpc.bad-params', 'expected object');
      if (method === 'GetUsers') return ok({ users: state.users });
      if (method === 'SetUserRole') {
        await Promise.resolve();
        state.users = state.users.map((user) => ({ ...user, ...(params as { role: string }) }));
      }
      if (method === 'AddUser') return ok({ user_id: 'u2' });
      if (method === 'GetAudit') return ok({ events: [{ seq: 7 }], next_before: 7 });
      if (method === 'SignIn') return ok({ session: 'abc' });
      return ok({});
    },
  };
  const service = new RestService({ daemon, clock, operations, ...(limits ? { limits } : {}) });
  const ask = async (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) => {
    const request = new Request(`https://box.example/api/v1${path}`, { ...init, headers: { ...KEY, ...init.headers } });
    const response = await service.handle(request, '192.0.2.7');
    const text = await response.text();
    const body = text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
    return { status: response.status, headers: response.headers, body };
  };
  const send = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
    ask(path, { method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } });
  return { calls, clock, state, service, ask, send };
}

export const added = { user_name: 'bert', role: 'viewer', password: 'correct horse battery' };
