import type { Role } from '../core/role.ts';

export { ROLES, type Role } from '../core/role.ts';

/** What an operation asks for: a role, or nothing at all. */
export type Right = Role | 'anyone';

/** Who asks, as the daemon has found out by itself; a surface only passes on what it was shown. */
export interface Actor {
  /**
   * `local`: a Unix user at the socket. `person`: signed in. `token`: a program.
   * `anonymous`: a front passes on somebody who has shown nothing.
   */
  readonly kind: 'local' | 'person' | 'token' | 'anonymous';
  /** For people and the audit: `root`, `anna`, `token backup-script`, `somebody`. */
  readonly name: string;
  /** What it may do; null for nobody in particular. */
  readonly role: Role | null;
  /** Where it comes from: an address as the front saw it, or `uid 0`. */
  readonly source: string;
  /** Surface that it used. */
  readonly surface: 'rpc' | 'cli' | 'rest' | 'page';
  readonly userId?: string;
  readonly sessionId?: string;
  readonly tokenId?: string;
  /** Until when the password counts as just given, in milliseconds since the epoch. */
  readonly passwordUntilMs?: number;
  /** The box asks people for a second factor and this one has none. */
  readonly lacksSecondFactor?: boolean;
}

/** The daemon's own user and root, who could change its files anyway. */
export const LOCAL_OWNER: Actor = { kind: 'local', name: 'root', role: 'owner', source: 'uid 0', surface: 'cli' };
