import { expect, test } from 'vitest';
import { nodeIdFromBytes } from '../core/node-id.ts';
import { displayName } from './display-name.ts';
import { overlayAddresses, overlayCollisions } from './overlay-address.ts';

const york = nodeIdFromBytes(Uint8Array.from({ length: 20 }, (_, i) => i));
// Differs only in bytes that the IPv4 address does not take.
const leeds = nodeIdFromBytes(Uint8Array.from({ length: 20 }, (_, i) => (i === 3 ? 99 : i)));

const party = (id: typeof york, name: string) => {
  const { v4, v6 } = overlayAddresses(id);
  return { id, name, addresses: [v4, v6] };
};

test('people see a name and the last 6 characters', () => {
  expect(displayName({ id: york, name: 'York' })).toBe(`York (…${york.slice(-6)})`);
  expect(displayName({ id: york })).toBe(`…${york.slice(-6)}`);
});

test('two boxes with one overlay address are both named, with the way out', () => {
  const [failure, ...more] = overlayCollisions([party(york, 'York'), party(leeds, 'Leeds')]);
  expect(more).toEqual([]);
  expect(failure?.code).toBe('identity.overlay-collision');
  expect(failure?.message).toMatch(/^York \(….{6}\) and Leeds \(….{6}\) both have the overlay address 100\.64\.1\.2$/);
  expect(failure?.remedy).toContain('network.tun_addr');
});

test('one box that is named twice does not collide with itself', () => {
  expect(overlayCollisions([party(york, 'York'), party(york, 'York')])).toEqual([]);
});
