import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { work } from './places.ts';
import { BuildStop } from './step.ts';

/** A key that releases are signed with. */
export type ReleaseKey = {
  /** First 16 hexadecimal digits of SHA-256 of the public key. */
  readonly id: string;
  /** The 32 bytes of the public key. */
  readonly publicHex: string;
  readonly sign: (bytes: Uint8Array) => Buffer;
};

/** The Ed25519 key in a PEM file. */
export function readReleaseKey(file: string): ReleaseKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(file));
  } catch (error) {
    throw new BuildStop(`${file} is no private key in PEM form: ${(error as Error).message}`);
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new BuildStop(`${file} is a key of type ${key.asymmetricKeyType}; releases are signed with ed25519`);
  }
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  const id = createHash('sha256').update(raw).digest('hex').slice(0, 16);
  return { id, publicHex: raw.toString('hex'), sign: (bytes) => sign(null, bytes, key) };
}

/**
 * The keys of a build for trials: made once and kept outside the repository, readable by its owner.
 * The first one signs; the second is built in, so that it can take over.
 */
export function trialKeys(): readonly ReleaseKey[] {
  const folder = join(work, 'keys');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return ['first', 'second'].map((name) => {
    const file = join(folder, `${name}.pem`);
    if (!existsSync(file)) {
      const { privateKey } = generateKeyPairSync('ed25519');
      writeFileSync(file, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
    }
    return readReleaseKey(file);
  });
}
