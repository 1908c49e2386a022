import type { Host } from '../lab/host.ts';

/** Which end of the cable. */
export type Side = 'left' | 'right';

export const SIDES: readonly Side[] = ['left', 'right'];

/** The two machines that every tunnel of a run joins, on one cable of MTU 1500. */
export interface Pair {
  readonly left: Host;
  readonly right: Host;
}

/** Addresses of the cable, outside every tunnel. */
export const OUTSIDE = { left: '10.77.0.1', right: '10.77.0.2' } as const;

/** A running tunnel. */
export interface Tunnel {
  /** Addresses inside. */
  readonly inside: Readonly<Record<Side, string>>;
  /** Interface whose counters tell what it carried. */
  readonly ifName: Readonly<Record<Side, string>>;
  /** Processes that carry its packets, whose processor time counts. */
  readonly carriers: Readonly<Record<Side, readonly number[]>>;
  /** Further processes that it needs, whose memory counts as well. */
  readonly helpers?: Readonly<Record<Side, readonly number[]>>;
}

/** Something whose speed is measured. */
export interface Subject {
  readonly name: string;
  /** Release or commit; empty when there is no such thing. */
  readonly version: string;
  /** Starts it on both sides and returns once packets pass; it ends with the hosts. */
  start(pair: Pair): Promise<Tunnel>;
}

/** A subject, or why it is not here. */
export type Found = { readonly subject: Subject } | { readonly missing: string; readonly reason: string };
