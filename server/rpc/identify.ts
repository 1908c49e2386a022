import { fail, ok, type Result } from '../core/result.ts';
import type { Actor } from '../operations/actor.ts';
import type { World } from '../operations/world.ts';
import type { Caller } from './caller.ts';
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
  return ok(nobody(origin, world));
}

function nobody({ caller, onBehalf }: CallOrigin, _world: World): Actor {
  return {
    kind: 'anonymous',
    name: 'somebody',
    role: null,
    source: onBehalf?.source ?? `uid ${caller.uid}`,
    surface: onBehalf?.surface ?? 'rpc',
  };
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
