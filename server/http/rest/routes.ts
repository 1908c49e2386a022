import { nearest } from '../../core/nearest.ts';
import type { Operation, RestRoute } from '../../operations/operation.ts';
import { COLLECTIONS, type Collection } from './collections.ts';

/** Where everything of REST is. */
export const BASE = '/api/v1';

/** One thing to be asked for below {@link BASE}. */
export interface Route {
  readonly verb: RestRoute['verb'];
  /** `/users/{user_id}` */
  readonly path: string;
  readonly operation: Operation;
  /** The list that it belongs to, when it is one. */
  readonly collection?: Collection;
  /** One item out of the list that the operation gives; its name is this field of the path. */
  readonly itemParam?: string;
}

/** A route that a path fits, with what the path says. */
export interface Found {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

const paramOf = (segment: string): string | undefined => /^\{(\w+)\}$/.exec(segment)?.[1];
const segmentsOf = (path: string): string[] => path.split('/').slice(1);
const shapeOf = (path: string): string => path.replaceAll(/\{\w+\}/g, '{}');

/** Fields of the path of a route. */
export function paramsOf(path: string): string[] {
  return segmentsOf(path).flatMap((segment) => paramOf(segment) ?? []);
}

/** Every route: one for each operation that has one, and one for the items of each list. */
export function buildRoutes(operations: readonly Operation[]): readonly Route[] {
  const routes = operations.flatMap((operation): Route[] => {
    const { rest } = operation;
    if (!rest || operation.omitted.rest) return [];
    const collection = COLLECTIONS.find(({ method }) => method === operation.method);
    return [{ verb: rest.verb, path: rest.path, operation, ...(collection ? { collection } : {}) }];
  });
  return [...routes, ...itemRoutes(routes)];
}

function itemRoutes(routes: readonly Route[]): Route[] {
  return routes.flatMap((list): Route[] => {
    if (!list.collection) return [];
    const same = routes.filter(({ path }) => shapeOf(path) === `${list.path}/{}`);
    // An operation that shows one item by itself shows more of it.
    if (same.some(({ verb }) => verb === 'GET')) return [];
    const itemParam = same.flatMap(({ path }) => paramsOf(path))[0] ?? list.collection.key;
    return [{ ...list, path: `${list.path}/{${itemParam}}`, itemParam }];
  });
}

/** The list that holds what a path names, and the name: `/users/{user_id}/role` is about an item of `/users`. */
export function ownerOf(routes: readonly Route[], { route, params }: Found): { list: Route; name: string } | undefined {
  const segments = segmentsOf(route.path);
  const at = segments.findIndex((segment) => paramOf(segment) !== undefined);
  if (at < 0) return undefined;
  const name = params[paramOf(segments[at] ?? '') ?? ''];
  const prefix = `/${segments.slice(0, at).join('/')}`;
  const list = routes.find((one) => one.collection && one.path === prefix && one.verb === 'GET');
  return list && name !== undefined ? { list, name } : undefined;
}

/** Routes that a path below {@link BASE} fits, the most literal first; undefined when it is not UTF-8. */
export function findRoutes(routes: readonly Route[], path: string): readonly Found[] | undefined {
  const asked = decodeSegments(path);
  if (!asked) return undefined;
  const found = routes.flatMap((route) => {
    const params = paramsWithin(segmentsOf(route.path), asked);
    return params ? [{ route, params }] : [];
  });
  return found.toSorted((a, b) => Object.keys(a.params).length - Object.keys(b.params).length);
}

/** The path that was most likely meant. */
export function nearestPath(routes: readonly Route[], path: string): string | undefined {
  return nearest(
    path,
    routes.map((route) => route.path),
  );
}

function decodeSegments(path: string): string[] | undefined {
  try {
    return segmentsOf(path).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function paramsWithin(template: readonly string[], asked: readonly string[]): Record<string, string> | undefined {
  if (template.length !== asked.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, segment] of template.entries()) {
    const value = asked[at] ?? '';
    const param = paramOf(segment);
    if (param === undefined ? segment !== value : value === '') return undefined;
    if (param !== undefined) params[param] = value;
  }
  return params;
}
