import type * as z from 'zod';
import { nearest } from '../core/nearest.ts';
import { fail, type Result } from '../core/result.ts';
import { LOCAL_OWNER } from '../operations/actor.ts';
import { OPERATIONS } from '../operations/all.ts';
import type { Operation } from '../operations/operation.ts';
import type { World } from '../operations/world.ts';
import type { Caller } from './caller.ts';
import type { CallHandler } from './session.ts';

/** What is written down about each call. */
export type LogCall = (entry: CallEntry) => void;

export interface CallEntry {
  readonly op: string;
  readonly caller: Caller;
  readonly durationMs: number;
  /** Failure code, or undefined when it was carried out. */
  readonly code?: string;
  /** What was changed, in words; undefined for what only reads. */
  readonly audit?: string;
  /** A bug of ours, for the log only. */
  readonly bug?: unknown;
}

/** Carries out calls on the operations: checks the input, runs, writes down who did what. */
export function createDispatch(world: World, log: LogCall): CallHandler {
  const byMethod = new Map<string, Operation>(
    (OPERATIONS as readonly Operation[]).filter((one) => !one.omitted.rpc).map((one) => [one.method, one]),
  );
  const methods = [...byMethod.keys()];
  return {
    version: world.version,
    methods,
    async call(method, params, caller) {
      const found = byMethod.get(method);
      if (!found) {
        const meant = nearest(method, methods);
        return fail(
          'rpc.unknown-method',
          `there is no method ${JSON.stringify(method.slice(0, 64))}${meant ? `; did you mean ${meant}?` : ''}`,
        );
      }
      return carryOut(found, params, { world, caller, log });
    },
  };
}

async function carryOut(
  found: Operation,
  params: unknown,
  { world, caller, log }: { world: World; caller: Caller; log: LogCall },
): Promise<Result<unknown>> {
  const input = found.input.safeParse(params);
  if (!input.success) return fail('rpc.bad-params', `${found.method}: ${describe(input.error)}`);
  const startMs = world.clock.monotonicMs();
  const audit = found.audit?.(input.data);
  const entry = (more: Partial<CallEntry>): CallEntry => ({
    op: found.name,
    caller,
    durationMs: Math.round(world.clock.monotonicMs() - startMs),
    ...(audit === undefined ? {} : { audit }),
    ...more,
  });
  try {
    // Everybody whom the socket lets in is an administrator; people with roles come with their sessions.
    const result = await found.run(input.data, world, LOCAL_OWNER);
    log(entry(result.ok ? {} : { code: result.error.code }));
    return result;
  } catch (bug) {
    log(entry({ code: 'rpc.internal', bug }));
    return fail('rpc.internal', `${found.method} failed in an unexpected way: this is a bug`, {
      remedy: 'quicether logs has the details',
    });
  }
}

function describe(error: z.ZodError): string {
  const [first] = error.issues;
  if (!first) return 'wrong parameters';
  const place = first.path.map(String).join('.');
  return place ? `"${place}": ${first.message}` : first.message;
}
