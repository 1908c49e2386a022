import type * as z from 'zod';
import { nearest } from '../core/nearest.ts';
import { type Failure, fail, failWith, type Result } from '../core/result.ts';
import type { Actor } from '../operations/actor.ts';
import { OPERATIONS } from '../operations/all.ts';
import { decideAccess } from '../operations/authorise.ts';
import type { Operation } from '../operations/operation.ts';
import type { World } from '../operations/world.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { identify, type LocalUsers } from './identify.ts';
import type { CallHandler, CallOrigin } from './session.ts';

/** What is written down about each call. */
export type LogCall = (entry: CallEntry) => void;

export interface CallEntry {
  readonly op: string;
  readonly who: string;
  readonly source: string;
  readonly surface: string;
  readonly pid: number;
  readonly durationMs: number;
  /** Failure code, or undefined when it was carried out. */
  readonly code?: string;
  /** What was changed, in words; undefined for what only reads. */
  readonly audit?: string;
  /** A bug of ours, for the log only. */
  readonly bug?: unknown;
}

export interface DispatchOptions {
  readonly world: World;
  readonly users: LocalUsers;
  readonly log: LogCall;
}

/** Carries out calls on the operations: finds out who asks, decides whether he may, checks the input, runs, audits. */
export function createDispatch({ world, users, log }: DispatchOptions): CallHandler {
  const byMethod = new Map<string, Operation>(
    (OPERATIONS as readonly Operation[]).filter((one) => !one.omitted.rpc).map((one) => [one.method, one]),
  );
  const methods = [...byMethod.keys()];
  const keys = new IdempotencyKeys(world.clock);
  return {
    version: world.version,
    methods,
    async call(method, params, origin) {
      const actor = identify(origin, world, users);
      if (!actor.ok) return actor;
      const found = byMethod.get(method);
      if (!found) {
        const meant = nearest(method, methods);
        return fail(
          'rpc.unknown-method',
          `there is no method ${JSON.stringify(method.slice(0, 64))}${meant ? `; did you mean ${meant}?` : ''}`,
        );
      }
      return new Carrying(found, actor.value, origin, { world, log, keys }).run(params);
    },
  };
}

/** What came of a call, besides whether it was done. */
interface Came {
  readonly failure?: Failure;
  readonly bug?: unknown;
  readonly note?: string;
  readonly who?: string;
}

/** One call on its way, with what is written down about it. */
class Carrying {
  readonly #operation: Operation;
  readonly #actor: Actor;
  readonly #origin: CallOrigin;
  readonly #world: World;
  readonly #log: LogCall;
  readonly #keys: IdempotencyKeys;
  readonly #startMs: number;
  #detail: string | undefined;

  constructor(
    operation: Operation,
    actor: Actor,
    origin: CallOrigin,
    { world, log, keys }: { world: World; log: LogCall; keys: IdempotencyKeys },
  ) {
    this.#operation = operation;
    this.#actor = actor;
    this.#origin = origin;
    this.#world = world;
    this.#log = log;
    this.#keys = keys;
    this.#startMs = world.clock.monotonicMs();
  }

  async run(params: unknown): Promise<Result<unknown>> {
    const operation = this.#operation;
    // Before the input is looked at: who may not learns nothing of it.
    const access = decideAccess(operation, this.#actor, this.#world.clock.nowMs());
    if (!access.ok) return this.#refuse(access.error);
    const input = operation.input.safeParse(params);
    if (!input.success) return fail('rpc.bad-params', `${operation.method}: ${describe(input.error)}`);
    this.#detail = operation.audit?.(input.data, this.#world);
    const key = this.#origin.onBehalf?.idempotency_key;
    if (key === undefined || operation.audit === null) return this.#carryOut(input.data);
    const call = { actor: this.#actor, key, method: operation.method, params: input.data };
    return this.#keys.carryOut(call, () => this.#carryOut(input.data));
  }

  async #carryOut(input: unknown): Promise<Result<unknown>> {
    const operation = this.#operation;
    try {
      const result = await operation.run(input, this.#world, this.#actor);
      if (result.ok) this.#write('done', operation.auditDone?.(result.value));
      else this.#write(isRefusal(result.error.code) ? 'refused' : 'failed', { failure: result.error });
      return result;
    } catch (bug) {
      const failure = {
        code: 'rpc.internal',
        message: `${operation.method} failed in an unexpected way: this is a bug`,
        remedy: 'quicether logs has the details',
      };
      this.#write('failed', { failure, bug });
      return failWith(failure);
    }
  }

  #refuse(failure: Failure): Result<never> {
    this.#write('refused', { failure });
    return failWith(failure);
  }

  #write(outcome: 'done' | 'refused' | 'failed', { failure, bug, note, who = this.#actor.name }: Came = {}): void {
    const { name: op } = this.#operation;
    const { source, surface } = this.#actor;
    this.#log({
      op,
      who,
      source,
      surface,
      pid: this.#origin.caller.pid,
      durationMs: Math.round(this.#world.clock.monotonicMs() - this.#startMs),
      ...(failure ? { code: failure.code } : {}),
      ...(this.#detail === undefined ? {} : { audit: this.#detail }),
      ...(bug === undefined ? {} : { bug }),
    });
    // What only reads and works is not audited; that somebody was kept from reading is.
    if (this.#detail === undefined && outcome !== 'refused') return;
    const detail = [this.#detail, note, failure && forAudit(failure)].filter(Boolean).join('; ');
    this.#world.audit.append({ event: op, who, source, surface, outcome, detail });
  }
}

/** Sentences about people may quote what was typed, and people type passwords into the wrong field. */
function forAudit({ code, message }: Failure): string {
  return code.startsWith('people.') ? code : `${code}: ${message}`;
}

function isRefusal(code: string): boolean {
  return code.startsWith('permission.') || code === 'people.throttled' || code.startsWith('people.wrong-');
}

function describe(error: z.ZodError): string {
  const [first] = error.issues;
  if (!first) return 'wrong parameters';
  const place = first.path.map(String).join('.');
  return place ? `"${place}": ${first.message}` : first.message;
}
