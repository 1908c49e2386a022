import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, ok, type Result } from '../core/result.ts';

const TIMEOUT_MS = 5_000;
const MAX_ADDRESSES = 16;

/** Addresses of a name as the system resolves it, hosts file included, in its order. */
export async function resolveName(name: string): Promise<Result<readonly string[]>> {
  const giveUp = new AbortController();
  const late = sleep(TIMEOUT_MS, undefined, { signal: giveUp.signal, ref: false }).then(
    () => fail('resolve.timeout', `"${name}" was not resolved within ${TIMEOUT_MS / 1000} s`),
    () => fail('resolve.timeout', ''),
  );
  try {
    return await Promise.race([look(name), late]);
  } finally {
    giveUp.abort();
  }
}

async function look(name: string): Promise<Result<readonly string[]>> {
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
