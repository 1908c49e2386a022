import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findSecrets } from './secrets.ts';

let tree: string;
const put = (name: string, content: string) => {
  mkdirSync(dirname(join(tree, name)), { recursive: true });
  writeFileSync(join(tree, name), content);
};

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'qe-secrets-'));
  put('etc/shadow', 'root:!*:1:0:99999:7:::\nadmin:!*:1::::::\nsshd:*:1::::::\n');
  put('etc/passwd', 'root:x:0:0:root:/root:/usr/sbin/nologin\n');
  put('etc/machine-id', '');
  put('usr/bin/ssh-keygen', '\x7fELF\n-----BEGIN OPENSSH PRIVATE KEY-----\n');
});
afterEach(() => rmSync(tree, { recursive: true }));

test('a tree without passwords, keys and identities has nothing to find', () => {
  expect(findSecrets(tree)).toEqual([]);
});

test('each kind of secret is found where it stands', () => {
  put('etc/shadow', 'root::1::::::\nadmin:$y$j9T$abc:1::::::\nsshd:*:1::::::\n');
  put('etc/passwd', 'root::0:0:root:/root:/bin/sh\n');
  put('etc/machine-id', '0123456789abcdef0123456789abcdef\n');
  put('etc/ssh/ssh_host_ed25519_key.pub', 'ssh-ed25519 AAAA');
  put('usr/share/key.txt', `words\n${'-----BEGIN '}PRIVATE KEY-----\n`);
  put('var/lib/systemd/random-seed', 'x');
  put('root/.npmrc', 'x');
  const places = findSecrets(tree)
    .map((line) => line.split(':')[0])
    .sort();
  const expected = ['etc/machine-id', 'etc/passwd', 'etc/shadow', 'etc/shadow', 'etc/ssh/ssh_host_ed25519_key.pub'];
  expect(places).toEqual([...expected, 'root/.npmrc', 'usr/share/key.txt', 'var/lib/systemd/random-seed']);
});
