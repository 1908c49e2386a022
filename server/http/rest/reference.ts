import type { ApiField, ApiReference, ApiRoute } from '../../../views/api.ts';
import { itemSchemaOf } from './collections.ts';
import { inputSchemaOf, type JsonSchema, outputSchemaOf } from './json-schema.ts';
import { roleNote, summaryOf, tagOf } from './openapi.ts';
import { isCut, isPaged } from './paging.ts';
import { needsIfMatch } from './precondition.ts';
import { takesBody } from './read-input.ts';
import { BASE, paramsOf, type Route } from './routes.ts';

/** The reference for people, made of the same list. */
export function referenceOf(routes: readonly Route[]): ApiReference {
  const groups = Map.groupBy(routes, tagOf);
  return {
    base: BASE,
    groups: [...groups]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, of]) => ({ name, routes: of.toSorted(byPath).map((route) => viewRoute(route, routes)) })),
  };
}

/** A list before its items, and reading before changing. */
function byPath(a: Route, b: Route): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  const verbs = ['GET', 'POST', 'PUT', 'DELETE'];
  return verbs.indexOf(a.verb) - verbs.indexOf(b.verb);
}

function viewRoute(route: Route, routes: readonly Route[]): ApiRoute {
  const { verb, path, operation, itemParam, collection } = route;
  const input = inputSchemaOf(operation);
  const inPath = paramsOf(path);
  const place = (name: string) => (inPath.includes(name) ? 'path' : takesBody(verb) ? 'body' : 'query');
  const asked = itemParam === undefined ? Object.entries(input.properties ?? {}) : [];
  const fields = asked.map(
    ([name, schema]): ApiField => ({
      name,
      place: place(name),
      kind: kindOf(schema),
      isNeeded: input.required?.includes(name) ?? false,
      note: schema.description ?? '',
    }),
  );
  const answered =
    itemParam !== undefined && collection ? itemSchemaOf(operation, collection) : outputSchemaOf(operation);
  return {
    verb,
    path,
    anchor: `${operation.method}${itemParam === undefined ? '' : 'Item'}`,
    summary: summaryOf(route),
    who: roleNote(operation),
    fields,
    answers: Object.entries(answered.properties ?? {}).map(([name, schema]) => ({ name, kind: kindOf(schema) })),
    notes: [
      ...(needsIfMatch(route, routes) ? ['Needs If-Match.'] : []),
      ...(verb === 'POST' && operation.role !== 'anyone' ? ['Takes an Idempotency-Key.'] : []),
      ...(isCut(route) ? ['Pages: limit and cursor.'] : isPaged(route) ? ['Pages: cursor.'] : []),
    ],
  };
}

/** A schema in a few words: `integer 1..200, 50 if left out`. */
function kindOf(schema: JsonSchema): string {
  const values = schema.enum?.map(String).join(' | ');
  const union = schema.anyOf?.map(kindOf).join(' | ');
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : (schema.type as string | undefined);
  const list = schema.items ? `list of ${kindOf(schema.items)}` : undefined;
  const { minimum, maximum } = schema as { minimum?: number; maximum?: number };
  const range = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? '' : ` ${minimum ?? 0}..${maximum}`;
  const usual = schema.default === undefined ? '' : `, ${JSON.stringify(schema.default)} if left out`;
  return `${values ?? list ?? union ?? type ?? 'anything'}${range}${usual}`;
}
