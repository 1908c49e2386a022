import type { Place } from '../core/result.ts';

/** Where a value comes from; later kinds win over earlier ones. */
export type Origin =
  | { readonly kind: 'default' }
  | ({ readonly kind: 'file' } & Place)
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'flag'; readonly name: string }
  /** Changed on trial and kept; `at` as people read it. */
  | { readonly kind: 'confirmed'; readonly by: string; readonly at: string; readonly file: string };

/** The origin as people read it: `config.toml:14`, `QUICETHER_LOG_LEVEL`, `--log-level`, `default`. */
export function formatOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default';
    case 'file':
      return `${origin.file}:${origin.line}`;
    case 'env':
    case 'flag':
      return origin.name;
    case 'confirmed':
      return `confirmed by ${origin.by} at ${origin.at} (${origin.file})`;
  }
}
