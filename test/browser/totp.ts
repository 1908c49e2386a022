import { createHmac } from 'node:crypto';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const STEP_MS = 30_000;

/**
 * A phone with an authenticator app (RFC 6238, SHA-1, six digits, 30 s).
 *
 * A code is taken once only; who needs several in a row begins with the one before and uses up the
 * one after, which a box takes for clocks that differ.
 */
export class Phone {
  readonly #secret: string;
  #lastStep = 0;

  constructor(secret: string) {
    this.#secret = secret;
  }

  code(): string {
    const now = Math.floor(Date.now() / STEP_MS);
    this.#lastStep = Math.max(now - 1, this.#lastStep + 1);
    if (this.#lastStep > now + 1) throw new Error('the phone has shown every code of this half minute already');
    return totp(this.#secret, this.#lastStep);
  }
}

function totp(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', decodeBase32(secret)).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

function decodeBase32(text: string): Buffer {
  const bits = [...text.replace(/[\s=]/g, '').toUpperCase()]
    .map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
