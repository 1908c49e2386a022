import type { Answer, Snapshot } from '../adapters/engine-messages.ts';
import type { CancelTimer, Clock } from '../core/clock.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { EnginePort } from './world.ts';

/** Callers within this time share one snapshot, so that no client can load the engine with them. */
const SNAPSHOT_AGE_MS = 200;

/** What is, asked of the engine once for all who want to know at the moment. */
export class EngineSnapshot {
  readonly #clock: Clock;
  readonly #engine: EnginePort;
  #snapshot: Promise<Result<Snapshot>> | undefined;
  #forget: CancelTimer | undefined;

  constructor(clock: Clock, engine: EnginePort) {
    this.#clock = clock;
    this.#engine = engine;
  }

  get(): Promise<Result<Snapshot>> {
    if (this.#snapshot !== undefined) return this.#snapshot;
    const answer = this.#engine.call({ call: 'snapshot' }).then((result) => wanted(result, 'snapshot'));
    this.#snapshot = answer;
    // Kilobytes for each peer, which nobody may ask for again.
    this.#forget = this.#clock.setTimer(SNAPSHOT_AGE_MS, () => this.forget());
    return answer;
  }

  /** Whoever asks from now on gets a new one. */
  forget(): void {
    this.#forget?.();
    this.#snapshot = undefined;
  }
}

/** The answer of the kind that was asked for, or why there is none. */
export function wanted<K extends Answer['kind']>(
  result: Result<Answer>,
  kind: K,
): Result<Extract<Answer, { kind: K }>> {
  if (!result.ok) return result;
  if (result.value.kind === kind) return ok(result.value as Extract<Answer, { kind: K }>);
  return fail('engine.protocol', `the engine answered ${result.value.kind} instead of ${kind}`, {
    remedy: 'restart it after an update',
  });
}
