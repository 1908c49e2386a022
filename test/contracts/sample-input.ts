import { inputSchemaOf, type JsonSchema } from '../../server/http/rest/json-schema.ts';
import type { Operation } from '../../server/operations/operation.ts';

/** Fields whose form the schema alone does not tell. */
const KNOWN: Readonly<Record<string, unknown>> = {
  node_id: 'qe12t4ru7h8s9ljxk4ah3luae6wyt2gckchmwgrxz',
  peer: 'qe12t4ru7h8s9ljxk4ah3luae6wyt2gckchmwgrxz',
  address: '192.0.2.1:9000',
  addresses: ['127.0.0.1:9001'],
  password: 'a horse that nobody rides',
  new_password: 'a horse that somebody rides',
  subject: 'box',
  user_id: 'u_nobody',
  session_id: 's_none',
  token_id: 't_none',
};

/** An input that the operation takes, with nothing in it that exists; fails when there is no sample for it yet. */
export function sampleInput(operation: Operation): Readonly<Record<string, unknown>> {
  const { properties = {}, required = [] } = inputSchemaOf(operation);
  const input = Object.fromEntries(required.map((name) => [name, KNOWN[name] ?? sample(properties[name] ?? {})]));
  const checked = operation.input.safeParse(input);
  if (checked.success) return input;
  throw new Error(`${operation.method}: ${JSON.stringify(input)} is no sample: ${checked.error.message}`);
}

function sample(schema: JsonSchema): unknown {
  const { minimum, minLength, minItems } = schema as { minimum?: number; minLength?: number; minItems?: number };
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return sample(schema.anyOf[0] ?? {});
  if ('const' in schema) return schema['const'];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'string') return 'x'.repeat(Math.max(1, minLength ?? 1));
  if (type === 'integer' || type === 'number') return Math.max(1, minimum ?? 1);
  if (type === 'boolean') return true;
  if (type === 'array') return Array.from({ length: minItems ?? 0 }, () => sample(schema.items ?? {}));
  return {};
}
