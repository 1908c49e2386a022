import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const MAX_READ_BYTES = 2 << 20;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
/** Files that would make two boxes one, or let somebody in. */
const FORBIDDEN: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^etc\/ssh\/ssh_host_/, 'a host key'],
  [/(^|\/)(id_rsa|id_ed25519|authorized_keys|\.netrc|\.npmrc|\.git-credentials)$/, 'a credential'],
  [/(^|\/)random-seed$/, 'a random seed'],
  [/(^|\/)(node\.key|claim\.txt|claim-code|box\.db)$/, 'something of one box'],
];

/** What in the tree is a secret or an identity that all boxes would share; empty when nothing is. */
export function findSecrets(tree: string): string[] {
  const found: string[] = [];
  const visit = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile()) found.push(...secretsIn(path, relative(tree, path)));
    }
  };
  visit(tree);
  return found;
}

function secretsIn(path: string, name: string): string[] {
  const found = FORBIDDEN.filter(([pattern]) => pattern.test(name)).map(([, why]) => `${name}: ${why}`);
  const { size } = lstatSync(path);
  if (name === 'etc/machine-id' && size > 0) found.push(`${name}: a machine id`);
  if (size === 0 || size > MAX_READ_BYTES) return found;
  const text = readFileSync(path, 'latin1');
  // Programs know the words of a key file without holding one.
  if (!text.startsWith('\x7fELF') && PRIVATE_KEY.test(text)) found.push(`${name}: a private key`);
  if (name === 'etc/shadow')
    found.push(...passwordsIn(text).map((user) => `${name}: ${user} has a password, or none is asked for`));
  if (name === 'etc/passwd') found.push(...emptyIn(text).map((user) => `${name}: no password is asked for ${user}`));
  return found;
}

const fields = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(':'));
const passwordsIn = (text: string) =>
  fields(text)
    .filter(([, hash]) => !/^[!*]/.test(hash ?? ''))
    .map(([user]) => user);
const emptyIn = (text: string) =>
  fields(text)
    .filter(([, word]) => word !== 'x')
    .map(([user]) => user);
