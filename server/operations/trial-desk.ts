import type { CancelTimer, Clock } from '../core/clock.ts';
import { formatHostPort, type HostPort } from '../core/host-port.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Rng } from '../core/rng.ts';
import type { ConfirmedListen, ListenState, ListenTrial, TrialPerson } from '../settings/confirmed-listen.ts';
import type { Actor } from './actor.ts';
import type { AuditEvent } from './audit-port.ts';

/** What a change on trial is kept in; all of it or a failure and nothing changed. */
export interface ListenStateStore {
  write(state: ListenState): Result<void>;
}

export interface TrialDeskOptions {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly store: ListenStateStore;
  /** As it was found at the start; a trial in it was never confirmed. */
  readonly found: ListenState;
  /** What the configuration says, whatever was confirmed since. */
  readonly configured: readonly HostPort[];
  /** What is in force now. */
  readonly listen: () => readonly HostPort[];
  /** Makes it so at once, or changes nothing and says why. */
  readonly apply: (addresses: readonly HostPort[]) => Promise<Result<void>>;
  readonly audit: (event: AuditEvent) => void;
}

/** A change that undoes itself unless whoever made it confirms it. */
export interface Trial {
  readonly trialId: string;
  readonly what: string;
  readonly by: TrialPerson;
  readonly startedMs: number;
  /** Wall clock; the time itself is measured by the monotonic one. */
  readonly untilMs: number;
}

interface Running extends ListenTrial {
  readonly what: string;
  /** Monotonic; undefined while it is being made. */
  deadlineMs: number | undefined;
  cancel: CancelTimer | undefined;
}

/** When undoing fails it is tried again after this. */
const RETRY_MS = 1_000;

/**
 * Changes that could cut the administrator off: made at once, undone by this box itself unless the same
 * person confirms in time. What is on trial is written down before it is made, so that a box that lost
 * its power or its daemon in the middle comes back as it was.
 */
export class TrialDesk {
  readonly #options: TrialDeskOptions;
  #confirmed: ConfirmedListen | undefined;
  #running: Running | undefined;

  constructor(options: TrialDeskOptions) {
    this.#options = options;
    this.#confirmed = options.found.confirmed;
  }

  /** Says what the start undid. */
  start(): void {
    const { found, store } = this.#options;
    if (!found.trial) return;
    store.write({ confirmed: this.#confirmed, trial: undefined });
    const { wanted, by } = found.trial;
    this.#tell(
      'trial.undone',
      `${describe(wanted)}, tried by ${by.name}: the box started anew before it was confirmed`,
    );
  }

  /** Undoes what is on trial: an engine that goes on without the daemon must not go on with it. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    await this.#undo(running, 'the daemon ended');
    // When that failed the next start does it.
    running.cancel?.();
  }

  get current(): Trial | undefined {
    const running = this.#running;
    if (running?.deadlineMs === undefined) return undefined;
    const { trialId, what, by, startedMs, deadlineMs } = running;
    const { clock } = this.#options;
    return { trialId, what, by, startedMs, untilMs: clock.nowMs() + deadlineMs - clock.monotonicMs() };
  }

  /** What was confirmed and counts more than the configuration. */
  get confirmed(): ConfirmedListen | undefined {
    return this.#confirmed;
  }

  /** Makes the change and starts the clock; refused while another one is on trial. */
  async begin(wanted: readonly HostPort[], actor: Actor, durationMs: number): Promise<Result<Trial>> {
    const { clock, rng, store, listen, apply } = this.#options;
    const by = personOf(actor);
    if (!by) return fail('permission.trial', 'a program cannot confirm what it tries', { remedy: 'do it signed in' });
    if (this.#running) return alreadyRunning(this.#running, clock.monotonicMs());
    const running: Running = {
      trialId: Buffer.from(rng.bytes(9)).toString('base64url'),
      what: describe(wanted),
      wanted,
      before: listen(),
      by,
      startedMs: clock.nowMs(),
      durationMs,
      deadlineMs: undefined,
      cancel: undefined,
    };
    this.#running = running;
    const written = store.write({ confirmed: this.#confirmed, trial: running });
    const made = written.ok ? await apply(wanted) : written;
    if (!made.ok) {
      this.#running = undefined;
      if (written.ok) store.write({ confirmed: this.#confirmed, trial: undefined });
      return made;
    }
    running.deadlineMs = clock.monotonicMs() + durationMs;
    running.cancel = clock.setTimer(durationMs, () => void this.#undo(running, 'nobody confirmed it in time'));
    return ok({ ...running, untilMs: clock.nowMs() + durationMs });
  }

  /** Keeps the change, when the one who made it says so in time. */
  confirm(trialId: string, actor: Actor): Result<void> {
    const running = this.#find(trialId);
    if (!running.ok) return running;
    const { by, wanted, cancel } = running.value;
    if (personOf(actor)?.key !== by.key) {
      return fail('permission.trial', `${by.name} tried this; nobody else can confirm it`, {
        remedy: `sign in as ${by.name} to confirm, or take it back`,
      });
    }
    const { clock, configured, store } = this.#options;
    const confirmed = { addresses: wanted, by: by.name, atMs: clock.nowMs(), instead: configured };
    // Not written is not confirmed: the time goes on, and it can be tried again.
    const written = store.write({ confirmed, trial: undefined });
    if (!written.ok) return written;
    cancel?.();
    this.#running = undefined;
    this.#confirmed = confirmed;
    return ok(undefined);
  }

  /** Takes the change back now; everybody who may make one may. */
  async revert(trialId: string, actor: Actor): Promise<Result<void>> {
    const running = this.#find(trialId);
    return running.ok ? this.#undo(running.value, `${actor.name} took it back`) : running;
  }

  #find(trialId: string): Result<Running> {
    const running = this.#running;
    if (running?.deadlineMs !== undefined && running.trialId === trialId) return ok(running);
    return fail('trial.over', 'this change is not on trial any more: it was confirmed or undone', {
      remedy: 'look at what is in force, and make the change again if it is not',
    });
  }

  async #undo(running: Running, why: string): Promise<Result<void>> {
    if (this.#running !== running) return ok(undefined);
    running.cancel?.();
    // From here on nobody can confirm it.
    running.deadlineMs = undefined;
    const undone = await this.#options.apply(running.before);
    if (!undone.ok) {
      this.#tell('trial.undo-failed', `${running.what}: ${undone.error.message}; tried again`, 'failed');
      running.cancel = this.#options.clock.setTimer(RETRY_MS, () => void this.#undo(running, why));
      return undone;
    }
    this.#running = undefined;
    // What is on the disk still says trial when this fails, and the next start undoes nothing more.
    this.#options.store.write({ confirmed: this.#confirmed, trial: undefined });
    this.#tell('trial.undone', `${running.what}, tried by ${running.by.name}: ${why}`);
    return ok(undefined);
  }

  #tell(event: string, detail: string, outcome: AuditEvent['outcome'] = 'done'): void {
    this.#options.audit({ event, who: 'box', source: '', surface: 'box', outcome, detail });
  }
}

/** Who can be asked again: a person who signed in, or a user of this machine. */
function personOf({ kind, name, userId, source }: Actor): TrialPerson | undefined {
  if (kind === 'person' && userId !== undefined) return { name, key: `user:${userId}` };
  return kind === 'local' ? { name, key: `local:${source}` } : undefined;
}

/** Whether this is the one who made the change. */
export function isBy(trial: Trial, actor: Actor): boolean {
  return personOf(actor)?.key === trial.by.key;
}

function describe(addresses: readonly HostPort[]): string {
  return `the tunnel listens on ${addresses.map(formatHostPort).join(', ')}`;
}

function alreadyRunning({ by, what, deadlineMs }: Running, nowMs: number): Result<never> {
  const left = deadlineMs === undefined ? '' : ` (${Math.ceil((deadlineMs - nowMs) / 1000)} s left)`;
  return fail('trial.running', `${by.name} is trying a change already: ${what}${left}`, {
    remedy: 'confirm it, take it back, or wait',
  });
}
