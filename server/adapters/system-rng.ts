import { randomBytes, randomInt } from 'node:crypto';
import type { Rng } from '../core/rng.ts';

const RANGE = 2 ** 47;

/** The kernel's randomness, fit for secrets. */
export const systemRng: Rng = {
  next: () => randomInt(RANGE) / RANGE,
  bytes: (length) => randomBytes(length),
};
