import { fail, ok, type Result } from '../core/result.ts';
import type { Actor } from '../operations/actor.ts';
import type { World } from '../operations/world.ts';
import type { Caller } from './caller.ts';
import type { OnBehalf } from './protocol.ts';
import type { CallOrigin } from './session.ts';

/** Unix users at the socket, as the system knows them. */
export interface LocalUsers {
  /** User of the daemon. */
  readonly ownUid: number;
  /** Login name; undefined when the system has none. */
  nameOf(uid: number): string | undefined;
}

/** Who asks: a Unix user by the kernel's word, or whom a front passes on by what was shown to it. */
export function identify(origin: CallOrigin, world: World, users: LocalUsers): Result<Actor> {
  const { caller, isFront, onBehalf } = origin;
  if (!isFront && onBehalf) {
    return fail('permission.front', '"on_behalf" is for fronts: this connection acts for its own Unix user', {
      remedy: 'say {"front":true} in Hello; from then on the connection has no rights of its own',
    });
  }
  if (!isFront) return ok(localActor(caller, origin.client, users));
  const nobody: Actor = {
    kind: 'anonymous',
    name: 'somebody',
    role: null,
    source: onBehalf?.source ?? `uid ${caller.uid}`,
    surface: onBehalf?.surface ?? 'rpc',
  };
  if (onBehalf?.session !== undefined) return personActor(nobody, onBehalf.session, onBehalf, world);
  if (onBehalf?.token !== undefined) return tokenActor(nobody, onBehalf.token, world);
  return ok(nobody);
}

/** Root and the daemon's own user could change its files anyway; others of the socket's group administer. */
function localActor(caller: Caller, client: string, users: LocalUsers): Actor {
  const isOwner = caller.uid === 0 || caller.uid === users.ownUid;
  return {
    kind: 'local',
    name: users.nameOf(caller.uid) ?? `uid ${caller.uid}`,
    role: isOwner ? 'owner' : 'admin',
    source: `uid ${caller.uid}`,
    // What a client calls itself changes what the audit says, never what it may.
    surface: client.startsWith('quicether ') ? 'cli' : 'rpc',
  };
}

/** The person of a session; of a dead one nobody, who may still sign in. */
function personActor(nobody: Actor, secret: string, onBehalf: OnBehalf, { people }: World): Result<Actor> {
  const found = people.sessions.find(secret, onBehalf.is_background === true);
  if (!found.ok) return found;
  if (!found.value) return ok(nobody);
  const { user, session, passwordUntilMs } = found.value;
  return ok({
    ...nobody,
    kind: 'person',
    name: user.userName,
    role: user.role,
    userId: user.userId,
    sessionId: session.sessionId,
    ...(passwordUntilMs === undefined ? {} : { passwordUntilMs }),
    ...(people.requiresSecondFactor && !user.secondFactor ? { lacksSecondFactor: true } : {}),
  });
}

function tokenActor(nobody: Actor, secret: string, { people }: World): Result<Actor> {
  const found = people.tokens.find(secret, nobody.source);
  if (!found.ok) return found;
  if (!found.value) return ok(nobody);
  const { token, role } = found.value;
  return ok({ ...nobody, kind: 'token', name: `token ${token.name}`, role, tokenId: token.tokenId });
}
