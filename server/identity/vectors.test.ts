import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatIp, parseIp } from '../core/ip.ts';
import { nodeIdBytes, nodeIdFromBytes, parseNodeId } from '../core/node-id.ts';
import { overlayAddresses } from './overlay-address.ts';

interface Vectors {
  readonly node_ids: readonly {
    readonly hex: string;
    readonly text: string;
    readonly v4: string;
    readonly v6: string;
  }[];
  readonly addresses: readonly { readonly text: string; readonly canonical: string }[];
  readonly no_addresses: readonly string[];
}

// Written by dataplane/core/tests/identity_vectors.rs, which fails when the engine gives others.
const path = new URL('../../test/fixtures/identity-vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vectors;

describe('both halves of the product agree on', () => {
  test('every NodeId and its overlay addresses', () => {
    expect(vectors.node_ids.length).toBeGreaterThan(20);
    for (const { hex, text, v4, v6 } of vectors.node_ids) {
      const id = nodeIdFromBytes(Buffer.from(hex, 'hex'));
      expect(id).toBe(text);
      expect(parseNodeId(text)).toEqual({ ok: true, value: text });
      expect(Buffer.from(nodeIdBytes(id)).toString('hex')).toBe(hex);
      const addresses = overlayAddresses(id);
      expect([formatIp(addresses.v4), formatIp(addresses.v6)]).toEqual([v4, v6]);
    }
  });

  test.each(vectors.addresses)('the canonical form of $text', ({ text, canonical }) => {
    const parsed = parseIp(text);
    expect(parsed.ok && formatIp(parsed.value)).toBe(canonical);
  });

  test.each(vectors.no_addresses)('that "%s" is no address', (text) => {
    expect(parseIp(text).ok).toBe(false);
  });
});
