/** Text form of bytes with a checksum that catches any 4 wrong characters (BIP 350). */
const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const BECH32M = 0x2bc830a3;
const CHECKSUM_LENGTH = 6;

export type Bech32mProblem = 'prefix' | 'checksum' | 'length';

/** `bytes` as lower-case bech32m text beginning with `hrp` and `1`. */
export function encodeBech32m(hrp: string, bytes: Uint8Array): string {
  const words = [...regroup(bytes, 8, 5, true)];
  const checksum = polymod([...expand(hrp), ...words, 0, 0, 0, 0, 0, 0]) ^ BECH32M;
  for (let i = 0; i < CHECKSUM_LENGTH; i++) words.push((checksum >>> (5 * (5 - i))) & 31);
  return `${hrp}1${words.map((word) => CHARSET[word]).join('')}`;
}

/** The bytes of a lower-case bech32m text of this `hrp`, or what is wrong with it. */
export function decodeBech32m(hrp: string, text: string): Uint8Array | Bech32mProblem {
  if (!text.startsWith(`${hrp}1`)) return 'prefix';
  const words = [...text.slice(hrp.length + 1)].map((character) => CHARSET.indexOf(character));
  if (words.length < CHECKSUM_LENGTH || words.includes(-1)) return 'checksum';
  if (polymod([...expand(hrp), ...words]) !== BECH32M) return 'checksum';
  const payload = words.slice(0, -CHECKSUM_LENGTH);
  const spareBits = (payload.length * 5) % 8;
  // Padding that is a whole word, or not zero, would let two texts mean the same bytes.
  if (spareBits >= 5 || ((payload.at(-1) ?? 0) & ((1 << spareBits) - 1)) !== 0) return 'length';
  return Uint8Array.from(regroup(payload, 5, 8, false));
}

function expand(hrp: string): number[] {
  const codes = [...hrp].map((character) => character.charCodeAt(0));
  return [...codes.map((code) => code >>> 5), 0, ...codes.map((code) => code & 31)];
}

function polymod(words: readonly number[]): number {
  let checksum = 1;
  for (const word of words) {
    const top = checksum >>> 25;
    checksum = ((checksum & 0x1ffffff) << 5) ^ word;
    for (const [bit, value] of GENERATOR.entries()) if ((top >>> bit) & 1) checksum ^= value;
  }
  return checksum >>> 0;
}

function* regroup(values: Iterable<number>, from: number, to: number, pad: boolean): Generator<number> {
  let held = 0;
  let bits = 0;
  for (const value of values) {
    held = ((held << from) | value) & 0xfff;
    bits += from;
    while (bits >= to) {
      bits -= to;
      yield (held >>> bits) & ((1 << to) - 1);
    }
  }
  if (pad && bits > 0) yield (held << (to - bits)) & ((1 << to) - 1);
}
