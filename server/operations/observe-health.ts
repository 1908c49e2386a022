import type { World } from './world.ts';

/** What `/health` says. */
export interface Health {
  readonly status: 'ok' | 'failing';
  readonly problems: readonly string[];
}

/**
 * Whether the box does its work: the engine answers and is told what is wanted, and the database can be used.
 * A peer that is away is no failure.
 */
export async function observeHealth({ people, steering }: Pick<World, 'people' | 'steering'>): Promise<Health> {
  const snapshot = await steering.snapshot();
  const claimed = people.signIn.isClaimed();
  const problems = [
    snapshot.ok ? undefined : snapshot.error.message,
    steering.applyFailure?.message,
    claimed.ok ? undefined : claimed.error.message,
  ].filter((problem) => problem !== undefined);
  if (snapshot.ok && snapshot.value.lease_remaining_ms === 0) problems.push('the lease of the engine has run out');
  return { status: problems.length === 0 ? 'ok' : 'failing', problems };
}
