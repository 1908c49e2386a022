import { existsSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export type Import = { readonly specifier: string; readonly typeOnly: boolean; readonly line: number };

const STRING_OR_COMMENT = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
const blank = (text: string) => text.replace(/[^\n]/g, ' ');

/** The source with comments blanked, every line where it was. Strings stay: imports are in them. */
export function withoutComments(source: string): string {
  return source.replace(STRING_OR_COMMENT, (match) => (match.startsWith('/') ? blank(match) : match));
}

/** The source with comments and quoted strings blanked; what is left is code (and templates). */
export function codeOf(source: string): string {
  return source.replace(STRING_OR_COMMENT, blank);
}

/** Rust without comments and without its in-module tests, which stand at the end of a file. */
export function rustCodeOf(source: string): string {
  const tests = source.search(/^#\[cfg\(test\)\]\s*\nmod /m);
  const product = tests < 0 ? source : source.slice(0, tests);
  return product.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, blank).replace(/"(?:\\.|[^"\\])*"/g, blank);
}

export const lineAt = (source: string, index: number) => source.slice(0, index).split('\n').length;

const IMPORT =
  /(?:^|[;\n}])\s*(?:import|export)\s+(type\b(?!\s+from\b)\s*)?(?:[\w$*{}\s,]+?\sfrom\s*)?(['"])([^'"\n]+)\2|\bimport\s*\(\s*(['"])([^'"\n]+)\4/g;

/** Every static, dynamic and re-exporting import of a TypeScript file. */
export function importsOf(source: string): Import[] {
  const code = withoutComments(source);
  const imports: Import[] = [];
  for (const match of code.matchAll(IMPORT)) {
    const specifier = match[3] ?? match[5];
    if (specifier === undefined) continue;
    const line = lineAt(code, match.index + match[0].length);
    imports.push({ specifier, typeOnly: match[1] !== undefined, line });
  }
  return imports;
}

/** Files below `folder` of `root` whose names end in `ending`, relative to `root`, in order. */
export function filesBelow(root: string, folder: string, ending: string): string[] {
  const start = join(root, folder);
  if (!existsSync(start)) return [];
  return readdirSync(start, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !/(^|\/)(node_modules|target|fixtures)\//.test(path))
    .sort();
}
