import { nearest } from '../../core/nearest.ts';
import { ok } from '../../core/result.ts';
import type { JsonSchema } from './json-schema.ts';
import { type RequestPlace, type RestResult, refuse } from './rest-failure.ts';

type Where = RequestPlace['in'];

/** Reads the text of a path or a query as the schema wants it; what does not fit stays text, to be refused by name. */
export function readText(text: string, schema: JsonSchema | undefined): unknown {
  const types = typesOf(schema);
  if (types.has('string')) return text;
  if ((types.has('integer') || types.has('number')) && /^-?\d{1,15}(\.\d{1,15})?$/.test(text)) return Number(text);
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** Reads a query into fields; a list is a name given several times. */
export function readQuery(query: URLSearchParams, schema: JsonSchema): RestResult<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const name of new Set(query.keys())) {
    const property = schema.properties?.[name];
    if (!Object.hasOwn(schema.properties ?? {}, name)) return unknownField(name, schema, { in: 'query', field: name });
    const values = query.getAll(name);
    if (typesOf(property).has('array')) fields[name] = values.map((value) => readText(value, property?.items));
    else if (values.length === 1) fields[name] = readText(values[0] ?? '', property);
    else
      return refuse('rest.value', `"${name}": given ${values.length} times`, { where: { in: 'query', field: name } });
  }
  return ok(fields);
}

/** Refuses the first field that the schema does not know, at any depth. */
export function refuseUnknown(value: unknown, schema: JsonSchema, place: Where, path = ''): RestResult<void> {
  if (Array.isArray(value) && schema.items) {
    for (const [at, item] of value.entries()) {
      const result = refuseUnknown(item, schema.items, place, `${path}/${at}`);
      if (!result.ok) return result;
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !schema.properties) return ok(undefined);
  for (const [name, inner] of Object.entries(value)) {
    const known = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (!known) return unknownField(name, schema, { in: place, field: `${path}/${pointerPart(name)}` });
    const result = refuseUnknown(inner, known, place, `${path}/${pointerPart(name)}`);
    if (!result.ok) return result;
  }
  return ok(undefined);
}

/** `/addresses/0` of the names on the way (RFC 6901). */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${pointerPart(String(part))}`).join('');
}

function pointerPart(name: string): string {
  return name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1');
}

function unknownField(name: string, { properties = {} }: JsonSchema, where: RequestPlace): RestResult<never> {
  const names = Object.keys(properties);
  const meant = nearest(name, names);
  const known = names.length > 0 ? `the fields are ${names.join(', ')}` : 'there are no fields here';
  const hint = meant ? `did you mean "${meant}"?` : known;
  return refuse('rest.unknown-field', `${JSON.stringify(name.slice(0, 64))}: there is no such field; ${hint}`, {
    where,
  });
}

function typesOf(schema: JsonSchema | undefined): ReadonlySet<string> {
  if (!schema) return new Set();
  const own = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  return new Set([...own, ...(schema.anyOf ?? []).flatMap((one) => [...typesOf(one)])]);
}
