import type { Clock } from '../core/clock.ts';
import type { HostPort } from '../core/host-port.ts';
import type { DeriveAddresses, Intent } from '../routing/intent.ts';
import type { ResolveName } from '../routing/name-book.ts';
import type { AcceptedPeer, AcceptedPeerStore, EnginePort, LearnedStore, SoughtPlace, SoughtStore } from './world.ts';

/** What steering is handed. */
export interface SteerOptions {
  readonly clock: Clock;
  readonly engine: EnginePort;
  readonly intent: Intent;
  readonly accepted: readonly AcceptedPeer[];
  readonly peerStore: AcceptedPeerStore;
  readonly sought?: readonly SoughtPlace[];
  readonly soughtStore?: SoughtStore;
  /** Confirmed by a person, instead of what the settings say. */
  readonly listen?: readonly HostPort[] | undefined;
  readonly learnedStore: LearnedStore;
  readonly resolve: ResolveName;
  readonly derive: DeriveAddresses;
  readonly log: Record<'debug' | 'info' | 'warn', (fields: object, text: string) => void>;
}
