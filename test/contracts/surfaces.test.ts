import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { buildProgram } from '../../server/cli/program.ts';
import { SimulatedClock } from '../../server/core/clock.ts';
import { ok } from '../../server/core/result.ts';
import { COLLECTIONS } from '../../server/http/rest/collections.ts';
import { buildRoutes, paramsOf } from '../../server/http/rest/routes.ts';
import { RestService } from '../../server/http/rest/service.ts';
import { OPERATIONS } from '../../server/operations/all.ts';
import { type Operation, SURFACES, type Surface } from '../../server/operations/operation.ts';
import { simulateWorld } from '../../server/operations/simulated-world.ts';
import { createDispatch } from '../../server/rpc/dispatch.ts';
import { importsOf } from '../layout/source.ts';

const root = join(import.meta.dirname, '../..');
const operations: readonly Operation[] = OPERATIONS;

/** Methods that each surface really has, found out by asking it or by reading what it is made of. */
const found: Readonly<Record<Surface, ReadonlySet<string>>> = {
  rpc: new Set(observeRpc()),
  rest: await observeRest(),
  cli: namedIn(reachableFrom('server/cli/program.ts')),
  page: namedIn(
    globSync('server/http/**/*.ts', { cwd: root })
      .map((path) => path.replaceAll('\\', '/'))
      .filter((path) => !path.endsWith('.test.ts') && !path.startsWith('server/http/rest/')),
  ),
};

describe.each(SURFACES)('%s', (surface) => {
  test('has every operation that does not say why it is missing there', () => {
    const absent = operations.filter(({ method, omitted }) => !omitted[surface] && !found[surface].has(method));
    expect(absent.map(({ method }) => method)).toEqual([]);
  });

  test('has none that is said to be missing there', () => {
    const present = operations.filter(({ method, omitted }) => omitted[surface] && found[surface].has(method));
    expect(present.map(({ method }) => method)).toEqual([]);
  });
});

test('what is missing has its reason; here is the list', () => {
  const omissions = operations.flatMap(({ method, omitted }) =>
    Object.entries(omitted).map(([surface, why]) => ({ method, surface, why })),
  );
  process.stdout.write(
    [
      `${operations.length} operations on ${SURFACES.join(', ')}; left out:`,
      ...omissions.map(({ method, surface, why }) => `  ${method} is not on ${surface}: ${why}`),
      '',
    ].join('\n'),
  );
  for (const { why } of omissions) expect(why.length).toBeGreaterThan(10);
});

test('what pages say of REST and of the command line is there', () => {
  const pages = globSync('views/**/*.ts', { cwd: root }).map((path) => readFileSync(join(root, path), 'utf8'));
  const said = (what: string) =>
    pages.flatMap((text) => [...text.matchAll(new RegExp(`^    ${what}: '([^']+)'`, 'gm'))]);
  const routes = buildRoutes(operations).map(({ verb, path }) => `${verb} /api/v1${path.replaceAll(/\{\w+\}/g, 'ID')}`);
  expect(said('rest').length).toBeGreaterThan(5);
  expect(said('rest').flatMap(([, route = '']) => (routes.includes(route) ? [] : [route]))).toEqual([]);
  const program = buildProgram({ version: '', config: { flags: [] } } as never);
  expect(said('cli').flatMap(([, line = '']) => (isVerb(program, line.split(' ').slice(1)) ? [] : [line]))).toEqual([]);
});

/** Whether words, up to the first in capitals, are verbs of the command line. */
function isVerb(program: Command, words: readonly string[]): boolean {
  const [word, ...rest] = words;
  if (word === undefined || word === word.toUpperCase()) return true;
  const verb = program.commands.find((one) => one.name() === word);
  return verb !== undefined && isVerb(verb, rest);
}

function observeRpc(): readonly string[] {
  const { world } = simulateWorld();
  return createDispatch({ world, users: { ownUid: 0, nameOf: () => undefined }, log: () => {} }).methods;
}

/** Asks for each route with nothing but its path; the method that the daemon is asked last is the one that it has. */
async function observeRest(): Promise<ReadonlySet<string>> {
  let last = '';
  const daemon = {
    call: async (method: string) => {
      last = method;
      const list = COLLECTIONS.find((one) => one.method === method);
      return list ? ok({ [list.items]: [{ [list.key]: 'x' }] }) : ok({});
    },
  };
  // Whatever an operation needs besides its path is not what is looked at here.
  const bare = operations.map((one): Operation => {
    const fields = paramsOf(one.rest?.path ?? '').map((name) => [name, z.string()]);
    return { ...one, input: z.object(Object.fromEntries(fields)) };
  });
  const service = new RestService({ daemon, clock: new SimulatedClock(), operations: bare });
  const found = new Set<string>();
  for (const { method, rest } of operations) {
    if (!rest) continue;
    const url = `https://box.example/api/v1${rest.path.replaceAll(/\{\w+\}/g, 'x')}`;
    const ask = (headers: Record<string, string>) =>
      service.handle(new Request(url, { method: rest.verb, headers }), `192.0.2.${found.size}`);
    last = '';
    if ((await ask({})).status === 428) await ask({ 'If-Match': '*' });
    if (last === method) found.add(method);
  }
  return found;
}

function namedIn(paths: readonly string[]): ReadonlySet<string> {
  const text = paths.map((path) => readFileSync(join(root, path), 'utf8')).join('\n');
  return new Set(
    operations.map(({ method }) => method).filter((method) => new RegExp(`['"\`]${method}['"\`]`).test(text)),
  );
}

/** A file with all that it imports. */
function reachableFrom(path: string, seen = new Set<string>()): readonly string[] {
  if (seen.has(path)) return [...seen];
  seen.add(path);
  for (const { specifier, typeOnly } of importsOf(readFileSync(join(root, path), 'utf8'))) {
    if (!typeOnly && specifier.startsWith('.')) reachableFrom(posix.join(posix.dirname(path), specifier), seen);
  }
  return [...seen];
}
