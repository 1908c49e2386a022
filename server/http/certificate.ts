import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { fail, ok, type Result } from '../core/result.ts';

/** Key and certificate in one file, so that there is never one without the other. */
export const CERTIFICATE_FILE = 'web.pem';
/** A new one is made this long before the old one ends: people have time to compare the words again. */
const RENEW_BEFORE_MS = 90 * 24 * 3_600_000;
const MAKE_TIMEOUT_MS = 20_000;
const LONGEST_FILE = 64 * 1024;
const WORD_BITS = 11;
const WORDS = 6;

/** The box's own certificate, made by itself: people compare its words, nobody else vouches for it. */
export interface BoxCertificate {
  /** Key and chain, as Node's TLS takes them. */
  readonly pem: string;
  readonly words: readonly string[];
  /** `9C:41:...`, SHA-256 over the certificate. */
  readonly fingerprint: string;
  readonly endsMs: number;
}

export interface CertificatePlace {
  readonly stateDir: string;
  /** Names and addresses to put in a new one. */
  readonly names: readonly string[];
  /** The engine's program, which makes it. */
  readonly engineBinary: () => Result<string>;
}

/** The certificate in the state directory, made now when there is none or it ends soon. `madeWhy` says so. */
export async function openCertificate(
  place: CertificatePlace,
  nowMs: number,
): Promise<Result<BoxCertificate & { readonly madeWhy?: string }>> {
  const found = readCertificate(place.stateDir);
  if (!found.ok && found.error.code !== 'web.no-certificate') return found;
  const why = found.ok ? whyRenew(found.value, nowMs) : found.error.message;
  if (found.ok && why === undefined) return found;
  const made = await makeCertificate(place);
  if (!made.ok) return made;
  const read = readCertificate(place.stateDir);
  return read.ok ? ok({ ...read.value, ...(why === undefined ? {} : { madeWhy: why }) }) : read;
}

/** Why it is time for a new one; undefined when it is not. */
export function whyRenew({ endsMs }: BoxCertificate, nowMs: number): string | undefined {
  return endsMs - nowMs < RENEW_BEFORE_MS ? `it ends on ${new Date(endsMs).toISOString().slice(0, 10)}` : undefined;
}

/** The certificate as it is; `web.no-certificate` when there is none that can be used. */
export function readCertificate(stateDir: string): Result<BoxCertificate> {
  const path = join(stateDir, CERTIFICATE_FILE);
  try {
    const { mode, size } = statSync(path);
    if ((mode & 0o077) !== 0) {
      return fail('permission.certificate', `${path}: others can read the key of this box's pages`, {
        remedy: `remove ${path}, so that a new one is made; people then compare the words again`,
      });
    }
    if (size > LONGEST_FILE) return fail('web.no-certificate', `${path} is no certificate`);
    return parseCertificate(readFileSync(path, 'utf8'), path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      return fail('web.no-certificate', `${path}: there is no certificate yet`, {
        remedy: 'quicether web makes it when it starts; --state-dir says where it is kept',
      });
    }
    return fail('permission.certificate', `${path}: cannot be read: ${message}`, {
      remedy: 'run as the user that the pages run as, or as root',
    });
  }
}

function parseCertificate(pem: string, path: string): Result<BoxCertificate> {
  try {
    const certificate = new X509Certificate(pem);
    return ok({
      pem,
      words: fingerprintWords(certificate.raw),
      fingerprint: certificate.fingerprint256,
      endsMs: Date.parse(certificate.validTo),
    });
  } catch {
    return fail('web.no-certificate', `what was in ${path} is no certificate`);
  }
}

/** Six words of the BIP-39 list: the first 66 bits of SHA-256 over the certificate, eleven a word. */
export function fingerprintWords(der: Uint8Array): readonly string[] {
  const digest = createHash('sha256').update(der).digest();
  let bits = 0n;
  for (const byte of digest.subarray(0, 9)) bits = (bits << 8n) | BigInt(byte);
  return Array.from({ length: WORDS }, (_, index) => {
    const shift = BigInt(9 * 8 - WORD_BITS * (index + 1));
    return wordlist[Number((bits >> shift) & 0x7ffn)] ?? '';
  });
}

async function makeCertificate({ stateDir, names, engineBinary }: CertificatePlace): Promise<Result<void>> {
  const binary = engineBinary();
  if (!binary.ok) return binary;
  const flags = names.flatMap((name) => ['--name', name]);
  try {
    await promisify(execFile)(binary.value, ['certificate', '--out-dir', stateDir, ...flags], {
      timeout: MAKE_TIMEOUT_MS,
      encoding: 'utf8',
    });
    return ok(undefined);
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const said = (stderr ?? '').trim().replace(/^quicether-engine: /, '') || message;
    return fail('web.certificate', `cannot make the certificate of the pages: ${said.slice(0, 400)}`);
  }
}
