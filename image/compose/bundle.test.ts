import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeBundle } from './bundle.ts';
import { readReleaseKey } from './release-keys.ts';

let folder: string;
const at = (name: string) => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-bundle-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function makeKey(name: string, type: 'ed25519' | 'x25519' = 'ed25519') {
  const { privateKey } = type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519');
  writeFileSync(at(name), privateKey.export({ format: 'pem', type: 'pkcs8' }));
  return at(name);
}

async function bundle(file: string) {
  const key = readReleaseKey(makeKey('key.pem'));
  const second = readReleaseKey(makeKey('second.pem'));
  writeFileSync(at('uki'), Buffer.alloc(70_001, 1));
  writeFileSync(at('root'), Buffer.alloc(8192, 2));
  const parts = { key, trusted: [key, second], uki: at('uki'), rootImage: at('root') };
  await makeBundle({ version: '1.2.3', epochSec: 1_763_800_000, ...parts }, at(file));
  return { key, second };
}

test('tar finds the four members in their order, and they are what went in', async () => {
  await bundle('b.gwu');
  const listed = spawnSync('tar', ['--list', '--file', at('b.gwu')], { encoding: 'utf8' });
  expect(listed.stderr).toBe('');
  expect(listed.stdout.trim().split('\n')).toEqual(['manifest.json', 'manifest.sig', 'uki.efi', 'root.img']);
  const uki = spawnSync('tar', ['--extract', '--to-stdout', '--file', at('b.gwu'), 'uki.efi']);
  expect(uki.stdout.equals(readFileSync(at('uki')))).toBe(true);
});

test('the manifest is signed as it stands, by a key whose id it names', async () => {
  const { key, second } = await bundle('b.gwu');
  const member = (name: string) => spawnSync('tar', ['-xOf', at('b.gwu'), name]).stdout;
  const manifest = member('manifest.json');
  const publicKey = createPublicKey(readFileSync(at('key.pem'), 'utf8'));
  expect(verify(null, manifest, publicKey, member('manifest.sig'))).toBe(true);
  const said = JSON.parse(manifest.toString()) as Record<string, unknown>;
  expect(said).toMatchObject({ format: 'quicether-update-1', board: 'amd64-uefi', version: '1.2.3', key_id: key.id });
  expect(said['trusted_key_ids']).toEqual([key.id, second.id]);
});

test('the same parts make the same bytes', async () => {
  const key = readReleaseKey(makeKey('key.pem'));
  writeFileSync(at('part'), 'part');
  for (const name of ['one', 'two']) {
    const parts = { key, trusted: [key], uki: at('part'), rootImage: at('part') };
    await makeBundle({ version: '1.0.0', epochSec: 1, ...parts }, at(name));
  }
  expect(readFileSync(at('one')).equals(readFileSync(at('two')))).toBe(true);
});

test('a key of another kind signs no release, and the message says which it is', () => {
  expect(() => readReleaseKey(makeKey('other.pem', 'x25519'))).toThrow(/other\.pem is a key of type x25519/);
  writeFileSync(at('none.pem'), 'no key');
  expect(() => readReleaseKey(at('none.pem'))).toThrow(/none\.pem is no private key/);
});
