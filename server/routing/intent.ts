import type { HostPort } from '../core/host-port.ts';
import type { Ip } from '../core/ip.ts';
import type { NodeId } from '../core/node-id.ts';
import type { InterfaceAddress, Prefix } from '../core/prefix.ts';
import type { Failure } from '../core/result.ts';

/** What the administrator wants of this box, whatever it came from. */
export interface Intent {
  readonly id: NodeId;
  readonly name: string;
  readonly tunName: string;
  readonly mtu: number;
  /** Set by hand; their families are not derived from the NodeId then. */
  readonly tunAddresses: readonly InterfaceAddress[];
  /** Addresses of the UDP sockets. */
  readonly listen: readonly HostPort[];
  readonly answerStrangers: boolean;
  /** Peers that the configuration names by NodeId. */
  readonly peers: readonly PeerIntent[];
  /** Where somebody is expected of whom only the address is known. */
  readonly dial: readonly HostPort[];
  readonly localPrefixes: readonly Prefix[];
  readonly forward: boolean;
  readonly maxConnections: number;
  readonly cpuAffinity: readonly number[];
}

/** A peer that may send and receive. */
export interface PeerIntent {
  readonly id: NodeId;
  readonly name?: string | undefined;
  /** Where to dial it; empty: it dials us. */
  readonly addresses: readonly HostPort[];
  /** Prefixes behind it. */
  readonly prefixes: readonly Prefix[];
}

/** Overlay addresses of a box as they follow from its NodeId. */
export type DeriveAddresses = (id: NodeId) => { readonly v4: Ip; readonly v6: Ip };

/** Something that is held back or left out, and for which peer. */
export interface PlanProblem {
  readonly peer?: NodeId;
  readonly failure: Failure;
}
