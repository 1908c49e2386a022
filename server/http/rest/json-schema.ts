import * as z from 'zod';
import type { Operation } from '../../operations/operation.ts';

/** As much of JSON Schema as operations are made of. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly [word: string]: unknown;
}

/** What an operation takes; fields that it does not name are not allowed. */
export function inputSchemaOf(operation: Operation): JsonSchema {
  return remember(inputs, operation, () => closed(toSchema(operation.input, 'input')));
}

/** What an operation answers; clients must expect that fields are added. */
export function outputSchemaOf(operation: Operation): JsonSchema {
  return remember(outputs, operation, () => opened(toSchema(operation.output, 'output')));
}

const inputs = new WeakMap<Operation, JsonSchema>();
const outputs = new WeakMap<Operation, JsonSchema>();

function remember(known: WeakMap<Operation, JsonSchema>, operation: Operation, make: () => JsonSchema): JsonSchema {
  const schema = known.get(operation) ?? make();
  known.set(operation, schema);
  return schema;
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  // Stripped of its own `$schema`: the document that holds it says which dialect it is.
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
  return rest;
}

function closed(schema: JsonSchema): JsonSchema {
  return mapObjects(schema, (one) => ('additionalProperties' in one ? one : { ...one, additionalProperties: false }));
}

function opened(schema: JsonSchema): JsonSchema {
  return mapObjects(schema, ({ additionalProperties, ...one }) =>
    additionalProperties === undefined || additionalProperties === false ? one : { ...one, additionalProperties },
  );
}

/** Changes every schema that lists its fields, from the inside out. */
function mapObjects(schema: JsonSchema, change: (one: JsonSchema) => JsonSchema): JsonSchema {
  const mapAll = (all: readonly JsonSchema[]) => all.map((one) => mapObjects(one, change));
  const inner: JsonSchema = {
    ...schema,
    ...(schema.items ? { items: mapObjects(schema.items, change) } : {}),
    ...(schema.anyOf ? { anyOf: mapAll(schema.anyOf) } : {}),
    ...(schema.properties
      ? {
          properties: Object.fromEntries(
            Object.entries(schema.properties).map(([name, one]) => [name, mapObjects(one, change)]),
          ),
        }
      : {}),
  };
  return inner.properties ? change(inner) : inner;
}
