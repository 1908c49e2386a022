import * as z from 'zod';
import { ok, type Result } from '../core/result.ts';
import { ROLES } from '../core/role.ts';
import { notAPerson } from '../people/failures.ts';
import type { User } from '../people/store.ts';
import { parseUserName } from '../people/user-name.ts';
import type { Actor } from './actor.ts';
import type { World } from './world.ts';

/** Longer ones are no password or code of anybody; the rules for new ones are stricter. */
export const TypedPassword = z.string().min(1).max(1_024);
export const TypedCode = z.string().min(1).max(64);
export const TypedUserName = z.string().min(1).max(256);
export const RoleName = z.enum(ROLES);
export const Id = z.string().regex(/^[a-z]_[0-9a-z]{1,32}$/, 'is no id of a list');

/** Who signed in and by which session; a token and a Unix user have neither. */
export function personOf(actor: Actor, world: World): Result<{ readonly user: User; readonly sessionId: string }> {
  const { userId, sessionId } = actor;
  if (actor.kind !== 'person' || userId === undefined || sessionId === undefined) return notAPerson();
  const user = world.people.users.byId(userId);
  return user.ok ? ok({ user: user.value, sessionId }) : user;
}

/** A new name for the audit: what is no name may be anything, a password too. */
export function newNameForAudit(typed: string): string {
  const name = parseUserName(typed);
  return name.ok ? name.value : 'of a name that cannot be used';
}

/** A typed name for the audit: only one that is a user's, since people type passwords into the wrong field. */
export function nameForAudit(typed: string, world: World): string {
  return world.people.users.isKnown(typed) ? typed.trim().toLowerCase() : 'a name that nobody has here';
}
