import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** One file that pages load. */
export interface Asset {
  readonly type: string;
  readonly plain: Buffer;
  /** Smaller, for who takes it; undefined until somebody asked, and for what does not get smaller. */
  encoded(encoding: 'br' | 'gzip'): Promise<Buffer | undefined>;
}

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
  png: 'image/png',
  ico: 'image/x-icon',
  json: 'application/json',
  webmanifest: 'application/manifest+json',
};
const HASH_LENGTH = 12;

/**
 * The files in a folder, each under a name with the hash of its content, so that a browser may keep it for good.
 *
 * Read once: what a request names is looked up in a table and never made into a path.
 */
export class Assets {
  readonly #byName = new Map<string, string>();
  readonly #byPath = new Map<string, Asset>();

  constructor(folder: string) {
    for (const name of listFiles(folder)) {
      const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
      if (!type) continue;
      const plain = readFileSync(join(folder, name));
      const hash = createHash('sha256').update(plain).digest('hex').slice(0, HASH_LENGTH);
      const dot = name.lastIndexOf('.');
      const path = `/assets/${name.slice(0, dot)}.${hash}${name.slice(dot)}`;
      this.#byName.set(name, path);
      this.#byPath.set(path, makeAsset(type, plain));
    }
  }

  /** Where pages find it; a name that is not there leads to 404 and breaks no page. */
  readonly pathOf = (name: string): string => this.#byName.get(name) ?? `/assets/${name}`;

  at(path: string): Asset | undefined {
    return this.#byPath.get(path);
  }
}

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function makeAsset(type: string, plain: Buffer): Asset {
  const made: { br?: Promise<Buffer | undefined>; gzip?: Promise<Buffer | undefined> } = {};
  return { type, plain, encoded: (encoding) => (made[encoding] ??= compress(plain, type, encoding)) };
}

async function compress(plain: Buffer, type: string, encoding: 'br' | 'gzip'): Promise<Buffer | undefined> {
  if (type.startsWith('image/') && !type.includes('svg')) return undefined;
  const small =
    encoding === 'br'
      ? await promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } })
      : await promisify(gzip)(plain, { level: 9 });
  return small.length < plain.length * 0.95 ? small : undefined;
}
