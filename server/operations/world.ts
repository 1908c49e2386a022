import type { Answer, Call, Event, Snapshot } from '../adapters/engine-messages.ts';
import type { Clock } from '../core/clock.ts';
import type { HostPort } from '../core/host-port.ts';
import type { NodeId } from '../core/node-id.ts';
import type { Result } from '../core/result.ts';
import type { HistoryBook } from '../lines/history-book.ts';
import type { People } from '../people/people.ts';
import type { Intent, PlanProblem } from '../routing/intent.ts';
import type { AuditPort } from './audit-port.ts';
import type { HealthPort } from './health-port.ts';
import type { SystemPort } from './system-port.ts';
import type { TrialDesk } from './trial-desk.ts';
import type { UpdateDesk } from './update-desk.ts';

export type { AuditPort } from './audit-port.ts';

/** Everything that operations may touch; the composition root builds it, tests build their own. */
export interface World {
  readonly clock: Clock;
  /** Release of the daemon. */
  readonly version: string;
  /** Monotonic time of the daemon's start. */
  readonly startedMs: number;
  readonly intent: Intent;
  readonly steering: Steering;
  readonly logs: LogView;
  readonly settings: SettingsView;
  readonly host: HostView;
  readonly people: People;
  readonly audit: AuditPort;
  readonly health: HealthPort;
  readonly trials: Pick<TrialDesk, 'current' | 'begin' | 'confirm' | 'revert'>;
  readonly history: Pick<HistoryBook, 'points'>;
  /** What needs root on an appliance; undefined on another machine. */
  readonly system: SystemDesk | undefined;
  /** Ends the daemon so that it is started again; undefined when nobody would. */
  readonly restart: (() => void) | undefined;
  /** Ends the daemon after the answer is out. */
  readonly shutDown: (options: { readonly keepTunnel: boolean }) => void;
}

/** The root helper, and the bundle that is collected for it. */
export interface SystemDesk {
  readonly port: SystemPort;
  readonly updates: UpdateDesk;
}

/** The engine as operations see it. */
export interface EnginePort {
  /** Who answers now; undefined while nobody does. */
  readonly hello: EngineHello | undefined;
  call(call: Call, timeoutMs?: number): Promise<Result<Answer>>;
  /** Called after each handshake, with a new `instance` when the engine was restarted. */
  onConnected(listener: (hello: EngineHello) => void): void;
  /** `droppedEvents` came before this one and were not told. */
  onEvent(listener: (event: Event, droppedEvents: number) => void): void;
}

export type EngineHello = Extract<Answer, { kind: 'hello' }>;

/** A peer that a person accepted. */
export interface AcceptedPeer {
  readonly nodeId: NodeId;
  readonly name: string | undefined;
  /** Where it was found, when that is in the configuration; empty when it came by itself. */
  readonly addresses: readonly HostPort[];
  readonly acceptedAtMs: number;
}

/** Accepted peers, kept across restarts. */
export interface AcceptedPeerStore {
  read(): Result<readonly AcceptedPeer[]>;
  /** All of them, or a failure and nothing changed. */
  write(peers: readonly AcceptedPeer[]): Result<void>;
}

/** A place where somebody is expected whose NodeId is not known yet. */
export interface SoughtPlace {
  readonly address: HostPort;
  /** What the box is called once it is accepted. */
  readonly name: string | undefined;
  readonly addedAtMs: number;
}

/** Places that are dialled, kept across restarts. */
export interface SoughtStore {
  read(): Result<readonly SoughtPlace[]>;
  write(places: readonly SoughtPlace[]): Result<void>;
}

/** What was learned and would only cost time to learn again. */
export interface Learned {
  readonly claims: Readonly<Record<string, readonly string[]>>;
  readonly names: Readonly<Record<string, readonly string[]>>;
}

export interface LearnedStore {
  read(): Learned;
  write(learned: Learned): void;
}

/** Desired and observed state of the tunnel. */
export interface Steering {
  readonly ownAddresses: readonly string[];
  readonly accepted: readonly AcceptedPeer[];
  readonly problems: readonly PlanProblem[];
  /** Why the last desired state could not be applied. */
  readonly applyFailure: { readonly code: string; readonly message: string } | undefined;
  /** What is; at most a moment old. */
  snapshot(): Promise<Result<Snapshot>>;
  /** The configured place where a box answered; dialled there by its NodeId once it is accepted. */
  dialledAt(address: string): readonly HostPort[];
  ping(nodeId: NodeId, timeoutMs: number): Promise<Result<number>>;
  accept(peer: AcceptedPeer): Promise<Result<void>>;
  remove(nodeId: NodeId): Promise<Result<void>>;
  /** Places that people added. */
  readonly sought: readonly SoughtPlace[];
  /** Dials there from now on, across restarts; whoever answers waits to be accepted. */
  seek(place: SoughtPlace): Promise<Result<void>>;
  /** Gives such a place up. */
  unseek(address: HostPort): Promise<Result<void>>;
  /** Why a place that is dialled leads nowhere just now. */
  unreached(address: HostPort): string | undefined;
  readonly engine: EngineHello | undefined;
  /** Where the tunnel is to listen. */
  readonly listen: readonly HostPort[];
  /** Listens there at once, or changes nothing and says why. */
  listenOn(addresses: readonly HostPort[]): Promise<Result<void>>;
}

export interface LogLine {
  readonly seq: number;
  readonly line: string;
}

export interface LogView {
  /** The last `count` lines after `afterSeq`, oldest first. */
  tail(count: number, afterSeq: number): readonly LogLine[];
  /** Resolves when there is a line after `afterSeq`, or after `timeoutMs`. */
  wait(afterSeq: number, timeoutMs: number): Promise<void>;
}

export interface SettingsView {
  /** Every key with its value and origin; secrets are file paths here, never contents. */
  readonly entries: readonly { readonly key: string; readonly value: unknown; readonly origin: string }[];
}

export interface HostView {
  /** Addresses, routes and the like as the system's own tools print them, by file name. */
  observe(): Promise<Readonly<Record<string, string>>>;
  /** Interfaces with a way to the internet, and ports that a cable to it goes into. */
  lines(): Promise<readonly HostLine[]>;
}

/** An internet line as the system has it. */
export interface HostLine {
  readonly interface: string;
  readonly addresses: readonly string[];
  /** Undefined when the system does not say. */
  readonly isLinkUp: boolean | undefined;
}
