import type { Failure } from '../core/result.ts';
import type { Plain } from './kinds.ts';
import type { Origin } from './origin.ts';
import type { PeerSettings } from './peers.ts';
import type { KeyedSettings } from './schema.ts';

/** Everything a person can set, read and checked; only whole and valid settings exist. */
export interface Settings extends KeyedSettings {
  readonly peers: readonly PeerSettings[];
}

/** Settings with the story of each value. */
export interface LoadedSettings {
  readonly settings: Settings;
  /** By key (`network.tun_addr`); peers are `peers[0]` and so on. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Accepted but without effect: features that are not built yet. Not errors. */
  readonly notices: readonly Failure[];
  /** What people changed and confirmed since, by key; it counts instead of the value here. */
  readonly inForce?: ReadonlyMap<string, { readonly value: Plain; readonly origin: Origin }>;
}
