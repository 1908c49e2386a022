/** What the pages show: the daemon's answers, as far as they are shown, and what every page needs beside them. */
import type { When } from './words/time.ts';

export type Role = 'owner' | 'admin' | 'operator' | 'viewer';
export type Condition = 'working' | 'degraded' | 'failed' | 'unknown';
/** What a state can be drawn as; busy is for what runs just now. */
export type Shape = Condition | 'busy';

export interface Office {
  readonly node_id: string;
  readonly name: string;
  readonly state: Condition;
  readonly since_ms: number | null;
  readonly rtt_ms: number | null;
  readonly last_good_ms: number | null;
  readonly paths: number;
  readonly problem: string | null;
  readonly remedy: string | null;
  readonly configured: boolean;
  /** Somebody there has to accept this box; nothing is wrong. */
  readonly waiting?: boolean;
}

export interface PendingOffice {
  readonly node_id: string;
  readonly name: string;
  readonly address: string | null;
  /** Whether the other side has accepted us already. */
  readonly accepted_there: boolean | null;
  readonly since_ms: number | null;
}

/** An address that is called and where nobody has answered yet. */
export interface SoughtOffice {
  readonly address: string;
  readonly name: string | null;
  /** Null: it stands in the configuration. */
  readonly since_ms: number | null;
  readonly problem: string | null;
}

export interface Offices {
  readonly offices: readonly Office[];
  readonly pending: readonly PendingOffice[];
  readonly sought?: readonly SoughtOffice[];
  /** No port of this box has a link: that nobody answers is not their fault. */
  readonly cut_off?: boolean;
  readonly checked_ms: number | null;
}

export interface OfficePath {
  readonly interface: string | null;
  readonly local: string | null;
  readonly remote: string | null;
  readonly rtt_ms: number | null;
  readonly loss_ratio: number | null;
  readonly state: string;
}

export interface OfficeDetail extends Office {
  readonly overlay_addresses: readonly string[];
  readonly prefixes: readonly string[];
  readonly sent_bytes: number;
  readonly received_bytes: number;
  readonly sent_bps: number | null;
  readonly received_bps: number | null;
  readonly path_list: readonly OfficePath[];
  readonly events: readonly AuditEvent[];
}

export interface Line {
  readonly interface: string;
  readonly addresses: readonly string[];
  readonly state: Condition;
  readonly rtt_ms: number | null;
  readonly loss_ratio: number | null;
  readonly offices: number;
}

export type Range = '10m' | '2d' | '2y';

export interface History {
  readonly step_ms: number;
  readonly points: readonly (readonly [number, number | null])[];
}

export interface AuditEvent {
  readonly seq: number;
  readonly ts_ms: number;
  readonly event: string;
  readonly who: string;
  readonly source: string | null;
  readonly surface: string | null;
  readonly outcome: string;
  readonly detail: string;
}

export interface AuditFilter {
  readonly who: string;
  readonly event: string;
  readonly text: string;
}

export interface ChainState {
  readonly intact: boolean;
  readonly events: number;
  readonly first_seq: number | null;
  readonly last_seq: number | null;
  readonly head: string | null;
  readonly problem: string | null;
}

export interface Trial {
  readonly trial_id: string;
  readonly what: string;
  readonly who: string;
  readonly started_ms: number;
  readonly until_ms: number;
  readonly mine: boolean;
}

export interface Person {
  readonly user_id: string;
  readonly user_name: string;
  readonly role: Role;
  readonly second_factor: boolean;
  readonly last_seen_ms: number | null;
  readonly created_ms: number;
}

export interface SignedIn {
  readonly session_id: string;
  readonly user_name: string;
  readonly source: string | null;
  readonly surface: string | null;
  readonly started_ms: number;
  readonly seen_ms: number;
  readonly current: boolean;
}

export interface Token {
  readonly token_id: string;
  readonly name: string;
  readonly role: Role;
  readonly sources: readonly string[];
  readonly created_ms: number;
  readonly expires_ms: number;
  readonly used_ms: number | null;
}

export interface Slot {
  readonly slot: string;
  readonly version: string | null;
  readonly state: 'running' | 'idle' | 'trial' | 'failed';
}

export interface Update {
  readonly state: 'none' | 'receiving' | 'checking' | 'writing' | 'ready' | 'failed';
  readonly percent: number | null;
  readonly version: string | null;
  readonly message: string | null;
}

export interface SystemState {
  readonly version: string;
  readonly node_id: string | null;
  readonly appliance: boolean;
  readonly uptime_sec: number;
  readonly slots: readonly Slot[];
  readonly update: Update;
  readonly ssh: boolean | null;
}

/** Who reads the page. */
export interface Me {
  readonly userName: string;
  readonly role: Role;
  readonly secondFactor: boolean;
  /** Until when dangerous things need no password again. */
  readonly passwordUntilMs: number | null;
}

/** Whether somebody may change the box; whoever may not is shown no form that would be refused. */
export function mayChange({ role }: Pick<Me, 'role'>): boolean {
  return role === 'owner' || role === 'admin';
}

/** One sentence about what just happened, or why it did not. */
export interface Word {
  readonly state: Shape;
  readonly title: string;
  readonly detail?: string | undefined;
}

/** A field that was not understood: what is wrong, then what to do. */
export type Mistakes = Readonly<Record<string, string>>;

/** What every page needs, signed in or not. */
export interface Page {
  readonly boxName: string;
  /** Address of a file in `assets/`, with the hash of its content in it. */
  readonly asset: (name: string) => string;
  /** Of this answer's content security policy. */
  readonly nonce: string;
  /** Goes with every form, so that no other site can send one. */
  readonly csrf: string;
  readonly when: When;
  readonly word: Word | null;
}

/** What every page behind the sign-in needs. */
export interface Frame extends Page {
  readonly me: Me;
  readonly version: string;
  readonly nodeId: string | null;
  readonly trial: Trial | null;
  /** State of all offices for the line under the menu; null when it could not be asked. */
  readonly offices: Offices | null;
}
