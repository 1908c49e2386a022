import { join } from 'node:path';

export const SUITE = 'trixie';
/** What an update must say it is for. */
export const BOARD = 'amd64-uefi';

export const root = join(import.meta.dirname, '..', '..');
/** Everything that the build makes. */
export const work = join(root, 'build', 'image');
export const source = join(root, 'image');
