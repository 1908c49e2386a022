import { fail, ok, type Result } from '../core/result.ts';
import { includes } from '../people/role.ts';
import type { Actor } from './actor.ts';
import type { Operation } from './operation.ts';

/** What of an operation decides who may. */
export type Guarded = Pick<
  Operation,
  'method' | 'role' | 'needsPassword' | 'onlyLocal' | 'beforeSecondFactor' | 'omitted'
>;

/** Whether this actor may do this now; the one place where that is decided, for every surface. */
export function decideAccess(operation: Guarded, actor: Actor, nowMs: number): Result<void> {
  const { method, role, omitted } = operation;
  // A surface that leaves it out does not get it by asking the daemon past its own pages, either.
  const omission = omitted[actor.surface];
  if (omission !== undefined && actor.kind !== 'local') {
    return fail('permission.surface', `${method} is not there for this surface: ${omission}`);
  }
  if (operation.onlyLocal && actor.kind !== 'local') {
    return fail('permission.surface', `${method} works only on the box itself`, {
      remedy: "use the box's console or its command line",
    });
  }
  if (role === 'anyone') return ok(undefined);
  if (actor.kind === 'anonymous' || actor.role === null) {
    return fail('permission.signed-out', `${method} is for people who have signed in`, { remedy: 'sign in' });
  }
  if (!includes(actor.role, role)) {
    return fail('permission.role', `${method} is for the role ${role}; ${actor.name} has the role ${actor.role}`, {
      remedy: 'ask an owner of this box',
    });
  }
  if (actor.lacksSecondFactor && !operation.beforeSecondFactor) {
    return fail('permission.second-factor', 'on this box people need a second factor, and you have none yet', {
      remedy: 'set one up on your account page',
    });
  }
  return operation.needsPassword ? decidePassword(method, actor, nowMs) : ok(undefined);
}

/** A Unix user at the socket has shown nothing more to show; a program cannot. */
function decidePassword(method: string, actor: Actor, nowMs: number): Result<void> {
  if (actor.kind === 'local') return ok(undefined);
  if (actor.kind === 'token') {
    return fail('permission.password', `${method} asks for a password, which a token never has`, {
      remedy: 'do it signed in as a person',
    });
  }
  if (actor.passwordUntilMs !== undefined && actor.passwordUntilMs > nowMs) return ok(undefined);
  return fail('permission.password', `${method} asks for the password again`, { remedy: 'give the password' });
}
