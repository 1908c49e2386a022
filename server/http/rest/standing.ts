import { failWith, ok } from '../../core/result.ts';
import type { Actor, Role } from '../../operations/actor.ts';
import { decideAccess } from '../../operations/authorise.ts';
import type { Operation } from '../../operations/operation.ts';
import type { AskHere } from './precondition.ts';
import type { RestResult } from './rest-failure.ts';

interface Me {
  readonly kind: Actor['kind'];
  readonly user_name: string;
  readonly role: Role | null;
  readonly password_until_ms: number | null;
  readonly must_enrol: boolean;
}

/**
 * Whether whoever asks might do this at all, by the daemon's own rule.
 *
 * Asked only when a request cannot be passed on as it is: who may not learns that first, and not what
 * is wrong with the request. What is passed on the daemon decides by itself.
 */
export async function decideStanding(operation: Operation, ask: AskHere, nowMs: number): Promise<RestResult<void>> {
  if (operation.role === 'anyone') return ok(undefined);
  const me = await ask('GetMe', {});
  if (!me.ok) return failWith(me.error);
  const { kind, user_name: name, role, password_until_ms, must_enrol: lacksSecondFactor } = me.value as Me;
  const until = password_until_ms === null ? {} : { passwordUntilMs: password_until_ms };
  const actor: Actor = { kind, name, role, source: '', surface: 'rest', lacksSecondFactor, ...until };
  return decideAccess(operation, actor, nowMs);
}
