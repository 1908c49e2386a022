import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entropyToMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fail } from '../core/result.ts';
import { fingerprintWords, openCertificate, readCertificate, whyRenew } from './certificate.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-certificate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('six words are how a mnemonic of the same SHA-256 begins', () => {
  for (const text of ['', 'a', 'another certificate']) {
    const digest = createHash('sha256').update(text).digest();
    const mnemonic = entropyToMnemonic(digest.subarray(0, 16), wordlist).split(' ');
    expect(fingerprintWords(Buffer.from(text))).toEqual(mnemonic.slice(0, 6));
  }
});

describe('the certificate', () => {
  const place = () => ({ stateDir: folder, names: ['leeds'], engineBinary: () => fail('engine.no-program', 'none') });

  test('is none when there is none, or what is there is not one', () => {
    expect(readCertificate(folder)).toMatchObject({ error: { code: 'web.no-certificate' } });
    for (const text of [
      '',
      'garbage',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      'x'.repeat(1e5),
    ]) {
      writeFileSync(join(folder, 'web.pem'), text, { mode: 0o600 });
      expect(readCertificate(folder)).toMatchObject({ error: { code: 'web.no-certificate' } });
    }
  });

  test('is refused when others can read its key, and not made anew over it', async () => {
    writeFileSync(join(folder, 'web.pem'), 'x');
    chmodSync(join(folder, 'web.pem'), 0o640);
    expect(await openCertificate(place(), 0)).toMatchObject({ error: { code: 'permission.certificate' } });
  });

  test('cannot be read where a folder is', async () => {
    mkdirSync(join(folder, 'web.pem'), { mode: 0o700 });
    expect((await openCertificate(place(), 0)).ok).toBe(false);
  });

  test('is made anew three months before it ends', () => {
    const certificate = { pem: '', words: [], fingerprint: '', endsMs: Date.UTC(2029, 0, 1) };
    expect(whyRenew(certificate, Date.UTC(2028, 8, 1))).toBeUndefined();
    expect(whyRenew(certificate, Date.UTC(2028, 10, 1))).toContain('2029-01-01');
    expect(whyRenew(certificate, Date.UTC(2030, 0, 1))).toBeDefined();
  });
});
