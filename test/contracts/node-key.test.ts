import { spawnSync } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getPublicKeyAsync, signAsync } from '@noble/ed25519';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeIdFromBytes } from '../../server/core/node-id.ts';

const ENGINE = join(import.meta.dirname, '../../dataplane/target/release/quicether-engine');

let folder = '';
let keyFile = '';
let saidNodeId = '';
const seed = () => Buffer.from(createPrivateKey(readFileSync(keyFile)).export({ format: 'jwk' }).d ?? '', 'base64url');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-key-'));
  keyFile = join(folder, 'node.key');
  const made = spawnSync(ENGINE, ['keygen', '--key-file', keyFile], { encoding: 'utf8' });
  expect(made.stderr).toBe('');
  saidNodeId = made.stdout.trim();
});
afterAll(() => rmSync(folder, { recursive: true }));

test('the NodeId of a made key is what an independent Ed25519 says it is', async () => {
  const publicKey = await getPublicKeyAsync(seed());
  const digest = createHash('sha256').update(publicKey).digest();
  expect(saidNodeId).toBe(nodeIdFromBytes(digest.subarray(0, 20)));
});

test('what an independent Ed25519 signs with the key, the key in the file verifies', async () => {
  const message = Buffer.from('a typed object');
  const signature = await signAsync(message, seed());
  expect(verify(null, message, createPublicKey(readFileSync(keyFile)), signature)).toBe(true);
  expect(verify(null, Buffer.from('another'), createPublicKey(readFileSync(keyFile)), signature)).toBe(false);
});

test('only its owner can read the file, and a second key is never written over it', () => {
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  const before = readFileSync(keyFile);
  expect(spawnSync(ENGINE, ['keygen', '--key-file', keyFile]).status).toBe(1);
  expect(readFileSync(keyFile)).toEqual(before);
});
