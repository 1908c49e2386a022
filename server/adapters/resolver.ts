import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, ok, type Result } from '../core/result.ts';

const TIMEOUT_MS = 5_000;
const MAX_ADDRESSES = 16;

type Found = Result<readonly string[]>;

/** Addresses of a name as the system resolves it, hosts file included, in its order. */
export const resolveName = createResolver(look);

/**
 * Gives up waiting for a look-up after its time, never the look-up: the system has no way to, and a
 * second one for the same name would only queue up behind it. So there is one for each name.
 */
export function createResolver(
  ask: (name: string) => Promise<Found>,
  timeoutMs = TIMEOUT_MS,
): (name: string) => Promise<Found> {
  const underWay = new Map<string, Promise<Found>>();
  const askOnce = (name: string): Promise<Found> => {
    const running = underWay.get(name);
    if (running !== undefined) return running;
    const asked = ask(name).finally(() => underWay.delete(name));
    underWay.set(name, asked);
    return asked;
  };
  return async (name) => {
    const giveUp = new AbortController();
    const late = sleep(timeoutMs, undefined, { signal: giveUp.signal, ref: false }).then(
      () => fail('resolve.timeout', `"${name}" was not resolved within ${timeoutMs / 1000} s`),
      () => fail('resolve.timeout', ''),
    );
    try {
      return await Promise.race([askOnce(name), late]);
    } finally {
      giveUp.abort();
    }
  };
}

async function look(name: string): Promise<Found> {
  try {
    const found = await lookup(name, { all: true, order: 'verbatim' });
    return ok([...new Set(found.map(({ address }) => address))].slice(0, MAX_ADDRESSES));
  } catch (error) {
    return fail(
      'resolve.failed',
      `"${name}" cannot be resolved: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`,
    );
  }
}
