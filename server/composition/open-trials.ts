import { join } from 'node:path';
import { readStateFile, replaceStateFile } from '../adapters/state-file.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { systemRng } from '../adapters/system-rng.ts';
import { formatHostPort } from '../core/host-port.ts';
import type { AuditEvent } from '../operations/audit-port.ts';
import { TrialDesk } from '../operations/trial-desk.ts';
import type { SettingsView, Steering } from '../operations/world.ts';
import type { Intent } from '../routing/intent.ts';
import {
  type ConfirmedListen,
  decodeListenState,
  encodeListenState,
  isInForce,
  LISTEN_FILE,
  type ListenState,
} from '../settings/confirmed-listen.ts';
import type { Undo } from './undo.ts';

const NONE: ListenState = { confirmed: undefined, trial: undefined };

/** What was confirmed and what was on trial when the daemon ended; a damaged file is said and counts as none. */
export function readListenState(stateDir: string, log: { warn(fields: object, text: string): void }): ListenState {
  const path = join(stateDir, LISTEN_FILE);
  const text = readStateFile(path);
  const state = text.ok && text.value !== undefined ? decodeListenState(path, text.value) : text;
  if (!state.ok) log.warn(state.error, 'where the tunnel listens is taken from the configuration');
  return state.ok && state.value !== undefined && typeof state.value !== 'string' ? state.value : NONE;
}

interface TrialParts {
  readonly stateDir: string;
  readonly found: ListenState;
  readonly steering: Steering;
  readonly intent: Intent;
  readonly audit: { append(event: AuditEvent): void };
  readonly undo: Undo;
}

/** Changes on trial: undoes at once what the last run left unconfirmed. */
export function openTrials({ stateDir, found, steering, intent, audit, undo }: TrialParts): TrialDesk {
  const trials = new TrialDesk({
    clock: systemClock,
    rng: systemRng,
    store: { write: (state) => replaceStateFile(join(stateDir, LISTEN_FILE), encodeListenState(state)) },
    found,
    configured: intent.listen,
    listen: () => steering.listen,
    apply: (addresses) => steering.listenOn(addresses),
    audit: (event) => audit.append(event),
  });
  undo.add(() => trials.stop());
  trials.start();
  return trials;
}

/** The settings in force: a confirmed change stands where the configuration would. */
export function settingsInForce(
  entries: SettingsView['entries'],
  { trials, intent }: { readonly trials: TrialDesk; readonly intent: Intent },
): SettingsView {
  return {
    get entries() {
      const { confirmed } = trials;
      if (!confirmed || !isInForce(confirmed, intent.listen)) return entries;
      const value = confirmed.addresses.map(formatHostPort);
      return entries.map((one) =>
        one.key === 'discovery.listen' ? { ...one, value, origin: describe(confirmed) } : one,
      );
    },
  };
}

function describe({ by, atMs }: ConfirmedListen): string {
  return `confirmed by ${by} at ${new Date(atMs).toISOString()} (${LISTEN_FILE} in the state directory)`;
}
