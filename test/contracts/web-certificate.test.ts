import type { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { locateEngine } from '../../server/adapters/key-tool.ts';
import { systemClock } from '../../server/adapters/system-clock.ts';
import { fingerprintWords, openCertificate } from '../../server/http/certificate.ts';
import { canServe, WebBox } from './web-box.ts';

const root = join(import.meta.dirname, '../..');
const DAY_MS = 24 * 3_600_000;
let box: WebBox;

beforeEach(async () => {
  box = await new WebBox().start({ hosts: ['leeds.example', '2001:db8::7', 'not_a-name.', 'fe80::1'] });
});
afterEach(() => box.stop());

const place = () => ({
  stateDir: join(box.folder, 'web'),
  names: ['leeds'],
  engineBinary: () => locateEngine({}, join(root, 'server/main.ts')),
});

test.skipIf(!canServe)('is what the TLS connection shows, with the names of the box in it', async () => {
  const socket: TLSSocket = await box.raw();
  const shown = socket.getPeerX509Certificate() as X509Certificate;
  expect(fingerprintWords(shown.raw)).toEqual(box.web.certificate.words);
  expect(shown.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  expect(shown.checkHost('leeds.example')).toBe('leeds.example');
  expect(shown.checkHost('gateway.home.arpa')).toBe('gateway.home.arpa');
  expect(shown.checkIP('2001:db8::7')).toBe('2001:db8::7');
  expect(shown.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(shown.ca).toBe(false);
  expect(socket.getProtocol()).toBe('TLSv1.3');
  expect(statSync(join(box.folder, 'web/web.pem')).mode & 0o777).toBe(0o600);
  socket.destroy();
});

test.skipIf(!canServe)('is kept across restarts, made anew in time, and when it is broken', async () => {
  const { words, endsMs } = box.web.certificate;
  expect(endsMs - Date.now()).toBeLessThan(825 * DAY_MS);
  const again = await openCertificate(place(), Date.now());
  expect(again).toMatchObject({ ok: true, value: { words } });
  const inTime = await openCertificate(place(), endsMs - 80 * DAY_MS);
  expect(inTime).toMatchObject({ ok: true, value: { madeWhy: expect.stringContaining('ends') } });
  if (inTime.ok) expect(inTime.value.words).not.toEqual(words);
  const path = join(box.folder, 'web/web.pem');
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, 300));
  expect(await openCertificate(place(), Date.now())).toMatchObject({
    ok: true,
    value: { madeWhy: expect.any(String) },
  });
  rmSync(path);
  expect((await openCertificate(place(), Date.now())).ok).toBe(true);
});

test.skipIf(!canServe)('is renewed while the pages are served', async () => {
  const timers: { delayMs: number; callback: () => void }[] = [];
  let offsetMs = 0;
  const clock = {
    ...systemClock,
    nowMs: () => Date.now() + offsetMs,
    setTimer: (delayMs: number, callback: () => void) => {
      if (delayMs > 3_600_000) timers.push({ delayMs, callback });
      return () => undefined;
    },
  };
  const other = await new WebBox().start({ clock });
  const before = other.web.certificate.words;
  offsetMs = 800 * DAY_MS;
  timers.at(-1)?.callback();
  await expect
    .poll(
      async () => {
        const socket = await other.raw();
        const shown = fingerprintWords((socket.getPeerX509Certificate() as X509Certificate).raw);
        socket.destroy();
        return shown;
      },
      { timeout: 5_000 },
    )
    .not.toEqual(before);
  expect(JSON.stringify(other.logged)).toContain('a new certificate was made');
  other.stop();
});
