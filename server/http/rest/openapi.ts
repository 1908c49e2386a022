import type { Operation } from '../../operations/operation.ts';
import { itemSchemaOf } from './collections.ts';
import { CSRF_HEADER } from './credentials.ts';
import { EVENT_KINDS } from './event-source.ts';
import { inputSchemaOf, type JsonSchema, outputSchemaOf } from './json-schema.ts';
import { isCut, isPaged, PAGE_LIMIT } from './paging.ts';
import { needsIfMatch } from './precondition.ts';
import { PROBLEM_TYPE } from './problem.ts';
import { takesBody } from './read-input.ts';
import { BASE, paramsOf, type Route } from './routes.ts';

type Json = Readonly<Record<string, unknown>>;

const JSON_TYPE = 'application/json';
const problem = (name: string): Json => ({ $ref: `#/components/responses/${name}` });

/** The whole of REST as an OpenAPI 3.1 document, made of the operations. */
export function openApi(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.verb.toLowerCase()]: describeRoute(route, routes) };
  }
  paths['/events'] = { get: describeEvents() };
  return {
    openapi: '3.1.0',
    info: {
      title: 'QuicEther',
      version: '1',
      description: 'Everything that can be done with a box. Fields and paths are only ever added under this version.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: BASE }],
    security: [{ bearer: [] }, { cookie: [], header: [] }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name })),
    paths,
    components: components(),
  };
}

/** Operations that belong together: the first word of the path. */
export function tagOf({ path }: Route): string {
  return path.split('/')[1] ?? '';
}

/** What a route is for, in one sentence. */
export function summaryOf({ operation, itemParam, collection }: Route): string {
  if (itemParam === undefined || !collection) return operation.summary;
  const without =
    collection.lively.length > 0 ? `, without what changes by itself (${collection.lively.join(', ')})` : '';
  return `One of ${collection.items}${without}.`;
}

/** Who may, in words. */
export function roleNote({ role, needsPassword }: Operation): string {
  const who = role === 'anyone' ? 'Nobody needs to be signed in.' : `Needs the role ${role}.`;
  return needsPassword ? `${who} Asks for the password again: a session that has proved it; never a token.` : who;
}

function describeRoute(route: Route, routes: readonly Route[]): Json {
  const { operation, verb, itemParam } = route;
  const suffix = itemParam === undefined ? '' : 'Item';
  return {
    operationId: `${operation.method}${suffix}`,
    tags: [tagOf(route)],
    summary: summaryOf(route),
    description: roleNote(operation),
    ...(operation.role === 'anyone' ? { security: [] } : {}),
    parameters: parametersOf(route, routes),
    ...bodyOf(route),
    responses: responsesOf(route, routes),
    'x-role': operation.role,
    'x-needs-password': operation.needsPassword ?? false,
    ...(verb === 'GET' ? {} : { 'x-audited': operation.audit !== null }),
  };
}

function parametersOf(route: Route, routes: readonly Route[]): Json[] {
  const { operation, path, verb } = route;
  const schema = inputSchemaOf(operation);
  const inPath = paramsOf(path);
  const parameters = inPath.map((name) =>
    parameter('path', name, schema.properties?.[name] ?? { type: 'string' }, true),
  );
  if (!takesBody(verb) && route.itemParam === undefined) {
    const rest = Object.entries(schema.properties ?? {}).filter(([name]) => !inPath.includes(name));
    for (const [name, one] of rest) {
      parameters.push(parameter('query', name, one, schema.required?.includes(name) ?? false));
    }
  }
  if (isCut(route)) {
    const limit = { type: 'integer', minimum: 1, maximum: PAGE_LIMIT.most, default: PAGE_LIMIT.usual };
    parameters.push(parameter('query', 'limit', limit, false));
  }
  if (isPaged(route)) parameters.push(parameter('query', 'cursor', { type: 'string', maxLength: 512 }, false));
  if (verb === 'GET') parameters.push(parameter('header', 'If-None-Match', { type: 'string' }, false));
  else parameters.push(parameter('header', 'If-Match', { type: 'string' }, needsIfMatch(route, routes)));
  if (verb === 'POST') {
    parameters.push(parameter('header', 'Idempotency-Key', { type: 'string', minLength: 1, maxLength: 128 }, false));
  }
  return parameters;
}

function parameter(place: string, name: string, schema: JsonSchema, required: boolean): Json {
  const { description, ...rest } = schema;
  return { name, in: place, required, ...(description === undefined ? {} : { description }), schema: rest };
}

function bodyOf({ operation, path, verb }: Route): Json {
  if (!takesBody(verb)) return {};
  const { properties = {}, required = [], ...rest } = inputSchemaOf(operation);
  const inPath = paramsOf(path);
  const fields = Object.entries(properties).filter(([name]) => !inPath.includes(name));
  if (fields.length === 0) return {};
  const needed = required.filter((name) => !inPath.includes(name));
  const schema = {
    ...rest,
    properties: Object.fromEntries(fields),
    ...(needed.length > 0 ? { required: needed } : {}),
  };
  return { requestBody: { required: needed.length > 0, content: { [JSON_TYPE]: { schema } } } };
}

function responsesOf(route: Route, routes: readonly Route[]): Json {
  const { operation, verb, path, itemParam } = route;
  const schema = answerSchemaOf(route);
  const isEmpty = verb !== 'GET' && Object.keys(schema.properties ?? {}).length === 0 && schema.type === 'object';
  const made = routes.some((list) => list.verb === 'GET' && list.path === path && list.collection) && verb === 'POST';
  const headers = verb === 'GET' ? { ETag: { $ref: '#/components/headers/ETag' }, ...linkOf(route) } : {};
  const done = isEmpty
    ? { '204': { description: 'Done.' } }
    : {
        [made ? '201' : '200']: {
          description: made ? 'Made.' : verb === 'GET' ? 'As it is now.' : 'Done.',
          ...(Object.keys(headers).length > 0 ? { headers } : {}),
          content: { [JSON_TYPE]: { schema } },
        },
      };
  return {
    ...done,
    ...(verb === 'GET' ? { '304': { description: 'As the caller has it.' } } : {}),
    ...(operation.role === 'anyone' ? {} : { '401': problem('SignedOut'), '403': problem('NotAllowed') }),
    ...(itemParam !== undefined || paramsOf(path).length > 0 ? { '404': problem('NotFound') } : {}),
    ...(verb === 'GET' ? {} : { '409': problem('Conflict'), '412': problem('Changed') }),
    ...(needsIfMatch(route, routes) ? { '428': problem('IfMatchNeeded') } : {}),
    '422': problem('WrongValue'),
    '429': problem('TooMany'),
    '503': problem('Away'),
  };
}

function answerSchemaOf(route: Route): JsonSchema {
  if (route.itemParam !== undefined && route.collection) return itemSchemaOf(route.operation, route.collection);
  const schema = outputSchemaOf(route.operation);
  if (!isPaged(route)) return schema;
  const next = { type: ['string', 'null'], description: 'of the next page; null on the last' } as const;
  return { ...schema, properties: { ...schema.properties, next_cursor: next } };
}

function linkOf(route: Route): Json {
  return isPaged(route) ? { Link: { description: 'rel="next": the next page', schema: { type: 'string' } } } : {};
}

function describeEvents(): Json {
  return {
    operationId: 'Events',
    tags: ['events'],
    summary: 'What happens, as it happens: server-sent events.',
    description:
      'Each kind needs the role of the operation that it is made of: audit operator, the others viewer. ' +
      'Last-Event-ID goes on after that event of the audit. `stale` and `back` tell that the daemon is away and back.',
    parameters: [
      {
        ...parameter('query', 'kinds', { type: 'array', items: { type: 'string', enum: [...EVENT_KINDS] } }, false),
        style: 'form',
        explode: false,
      },
      parameter('header', 'Last-Event-ID', { type: 'string' }, false),
    ],
    responses: {
      '200': {
        description: 'A stream that stays open.',
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      },
      '401': problem('SignedOut'),
      '403': problem('NotAllowed'),
      '422': problem('WrongValue'),
      '429': problem('TooMany'),
      '503': problem('Away'),
    },
  };
}

function components(): Json {
  const response = (description: string): Json => ({
    description,
    content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
  });
  return {
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer', description: 'A token, or the session that signing in gave.' },
      cookie: {
        type: 'apiKey',
        in: 'cookie',
        name: '__Host-session',
        description: `Only together with ${CSRF_HEADER}.`,
      },
      header: { type: 'apiKey', in: 'header', name: CSRF_HEADER, description: 'Any value.' },
    },
    headers: { ETag: { description: 'Changes when the body does.', schema: { type: 'string' } } },
    responses: {
      SignedOut: response('Nobody is signed in, or the session or token is over.'),
      NotAllowed: response('The role does not include it, or the password has to be given again.'),
      NotFound: response('There is none.'),
      Conflict: response('Not possible as things are.'),
      Changed: response('It is not as If-Match says.'),
      IfMatchNeeded: response('If-Match is missing.'),
      WrongValue: response('A field is unknown, missing or wrong; `where` names it.'),
      TooMany: response('Too often; Retry-After says how long to wait.'),
      Away: response('The daemon or the engine is away.'),
    },
    schemas: { Problem: PROBLEM_SCHEMA },
  };
}

const PROBLEM_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string', description: 'urn:quicether:problem: and the code' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'place, value and what is wrong with it, in one sentence' },
    code: { type: 'string', description: 'stable, for programs' },
    remedy: { type: 'string', description: 'what to do about it' },
    where: {
      type: 'object',
      description: 'the part of the request, or the place in a file',
      properties: {
        in: { type: 'string', enum: ['path', 'query', 'header', 'body'] },
        field: { type: 'string' },
        file: { type: 'string' },
        line: { type: 'integer' },
        column: { type: 'integer' },
      },
    },
  },
};
