import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { BOARD } from './places.ts';
import type { ReleaseKey } from './release-keys.ts';
import { BLOCK_BYTES, encodeHeader, paddingOf } from './ustar.ts';
import { sha256OfFile } from './verity.ts';

export type BundleInputs = {
  readonly version: string;
  readonly epochSec: number;
  /** Signs. */
  readonly key: ReleaseKey;
  /** All that the new release trusts. */
  readonly trusted: readonly ReleaseKey[];
  readonly uki: string;
  readonly rootImage: string;
};

/** The signed word on what the bundle holds, as docs/appliance.md describes it. */
export async function makeManifest(inputs: BundleInputs): Promise<Buffer> {
  const files = [];
  for (const [name, file] of [
    ['uki.efi', inputs.uki],
    ['root.img', inputs.rootImage],
  ] as const) {
    files.push({ name, size_bytes: statSync(file).size, sha256: await sha256OfFile(file) });
  }
  const manifest = {
    format: 'quicether-update-1',
    board: BOARD,
    version: inputs.version,
    created_s: inputs.epochSec,
    key_id: inputs.key.id,
    trusted_key_ids: inputs.trusted.map(({ id }) => id),
    files,
  };
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
}

/** Writes the update bundle to `file`. */
export async function makeBundle(inputs: BundleInputs, file: string): Promise<void> {
  const manifest = await makeManifest(inputs);
  const out = createWriteStream(file);
  const put = async (bytes: Buffer) => {
    if (!out.write(bytes)) await new Promise((resolve) => out.once('drain', resolve));
  };
  const putBytes = async (name: string, bytes: Buffer) => {
    await put(Buffer.concat([encodeHeader(name, bytes.length, inputs.epochSec), bytes, paddingOf(bytes.length)]));
  };
  const putFile = async (name: string, from: string) => {
    const { size } = statSync(from);
    await put(encodeHeader(name, size, inputs.epochSec));
    for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20 })) await put(chunk as Buffer);
    await put(paddingOf(size));
  };
  await putBytes('manifest.json', manifest);
  await putBytes('manifest.sig', inputs.key.sign(manifest));
  await putFile('uki.efi', inputs.uki);
  await putFile('root.img', inputs.rootImage);
  out.end(Buffer.alloc(2 * BLOCK_BYTES));
  await finished(out);
}
