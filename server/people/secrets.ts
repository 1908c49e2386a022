import type { Rng } from '../core/rng.ts';

/** Crockford's: no I, L, O, U, so that nothing is read for something else. 5 bits a character. */
const READABLE = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const GROUP_LENGTH = 4;

/** A code that people read off and type in: `K7QF-2M9X-PT4H`, 5 bits a character. */
export function makeReadableCode(rng: Rng, characters: number): string {
  const text = [...rng.bytes(characters)].map((byte) => READABLE[byte & 31]).join('');
  return text.replace(new RegExp(`(.{${GROUP_LENGTH}})(?=.)`, 'g'), '$1-');
}

/** What was meant by a typed code: case, blanks and dashes do not matter, O is 0, I and L are 1. */
export function foldReadableCode(typed: string): string {
  return typed.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
}

/** A secret for machines: 256 bits. */
export function makeSecret(rng: Rng, prefix = ''): string {
  return prefix + base64url(rng.bytes(32));
}

/** A name for a thing, for lists and the audit; no secret. */
export function makeId(rng: Rng, prefix: string): string {
  return `${prefix}_${[...rng.bytes(10)]
    .map((byte) => READABLE[byte & 31])
    .join('')
    .toLowerCase()}`;
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function base64url(bytes: Uint8Array): string {
  return toBase(bytes, 6, BASE64URL);
}

/** RFC 4648 without padding, as authenticator apps read secrets. */
export function base32(bytes: Uint8Array): string {
  return toBase(bytes, 5, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567');
}

function toBase(bytes: Uint8Array, bits: number, alphabet: string): string {
  let text = '';
  let value = 0;
  let held = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff;
    for (held += 8; held >= bits; held -= bits) text += alphabet[(value >> (held - bits)) & ((1 << bits) - 1)];
  }
  return held > 0 ? text + alphabet[(value << (bits - held)) & ((1 << bits) - 1)] : text;
}
