import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openStagingFile } from '../adapters/staging-file.ts';
import { openSystemClient } from '../adapters/system-client.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { systemRng } from '../adapters/system-rng.ts';
import { UpdateDesk } from '../operations/update-desk.ts';
import type { SystemDesk } from '../operations/world.ts';

/** systemd makes it on the appliance only. */
const SOCKET = '/run/quicether-system/system.sock';
const ID_BYTES = 16;

/** What needs root, on an appliance; `QUICETHER_SYSTEM_SOCKET` says that it is one in a test. */
export function openSystem(stateDir: string): SystemDesk | undefined {
  const path = process.env['QUICETHER_SYSTEM_SOCKET'] ?? SOCKET;
  if (!existsSync(path)) return undefined;
  const port = openSystemClient(path);
  // quicether-system knows no other place.
  const staging = openStagingFile(join(stateDir, 'update', 'bundle.gwu'));
  const newId = (): string => systemRng.bytes(ID_BYTES).toHex();
  return { port, updates: new UpdateDesk({ clock: systemClock, system: port, staging, newId }) };
}

/** Ends the daemon with the status that its unit takes for a wish to be started again; nothing elsewhere. */
export const isSupervised = process.env['QUICETHER_SUPERVISED'] === '1';
