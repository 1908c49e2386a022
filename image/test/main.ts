import type { ReleaseKey } from '../compose/release-keys.ts';

type Sources = { readonly epochSec: number; readonly keys: readonly ReleaseKey[] };

/** Boots the image in an emulated machine and tries what it promises; gives the exit status. */
export async function testImage(_sources: Sources, _options: { readonly quick: boolean }): Promise<number> {
  return 1;
}
