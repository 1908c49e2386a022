import { fail, ok, type Result } from '../core/result.ts';
import type { SystemDesk, World } from './world.ts';

/** What needs root, or how the same is done on a machine that is no appliance. */
export function findSystem(world: World, remedy: string): Result<SystemDesk> {
  if (world.system) return ok(world.system);
  return fail('system.not-an-appliance', 'this machine was not booted from the appliance image', { remedy });
}

/** How a machine with the package gets a newer release. */
export const UPDATE_REMEDY = 'install a newer package here: apt install ./quicether_VERSION.deb';
