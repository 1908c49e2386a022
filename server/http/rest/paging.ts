import { ok } from '../../core/result.ts';
import { type Collection, itemsOf } from './collections.ts';
import { type RestResult, refuse } from './rest-failure.ts';
import type { Route } from './routes.ts';

/** Items of a page when the caller does not say, and at most. */
export const PAGE_LIMIT = { usual: 200, most: 1_000 } as const;

/** Operations that page by themselves: where the next page begins, in the answer and in the question. */
const OWN_PAGING: Readonly<Record<string, { readonly asked: string; readonly answered: string }>> = {
  GetAudit: { asked: 'before', answered: 'next_before' },
  ExportAudit: { asked: 'after', answered: 'next' },
};

/** Which part of a list is asked for. */
export interface PageRequest {
  readonly limit: number;
  /** Key of the last item that the caller has. */
  readonly after: string | undefined;
}

/** What a query says about pages, taken out of it. */
export interface ReadPage {
  readonly query: URLSearchParams;
  readonly page: PageRequest | undefined;
}

/** Whether a route gives a part of a list at a time. */
export function isPaged(route: Route): boolean {
  return isCut(route) || route.operation.method in OWN_PAGING;
}

/** Whether the page is cut here, out of all that the daemon gives. */
export function isCut(route: Route): boolean {
  return route.collection !== undefined && route.itemParam === undefined;
}

/** Reads `cursor` and `limit` of a query and leaves the rest for the operation. */
export function readPage(route: Route, query: URLSearchParams): RestResult<ReadPage> {
  const own = OWN_PAGING[route.operation.method];
  if (!own && !isCut(route)) return ok({ query, page: undefined });
  const rest = new URLSearchParams(query);
  const text = rest.get('cursor') ?? undefined;
  rest.delete('cursor');
  const cursor = text === undefined ? undefined : decodeCursor(text, route);
  if (text !== undefined && cursor === undefined) {
    return refuse('rest.value', `"cursor": ${JSON.stringify(text.slice(0, 64))} is not one that this list gave`, {
      where: { in: 'query', field: 'cursor' },
      remedy: 'begin without a cursor and follow Link or next_cursor',
    });
  }
  if (own) {
    if (cursor !== undefined) rest.set(own.asked, cursor);
    return ok({ query: rest, page: undefined });
  }
  const limit = readLimit(rest.get('limit'));
  if (!limit.ok) return limit;
  rest.delete('limit');
  return ok({ query: rest, page: { limit: limit.value, after: cursor } });
}

/** The page that was asked for, and the cursor of the next one when there is one. */
export function cutPage(answer: unknown, route: Route, page: PageRequest | undefined): unknown {
  const own = OWN_PAGING[route.operation.method];
  if (own) {
    const next = (answer as Readonly<Record<string, unknown>>)[own.answered];
    const cursor = next === null || next === undefined ? null : encodeCursor(String(next), route);
    return { ...(answer as object), next_cursor: cursor };
  }
  if (!route.collection || !page) return answer;
  const { shown, after } = cut(itemsOf(answer, route.collection), route.collection, page);
  const cursor = after === undefined ? null : encodeCursor(after, route);
  return { ...(answer as object), [route.collection.items]: shown, next_cursor: cursor };
}

type Items = readonly Readonly<Record<string, unknown>>[];

/** In the order of the keys, so that a page is right also when the item before it has gone meanwhile. */
function cut(items: Items, { key }: Collection, { limit, after }: PageRequest): { shown: Items; after?: string } {
  if (after === undefined && items.length <= limit) return { shown: items };
  const keyOf = (item: Items[number] | undefined): string => String(item?.[key]);
  const sorted = items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
  const rest = after === undefined ? sorted : sorted.filter((item) => keyOf(item) > after);
  let end = Math.min(limit, rest.length);
  // Items with one key stay together: a cursor could not point between them.
  while (end < rest.length && keyOf(rest[end]) === keyOf(rest[end - 1])) end++;
  const shown = rest.slice(0, end);
  return end < rest.length ? { shown, after: keyOf(shown.at(-1)) } : { shown };
}

function readLimit(text: string | null): RestResult<number> {
  if (text === null) return ok(PAGE_LIMIT.usual);
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= PAGE_LIMIT.most) return ok(limit);
  return refuse('rest.value', `"limit": ${JSON.stringify(text.slice(0, 64))} is not from 1 to ${PAGE_LIMIT.most}`, {
    where: { in: 'query', field: 'limit' },
  });
}

/** Opaque to callers, and of no use on another list. */
function encodeCursor(after: string, route: Route): string {
  return Buffer.from(JSON.stringify([route.operation.method, after])).toString('base64url');
}

function decodeCursor(text: string, route: Route): string | undefined {
  if (text.length > 512) return undefined;
  try {
    const [method, after] = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown[];
    return method === route.operation.method && typeof after === 'string' ? after : undefined;
  } catch {
    return undefined;
  }
}
