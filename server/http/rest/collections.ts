import type { Operation } from '../../operations/operation.ts';
import { type JsonSchema, outputSchemaOf } from './json-schema.ts';

/** A list whose items can be paged through, read one by one, and changed under If-Match. */
export interface Collection {
  /** Method that lists it. */
  readonly method: string;
  /** Field of the answer that holds the items. */
  readonly items: string;
  /** Field by which an item is named. */
  readonly key: string;
  /**
   * Fields that change by themselves. A single item is shown without them, so that its ETag
   * changes only when somebody has changed the thing.
   */
  readonly lively: readonly string[];
}

export const COLLECTIONS: readonly Collection[] = [
  {
    method: 'GetPeers',
    items: 'peers',
    key: 'node_id',
    lively: ['address', 'rtt_ms', 'problem', 'remedy', 'connected_sec', 'sent_bytes', 'received_bytes'],
  },
  { method: 'GetUsers', items: 'users', key: 'user_id', lively: ['last_seen_ms'] },
  { method: 'GetTokens', items: 'tokens', key: 'token_id', lively: ['used_ms'] },
  { method: 'GetSessions', items: 'sessions', key: 'session_id', lively: ['seen_ms', 'current'] },
  { method: 'GetRoutes', items: 'routes', key: 'destination', lively: ['installed', 'problem'] },
  { method: 'GetOffices', items: 'offices', key: 'node_id', lively: [] },
];

/** The item that is named, without what changes by itself; undefined when there is none. */
export function itemOf(answer: unknown, collection: Collection, name: string): object | undefined {
  const found = itemsOf(answer, collection).find((item) => item[collection.key] === name);
  if (!found) return undefined;
  return Object.fromEntries(Object.entries(found).filter(([field]) => !collection.lively.includes(field)));
}

/** All items of a list as the daemon gave it. */
export function itemsOf(answer: unknown, { items }: Collection): readonly Readonly<Record<string, unknown>>[] {
  const all = (answer as Readonly<Record<string, unknown>> | null)?.[items];
  return Array.isArray(all) ? (all as Readonly<Record<string, unknown>>[]) : [];
}

/** What a single item looks like. */
export function itemSchemaOf(operation: Operation, { items, lively }: Collection): JsonSchema {
  const { properties = {}, required = [], ...rest } = outputSchemaOf(operation).properties?.[items]?.items ?? {};
  return {
    ...rest,
    properties: Object.fromEntries(Object.entries(properties).filter(([field]) => !lively.includes(field))),
    required: required.filter((field) => !lively.includes(field)),
  };
}
