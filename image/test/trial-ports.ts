import type { Emulator } from './emulator.ts';
import type { Findings } from './trial.ts';

/** A box with two ports: which is which, and what each of them shows. */
export async function tryPorts(
  _findings: Findings,
  _emulator: Emulator,
  _folder: string,
  _disk: string,
): Promise<void> {}
