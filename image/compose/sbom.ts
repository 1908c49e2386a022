import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Component = {
  readonly name: string;
  readonly version: string;
  /** Package URL, the name that vulnerability databases know it by. */
  readonly purl: string;
};

/** What apt's index of the pool lists. */
export function debianComponents(index: string): Component[] {
  return index.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(paragraph)?.[1];
    const [name, version, architecture] = [field('Package'), field('Version'), field('Architecture')];
    if (name === undefined || version === undefined) return [];
    return [{ name, version, purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}` }];
  });
}

type NpmLock = { packages: Record<string, { version?: string; dev?: boolean; os?: string[]; cpu?: string[] }> };

/** What package-lock.json brings at run time; tools of developers are not in the image. */
export function npmComponents(lock: string): Component[] {
  const { packages } = JSON.parse(lock) as NpmLock;
  return Object.entries(packages).flatMap(([path, { version, dev, cpu }]) => {
    if (path === '' || version === undefined || dev || (cpu && !cpu.includes('x64'))) return [];
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return [{ name, version, purl: `pkg:npm/${name.replace('@', '%40')}@${version}` }];
  });
}

/** What Cargo.lock brings from the registry. */
export function cargoComponents(lock: string): Component[] {
  return lock.split('[[package]]').flatMap((paragraph) => {
    const field = (name: string) => new RegExp(`^${name} = "(.+)"$`, 'm').exec(paragraph)?.[1];
    const [name, version] = [field('name'), field('version')];
    if (name === undefined || version === undefined || field('source') === undefined) return [];
    return [{ name, version, purl: `pkg:cargo/${name}@${version}` }];
  });
}

/** The list of everything in a release, as an SPDX 2.3 document. */
export function spdxDocument(version: string, epochSec: number, components: readonly Component[]): string {
  const unique = new Map(components.map((component) => [component.purl, component]));
  const packages = [...unique.values()]
    .sort((left, right) => (left.purl < right.purl ? -1 : 1))
    .map(({ name, version: of, purl }, index) => ({
      SPDXID: `SPDXRef-Package-${index + 1}`,
      name,
      versionInfo: of,
      downloadLocation: 'NOASSERTION',
      filesAnalyzed: false,
      licenseConcluded: 'NOASSERTION',
      licenseDeclared: 'NOASSERTION',
      copyrightText: 'NOASSERTION',
      externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
    }));
  const relationships = packages.map(({ SPDXID }) => ({
    spdxElementId: 'SPDXRef-DOCUMENT',
    relationshipType: 'DESCRIBES',
    relatedSpdxElement: SPDXID,
  }));
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `quicether-${version}`,
    documentNamespace: `urn:quicether:image:${version}:${epochSec}`,
    creationInfo: {
      created: new Date(epochSec * 1000).toISOString().replace('.000', ''),
      creators: ['Tool: quicether-image'],
    },
    packages,
    relationships,
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

/** Everything that goes into a release made of this repository and that package index. */
export function releaseComponents(root: string, packageIndex: string): Component[] {
  const read = (name: string) => readFileSync(join(root, name), 'utf8');
  return [
    ...debianComponents(readFileSync(packageIndex, 'utf8')),
    ...npmComponents(read('package-lock.json')),
    ...cargoComponents(read('dataplane/Cargo.lock')),
  ];
}
