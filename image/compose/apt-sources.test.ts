import { expect, test } from 'vitest';
import { debianMirrors } from './apt-sources.ts';

const deb822 = `Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
`;

test('paragraphs name the mirror of the release and of its security updates', () => {
  const mirrors = { main: 'http://mirror.example/debian', security: 'http://mirror.example/security' };
  expect(debianMirrors([deb822], 'bookworm')).toEqual(mirrors);
});

test('lines do too, options and other repositories beside them', () => {
  const lines = [
    'deb https://other.example/apt cloud-bookworm main',
    'deb [signed-by=/usr/share/keyrings/a.gpg] http://m.example/debian trixie main contrib',
    '# deb http://off.example/debian-security trixie-security main',
    'deb http://m.example/debian-security trixie-security main',
  ].join('\n');
  const mirrors = { main: 'http://m.example/debian', security: 'http://m.example/debian-security' };
  expect(debianMirrors([lines], 'trixie')).toEqual(mirrors);
});

test('without security updates there is nothing to build from', () => {
  expect(debianMirrors(['deb http://m.example/debian trixie main'], 'trixie')).toBeUndefined();
  expect(debianMirrors([deb822], 'trixie')).toBeUndefined();
  expect(debianMirrors([deb822.replaceAll('Types: deb', 'Types: deb\nEnabled: no')], 'bookworm')).toBeUndefined();
});
