import type { Failure, Place } from '../core/result.ts';
import type { Problem } from './kinds.ts';
import type { Origin } from './origin.ts';
import type { PeerSettings } from './peers.ts';

/** A value that one source gives, with where it gave it. */
export interface Given {
  readonly value: unknown;
  readonly origin: Origin;
}

/** A peer and where it is named; `partPlace` finds the place of a part of it. */
export interface GivenPeer {
  readonly peer: PeerSettings;
  readonly origin: Origin;
  partPlace(path: readonly (string | number)[]): Place | undefined;
}

/** What one source (file, environment, flags) says, checked by itself. */
export interface Draft {
  /** By key: `network.tun_addr`. */
  readonly values: ReadonlyMap<string, Given>;
  readonly peers: readonly GivenPeer[];
  readonly failures: readonly Failure[];
}

/** A wrong value in the environment; the name is the place. */
export function envFailure(name: string, problem: Problem): Failure {
  return { code: 'settings.value', message: `${name}: ${problem.message}` };
}

/** A wrong value of a flag: the command was not used rightly. */
export function flagFailure(name: string, message: string): Failure {
  return { code: 'usage.flag', message: `${name}: ${message}` };
}
