import { describe, expect, test } from 'vitest';
import { apiReference } from '../../../views/api.ts';
import { OPERATIONS } from '../../operations/all.ts';
import type { Operation } from '../../operations/operation.ts';
import { COLLECTIONS } from './collections.ts';
import { inputSchemaOf, outputSchemaOf } from './json-schema.ts';
import { openApi } from './openapi.ts';
import { referenceOf } from './reference.ts';
import { buildRoutes, paramsOf } from './routes.ts';

type Json = Readonly<Record<string, unknown>>;

const operations: readonly Operation[] = OPERATIONS;
const routes = buildRoutes(operations);
// As it is sent: what is undefined is not there.
const document = JSON.parse(JSON.stringify(openApi(routes))) as {
  readonly openapi: string;
  readonly info: Json;
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: Readonly<Record<string, Json>>;
  readonly security: readonly Json[];
  readonly tags: readonly { readonly name: string }[];
};

interface DescribedOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    schema: Json;
  }[];
  readonly requestBody?: { readonly content: Json };
  readonly responses: Readonly<Record<string, Json>>;
  readonly security?: readonly Json[];
}

const described = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([verb, one]) => ({ path, verb, one })),
);

describe('the document is OpenAPI 3.1', () => {
  test('with what it must have', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
    expect(described.length).toBe(routes.length + 1);
    for (const { path, verb } of described) {
      expect(path).toMatch(/^\/[a-z0-9{}_/-]+$/);
      expect(['get', 'put', 'post', 'delete']).toContain(verb);
    }
  });

  test('each operation has an id of its own, a known tag, and answers', () => {
    const ids = described.map(({ one }) => one.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = new Set([...document.tags.map(({ name }) => name), 'events']);
    for (const { one } of described) {
      expect(one.tags.filter((tag) => !tags.has(tag))).toEqual([]);
      expect(one.summary).toMatch(/\.$/);
      expect(Object.keys(one.responses).some((status) => /^2\d\d$/.test(status))).toBe(true);
      expect(Object.keys(one.responses).filter((status) => !/^[2-5]\d\d$/.test(status))).toEqual([]);
      for (const response of Object.values(one.responses)) {
        expect('$ref' in response || typeof response['description'] === 'string').toBe(true);
      }
    }
  });

  test('the fields of a path are exactly its parameters in the path, and no parameter comes twice', () => {
    for (const { path, one } of described) {
      const inPath = one.parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => name)).toEqual(paramsOf(path));
      expect(inPath.every(({ required }) => required)).toBe(true);
      const names = one.parameters.map(({ name, in: place }) => `${place} ${name}`);
      expect(new Set(names).size).toBe(names.length);
      for (const parameter of one.parameters) {
        expect(['path', 'query', 'header']).toContain(parameter.in);
        expect(typeof parameter.schema).toBe('object');
      }
    }
  });

  test('no two templates are the same path', () => {
    const shapes = Object.keys(document.paths).map((path) => path.replaceAll(/\{\w+\}/g, '{}'));
    expect(new Set(shapes).size).toBe(shapes.length);
  });

  test('every reference leads somewhere, and every security scheme is described', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to ?? '');
    expect(references.length).toBeGreaterThan(10);
    for (const to of references) {
      const found = to
        .split('/')
        .slice(1)
        .reduce<unknown>((inner, part) => (inner as Json | undefined)?.[part], document);
      expect([to, typeof found]).toEqual([to, 'object']);
    }
    const schemes = Object.keys(document.components['securitySchemes'] ?? {});
    const named = [document.security, ...described.map(({ one }) => one.security ?? [])].flat().flatMap(Object.keys);
    expect(named.filter((name) => !schemes.includes(name))).toEqual([]);
  });

  test('schemas are JSON Schema 2020-12: nothing of OpenAPI 3.0 is left', () => {
    const text = JSON.stringify(document);
    for (const word of ['"nullable"', '"exclusiveMinimum":true', '"definitions"', '"$schema"']) {
      expect(text).not.toContain(word);
    }
    for (const schema of schemasOf(document)) {
      const types = [schema['type'] ?? []].flat();
      const known = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'];
      expect(types.filter((type) => !known.includes(String(type)))).toEqual([]);
      const properties = Object.keys((schema['properties'] as Json | undefined) ?? {});
      expect(((schema['required'] as string[] | undefined) ?? []).filter((name) => !properties.includes(name))).toEqual(
        [],
      );
    }
  });
});

describe('the operations fit REST', () => {
  test.each(operations.filter(({ rest, omitted }) => rest && !omitted.rest))('$method', (operation) => {
    const input = inputSchemaOf(operation);
    const output = outputSchemaOf(operation);
    expect(input.type).toBe('object');
    expect(output.type).toBe('object');
    // What is in the path has to be among the fields, and given.
    const path = operation.rest?.path ?? '';
    expect(paramsOf(path).filter((name) => !(input.required ?? []).includes(name))).toEqual([]);
    if (operation.rest?.verb === 'GET') {
      expect(Object.keys(input.properties ?? {}).filter((name) => /password|secret|code$|token$/.test(name))).toEqual(
        [],
      );
    }
    // Reading changes nothing; and what changes something is never a GET.
    if (operation.rest?.verb === 'GET' && operation.name !== 'diagnostics.get') expect(operation.audit).toBeNull();
  });

  test('every operation has a route or says why not', () => {
    const without = operations.filter(({ rest, omitted }) => (rest === undefined) !== (omitted.rest !== undefined));
    expect(without.map(({ method }) => method)).toEqual([]);
  });

  test.each(COLLECTIONS)('the items of $method are what is said of them', ({ method, items, key, lively }) => {
    const operation = operations.find((one) => one.method === method);
    if (!operation) return;
    const properties = Object.keys(outputSchemaOf(operation).properties?.[items]?.items?.properties ?? {});
    expect(properties).toEqual(expect.arrayContaining([key, ...lively]));
  });
});

test('the page for people has every route, works without script, and escapes', () => {
  const page = {
    boxName: '<b>York</b>',
    asset: (name: string) => `/assets/${name}`,
    nonce: 'n',
    word: null,
    csrf: '',
    zone: 'UTC',
  };
  const html = String(apiReference(page as never, referenceOf(routes)));
  for (const { verb, path } of routes) expect(html).toContain(`<code>${verb} /api/v1${path}</code>`);
  expect(html).not.toContain('<b>York</b>');
  expect(html).not.toMatch(/ style=| on[a-z]+=|<style/);
});

function schemasOf(value: unknown): Json[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'type' in value && ('properties' in value || 'items' in value) ? [value as Json] : [];
  return [...own, ...Object.values(value).flatMap(schemasOf)];
}
