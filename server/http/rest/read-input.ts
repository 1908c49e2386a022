import type * as z from 'zod';
import { nearest } from '../../core/nearest.ts';
import { ok } from '../../core/result.ts';
import { inputSchemaOf, type JsonSchema } from './json-schema.ts';
import { type BodyTerms, readBody } from './read-body.ts';
import { pointerOf, readQuery, readText, refuseUnknown } from './read-values.ts';
import { type RequestPlace, type RestResult, refuse } from './rest-failure.ts';
import type { Found } from './routes.ts';

/** Never said back, not even to whoever sent it: answers end up in logs. */
const SECRET = /password|code|secret|token|ticket|session/;

/** What an operation is asked, read strictly out of path, query and body. */
export async function readInput(
  { route, params }: Found,
  query: URLSearchParams,
  request: Request,
  terms: BodyTerms,
): Promise<RestResult<object>> {
  const schema = inputSchemaOf(route.operation);
  const path = Object.fromEntries(
    Object.entries(params).map(([name, text]) => [name, readText(text, schema.properties?.[name])]),
  );
  const rest = without(schema, Object.keys(path));
  const more = takesBody(route.verb)
    ? await readFields(request, terms, { query, schema: rest })
    : readUrl(query, request, rest);
  if (!more.ok) return more;
  const input = { ...more.value, ...path };
  const checked = route.operation.input.safeParse(input);
  if (checked.success) return ok(input);
  const [issue] = checked.error.issues;
  const field = String(issue?.path[0] ?? '');
  const place: RequestPlace['in'] = field in path ? 'path' : takesBody(route.verb) ? 'body' : 'query';
  return refuseIssue(issue, input, place);
}

/** Whether a request of this kind says what it wants in its body; the others say it in the query. */
export function takesBody(verb: string): boolean {
  return verb === 'POST' || verb === 'PUT';
}

function without(schema: JsonSchema, names: readonly string[]): JsonSchema {
  const kept = Object.entries(schema.properties ?? {}).filter(([name]) => !names.includes(name));
  return { ...schema, properties: Object.fromEntries(kept) };
}

function readUrl(query: URLSearchParams, request: Request, schema: JsonSchema): RestResult<Record<string, unknown>> {
  const length = request.headers.get('content-length') ?? '0';
  if (length !== '0' || request.headers.has('transfer-encoding')) {
    return refuse('rest.body', `a ${request.method} takes no body`, { remedy: 'give its fields in the query' });
  }
  return readQuery(query, schema);
}

async function readFields(
  request: Request,
  terms: BodyTerms,
  { query, schema }: { readonly query: URLSearchParams; readonly schema: JsonSchema },
): Promise<RestResult<Record<string, unknown>>> {
  const [stray] = query.keys();
  if (stray !== undefined) {
    return refuse('rest.unknown-field', `${JSON.stringify(stray.slice(0, 64))}: a ${request.method} takes no query`, {
      where: { in: 'query', field: stray.slice(0, 64) },
      remedy: 'give its fields as JSON in the body',
    });
  }
  const bytes = await readBody(request, terms);
  if (!bytes.ok) return bytes;
  if (bytes.value.length === 0) return ok({});
  const mediaType = request.headers.get('content-type') ?? '';
  if (!/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(mediaType)) {
    const said = mediaType === '' ? 'none is given' : `it is ${JSON.stringify(mediaType.slice(0, 64))}`;
    return refuse('rest.media-type', `the body must be application/json; ${said}`, {
      where: { in: 'header', field: 'Content-Type' },
      remedy: 'send: Content-Type: application/json',
    });
  }
  const json = parseJson(bytes.value);
  if (!json.ok) return json;
  const known = refuseUnknown(json.value, schema, 'body');
  return known.ok ? json : known;
}

function parseJson(bytes: Uint8Array): RestResult<Record<string, unknown>> {
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('rest.json', 'the body is not UTF-8', { where: { in: 'body', field: '' } });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return ok(value as never);
    return refuse('rest.json', 'the body is not a JSON object', { where: { in: 'body', field: '' } });
  } catch (error) {
    // The position only: the message of the parser repeats what was sent.
    const [, at] = /position (\d+)/.exec((error as Error).message) ?? [];
    const place = at === undefined ? 'it ends early' : `wrong at character ${at}`;
    return refuse('rest.json', `the body is not JSON: ${place}`, { where: { in: 'body', field: '' } });
  }
}

function refuseIssue(
  issue: z.core.$ZodIssue | undefined,
  input: unknown,
  place: RequestPlace['in'],
): RestResult<never> {
  const path = issue?.path ?? [];
  const name = path.map(String).join('.');
  const value = path.reduce<unknown>((inner, part) => (inner as Record<PropertyKey, unknown> | null)?.[part], input);
  const field = place === 'body' ? pointerOf(path) : name;
  const where = { in: place, field } as const;
  if (value === undefined) return refuse('rest.value', `"${name}" is missing`, { where });
  const said = SECRET.test(name) ? '' : ` ${JSON.stringify(value)?.slice(0, 64)}:`;
  return refuse('rest.value', `"${name}":${said} ${reasonOf(issue, value)}`, { where });
}

function reasonOf(issue: z.core.$ZodIssue | undefined, value: unknown): string {
  if (issue?.code !== 'invalid_value') return issue?.message ?? 'is wrong';
  const values = issue.values.map(String);
  const meant = typeof value === 'string' ? nearest(value, values) : undefined;
  return `is not one of ${values.join(', ')}${meant ? `; did you mean "${meant}"?` : ''}`;
}
