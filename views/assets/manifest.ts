/** One file as browsers get it. */
export interface Asset {
  /** As pages ask for it; it is served under this name with a hash of its content in it. */
  readonly name: string;
  readonly type: string;
  /** Files of the source tree, put together in this order. */
  readonly parts: readonly string[];
}

/**
 * Every file beside the pages. All of them are text, known when the program is built, and small: they
 * are packed once at start and kept in memory.
 *
 * htmx, its extension for events and ours are one file: run apart, htmx could begin before the
 * extension is there, and three requests cost more than one.
 */
export const ASSETS: readonly Asset[] = [
  { name: 'style.css', type: 'text/css; charset=utf-8', parts: ['views/assets/style.css'] },
  {
    name: 'live.js',
    type: 'text/javascript; charset=utf-8',
    parts: [
      'node_modules/htmx.org/dist/htmx.min.js',
      'node_modules/htmx.org/dist/ext/hx-sse.min.js',
      'views/assets/live.js',
    ],
  },
  { name: 'icons.svg', type: 'image/svg+xml', parts: ['views/assets/icons.svg'] },
  { name: 'mark.svg', type: 'image/svg+xml', parts: ['views/assets/mark.svg'] },
];
