import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SimulatedClock } from '../../core/clock.ts';
import { fail, ok } from '../../core/result.ts';
import { OPERATIONS } from '../../operations/all.ts';
import { buildRoutes } from './routes.ts';
import { RestService } from './service.ts';

const carriedOut: { method: string; params: object }[] = [];
const daemon = {
  call: async (method: string, params: object) => {
    if (Array.isArray(params)) return fail('rpc.bad-params', 'expected object');
    carriedOut.push({ method, params });
    return ok({});
  },
};
const clock = new SimulatedClock();
const service = new RestService({ daemon, clock, operations: OPERATIONS });
const routes = buildRoutes(OPERATIONS);

const word = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    '../..',
    '%2e%2e',
    '\0',
    '-1',
    '1e999',
    'null',
    '[object Object]',
  ),
);
const path = fc.oneof(
  fc.webPath(),
  fc
    .tuple(fc.constantFrom(...routes), word)
    .map(([route, name]) => route.path.replaceAll(/\{\w+\}/g, encodeURIComponent(safe(name)))),
);
const header = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 60,
});
const asked = fc.record({
  verb: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'),
  path,
  query: fc.array(fc.tuple(fc.oneof(word, fc.constantFrom('limit', 'cursor', 'before', 'kinds')), word), {
    maxLength: 3,
  }),
  body: fc.oneof(
    fc.json(),
    fc.json({ noUnicodeString: false, maxDepth: 6 }),
    fc.string(),
    fc.dictionary(word, fc.jsonValue()).map((one) => JSON.stringify(one)),
  ),
  headers: fc.dictionary(
    fc.constantFrom(
      'authorization',
      'cookie',
      'if-match',
      'if-none-match',
      'idempotency-key',
      'content-type',
      'last-event-id',
      'x-quicether',
      'origin',
    ),
    header,
  ),
});

test('whatever is sent is answered: done, or a problem that says why', async () => {
  await fc.assert(
    fc.asyncProperty(asked, async ({ verb, path: place, query, body, headers }) => {
      clock.advance(10_000);
      const url = new URL(`https://box.example/api/v1${place}`);
      for (const [name, value] of query) url.searchParams.append(safe(name), safe(value));
      const sent = ['POST', 'PUT', 'PATCH'].includes(verb) ? { body } : {};
      const json = { 'content-type': 'application/json', ...headers };
      const response = await service.handle(new Request(url, { method: verb, headers: json, ...sent }), '192.0.2.7');
      if (response.headers.get('content-type') === 'text/event-stream') {
        await response.body?.cancel();
        return;
      }
      const text = await response.text();
      expect(response.status).toBeLessThan(500);
      if (response.status < 400) return;
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(JSON.parse(text)).toMatchObject({
        status: response.status,
        code: expect.any(String),
        detail: expect.any(String),
      });
      // What is said back is bounded, whatever was sent.
      expect(text.length).toBeLessThan(2_500);
    }),
    { numRuns: 3_000 },
  );
  // Nothing that the operations' own schemas would not take has got as far as the daemon.
  const wrong = carriedOut.filter(({ method, params }) => {
    const operation = OPERATIONS.find((one) => one.method === method);
    return operation && !operation.input.safeParse(params).success;
  });
  expect(wrong).toEqual([]);
}, 30_000);

/** Lone surrogates cannot stand in a URL. */
function safe(text: string): string {
  return text.toWellFormed();
}
