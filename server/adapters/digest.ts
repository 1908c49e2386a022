import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Digest } from '../people/ports.ts';

/** Node's own hashes. */
export const systemDigest: Digest = {
  sha256: (text) => createHash('sha256').update(text).digest(),
  hmacSha1: (key, message) => createHmac('sha1', key).update(message).digest(),
  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
};
