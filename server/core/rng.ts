/** Randomness as everything but the composition root sees it. */
export interface Rng {
  /** Uniform in [0, 1); for jitter and choices, never for secrets. */
  next(): number;
  /** `length` random bytes; fit for secrets only when the real one is injected. */
  bytes(length: number): Uint8Array;
}

/** The same sequence for the same seed (mulberry32); for simulations and tests only. */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)),
  };
}
