import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeIdBytes, nodeIdFromBytes, parseNodeId } from './node-id.ts';

const ids = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(nodeIdFromBytes);
const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

test('every NodeId reads back as itself', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
      const id = nodeIdFromBytes(bytes);
      expect(parseNodeId(id)).toEqual({ ok: true, value: id });
      expect(nodeIdBytes(id)).toEqual(bytes);
    }),
  );
});

test('any one wrong character is caught, wherever it is', () => {
  fc.assert(
    fc.property(ids, fc.nat(), fc.constantFrom(...CHARSET), (id, at, character) => {
      const place = 3 + (at % (id.length - 3));
      fc.pre(id[place] !== character);
      const typo = id.slice(0, place) + character + id.slice(place + 1);
      expect(parseNodeId(typo)).toMatchObject({ ok: false, error: { code: 'node-id.checksum' } });
    }),
  );
});

test('reading never throws, whatever the text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `qe1${text}`),
      ),
      (text) => {
        expect(parseNodeId(text).ok).toBe(false);
      },
    ),
  );
});

test('upper case, another prefix and another length are refused', () => {
  const id = nodeIdFromBytes(new Uint8Array(20));
  expect(parseNodeId(id.toUpperCase())).toMatchObject({ error: { code: 'node-id.prefix' } });
  expect(parseNodeId(id.replace('qe1', 'qf1'))).toMatchObject({ error: { code: 'node-id.prefix' } });
  expect(parseNodeId(id.slice(0, -1))).toMatchObject({ error: { code: 'node-id.checksum' } });
  expect(parseNodeId('')).toMatchObject({ error: { code: 'node-id.prefix' } });
});
