import { readFileSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { parse } from 'smol-toml';
import {
  BANS,
  CRATES,
  ENGINE_CLIENT,
  ENGINE_MESSAGES,
  ENGINE_REASON,
  ENGINE_WORDS,
  IMPURE,
  LAYERS,
  type LayerRule,
  MOST_LINES,
  RUST_IMPURE,
  TEST_PACKAGES,
  UNMEASURED,
  VAGUE_NAMES,
} from './rules.ts';
import { codeOf, filesBelow, type Import, importsOf, lineAt, rustCodeOf } from './source.ts';

/** One line for each broken rule of the tree at `root`: place, what is there, and the reason against it. */
export function findViolations(root: string): string[] {
  const typescript = ['server', 'views'].flatMap((folder) => filesBelow(root, folder, '.ts'));
  return [
    ...typescript.flatMap((path) => layerViolations(path, readFileSync(join(root, path), 'utf8'))),
    ...CRATES.flatMap(({ crate }) => crateViolations(root, crate)),
    ...sizeAndNameViolations(root),
  ];
}

const isTest = (path: string) => path.endsWith('.test.ts');
const within = (place: string) => (path: string) => (place.endsWith('/') ? path.startsWith(place) : path === place);

function layerViolations(path: string, source: string): string[] {
  const layer = LAYERS.find((rule) => within(rule.place)(path));
  if (!layer) return [`${path}: no rule knows this folder; add it to test/layout/rules.ts`];
  const imports = importsOf(source).flatMap((found) => {
    const reason = found.specifier.startsWith('.')
      ? reasonAgainstFile(layer, path, found)
      : reasonAgainstPackage(layer, path, found.specifier);
    return reason === undefined ? [] : [`${path}:${found.line}: imports ${found.specifier}: ${reason}`];
  });
  if (!layer.pure || isTest(path)) return imports;
  return [...imports, ...impureUses(path, codeOf(source), IMPURE)];
}

function impureUses(path: string, code: string, banned: typeof IMPURE): string[] {
  return banned.flatMap(({ pattern, name, reason }) => {
    const match = pattern.exec(code);
    return match ? [`${path}:${lineAt(code, match.index)}: uses ${name}: ${reason}`] : [];
  });
}

function reasonAgainstFile(layer: LayerRule, path: string, { specifier, typeOnly }: Import): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  const ban = BANS.find(({ from, to }) => within(from)(path) && within(to)(target));
  if (ban) return ban.reason;
  if (target === ENGINE_MESSAGES && !ENGINE_CLIENT.test(path.replace('.test.ts', '.ts'))) {
    return typeOnly && ENGINE_WORDS.some((place) => within(place)(path)) ? undefined : ENGINE_REASON;
  }
  if (layer.mayImport.some((place) => within(place)(target))) return undefined;
  if (layer.mayImportTypesOf?.some((place) => within(place)(target))) {
    return typeOnly ? undefined : `types only (import type): ${layer.reason}`;
  }
  return layer.reason;
}

function reasonAgainstPackage(layer: LayerRule, path: string, specifier: string): string | undefined {
  const allowed = isTest(path) ? [...layer.packages, ...TEST_PACKAGES] : layer.packages;
  const isAllowed = allowed.some(
    (name) => specifier === name || specifier.startsWith(/[:/]$/.test(name) ? name : `${name}/`),
  );
  if (isAllowed) return undefined;
  return layer.pure && specifier.startsWith('node:')
    ? 'effects are handed in: Node stays out of core and domains'
    : layer.reason;
}

type Manifest = { readonly dependencies?: Readonly<Record<string, unknown>> };

function crateViolations(root: string, crate: string): string[] {
  const rule = CRATES.find((candidate) => candidate.crate === crate);
  const file = `dataplane/${crate}/Cargo.toml`;
  if (!rule || filesBelow(root, `dataplane/${crate}`, 'Cargo.toml').length === 0) return [];
  const manifest = parse(readFileSync(join(root, file), 'utf8')) as Manifest;
  const dependencies = Object.keys(manifest.dependencies ?? {}).filter((name) => {
    if (name.startsWith('quicether-')) return !rule.mayDependOn.includes(name.slice('quicether-'.length));
    return rule.registry !== undefined && !rule.registry.includes(name);
  });
  const impure = filesBelow(root, `dataplane/${crate}/src`, '.rs').flatMap((path) =>
    rule.pure && !path.endsWith('/tests.rs')
      ? impureUses(path, rustCodeOf(readFileSync(join(root, path), 'utf8')), RUST_IMPURE)
      : [],
  );
  return [...dependencies.map((name) => `${file}: depends on ${name}: ${rule.reason}`), ...impure];
}

function sizeAndNameViolations(root: string): string[] {
  const typescript = ['server', 'views', 'scripts', 'test'].flatMap((folder) => filesBelow(root, folder, '.ts'));
  const files = [...typescript, ...filesBelow(root, 'dataplane', '.rs')];
  return files.flatMap((path) => {
    const broken: string[] = [];
    const most = path.endsWith('.rs') ? MOST_LINES.rs : MOST_LINES.ts;
    const lines = readFileSync(join(root, path), 'utf8').split('\n').length - 1;
    if (lines > most && !UNMEASURED.includes(path))
      broken.push(`${path}: ${lines} lines, at most ${most}: split it where it says two things`);
    const words = basename(path).split('.')[0]?.split(/[-_]/) ?? [];
    const vague = words.find((word) => VAGUE_NAMES.includes(word.toLowerCase()));
    if (vague) broken.push(`${path}: "${vague}" says nothing; name it after what it holds`);
    if (path.endsWith('.ts') && !/^[a-z0-9.-]+$/.test(basename(path))) broken.push(`${path}: kebab-case file names`);
    return broken;
  });
}
