import type { CancelTimer, Clock } from '../../core/clock.ts';
import { ok } from '../../core/result.ts';
import { type RestResult, refuse } from './rest-failure.ts';

/** Longest body; the daemon takes a line of 1 MiB with what is put around it. */
const MAX_BODY_BYTES = 900 * 1024;
/** What is kept of a body before the daemon has said that its sender may do this at all; no sign-in is longer. */
const STRANGER_BODY_BYTES = 16 * 1024;
/** For a body that anybody may send, and for a longer one. */
const STRANGER_BODY_MS = 15_000;
const BODY_MS = 120_000;

/** What a body may cost. */
export interface BodyTerms {
  readonly clock: Clock;
  /** Whether whoever sends it may do this at all; asked once, and only when the body is long. */
  readonly may: () => Promise<RestResult<void>>;
  /** For what anybody may do: then nobody may send a long one. */
  readonly isForStrangers: boolean;
}

/**
 * All of a body, bounded in length and time.
 *
 * Thousands of strangers who each send most of a long one would fill the memory of a small box, so
 * a long one is read only for somebody who may do what it is about.
 */
export async function readBody(request: Request, terms: BodyTerms): Promise<RestResult<Uint8Array>> {
  const most = terms.isForStrangers ? STRANGER_BODY_BYTES : MAX_BODY_BYTES;
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > most) return tooLarge(most);
  if (!request.body) return ok(new Uint8Array());
  const reader = request.body.getReader();
  const deadline = startDeadline(terms.clock);
  try {
    const chunks: Uint8Array[] = [];
    let isTrusted = false;
    for (let size = 0; ; ) {
      if (!isTrusted && Math.max(size, declared) > STRANGER_BODY_BYTES) {
        const may = await terms.may();
        if (!may.ok) return may;
        isTrusted = true;
        deadline.extend();
      }
      const read = await Promise.race([reader.read(), deadline.passed]);
      if (read === 'late') return refuse('rest.body', 'the body did not arrive in time');
      if (read.done) return ok(Buffer.concat(chunks));
      size += read.value.length;
      if (size > most) return tooLarge(most);
      chunks.push(read.value);
    }
  } catch {
    return refuse('rest.body', 'the body ended early');
  } finally {
    deadline.cancel();
    void reader.cancel().catch(() => undefined);
  }
}

function startDeadline(clock: Clock) {
  const { promise: passed, resolve } = Promise.withResolvers<'late'>();
  let cancel: CancelTimer = clock.setTimer(STRANGER_BODY_MS, () => resolve('late'));
  return {
    passed,
    extend: () => {
      cancel();
      cancel = clock.setTimer(BODY_MS, () => resolve('late'));
    },
    cancel: () => cancel(),
  };
}

function tooLarge(most: number): RestResult<never> {
  return refuse('rest.too-large', `the body is longer than ${most} bytes`, { remedy: 'send large things in parts' });
}
