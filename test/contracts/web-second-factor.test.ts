import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemDigest } from '../../server/adapters/digest.ts';
import { simulatePeople } from '../../server/people/simulated-people.ts';
import { type Answer, type Browser, canServe, OWNER, tokenOf, WebBox } from './web-box.ts';

let box: WebBox;
let browser: Browser;

/** What an authenticator app shows (RFC 6238), from the secret in Base32. */
function codeOf(secret: string, nowMs: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret.replaceAll(' ', '')]
    .map((one) => alphabet.indexOf(one).toString(2).padStart(5, '0'))
    .join('');
  const key = Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(nowMs / 30_000)));
  const mac = Buffer.from(systemDigest.hmacSha1(key, counter));
  const at = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

const hidden = ({ text }: Answer, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';

async function enrol(): Promise<{ secret: string; recovery: string[] }> {
  const begun = await browser.send('/people/second-factor', { password: OWNER.password }, '/');
  expect(begun.status).toBe(200);
  const secret = hidden(begun, 'secret');
  const uri = hidden(begun, 'uri').replaceAll('&amp;', '&');
  const code = codeOf(secret, box.daemon.clock.nowMs());
  const on = await browser.post('/people/second-factor/confirm', { csrf: tokenOf(begun), secret, uri, code });
  expect([on.status, on.text.includes('Your phone code is on')]).toEqual([200, true]);
  return { secret, recovery: [...on.text.matchAll(/<li class="mono">([^<]+)<\/li>/g)].map(([, code]) => code ?? '') };
}

async function start(requiresSecondFactor: boolean): Promise<void> {
  box = new WebBox();
  const { people } = simulatePeople({ clock: box.daemon.clock, digest: systemDigest, requiresSecondFactor });
  Object.assign(box.daemon.world, { people });
  await box.start();
  browser = await box.ownersBrowser();
}

describe.skipIf(!canServe)('signing in with a code', () => {
  beforeEach(() => start(false));
  afterEach(() => box.stop());

  test('the password alone opens nothing; the code does, once', async () => {
    const { secret } = await enrol();
    box.daemon.clock.advance(60_000);
    const person = box.browser();
    const step = await person.send('/sign-in', { ...OWNER, next: '/lines' });
    expect([step.status, person.session, step.text.includes('Step 2 of 2')]).toEqual([200, undefined, true]);
    expect((await person.open('/lines')).status).toBe(303);
    const second = (code: string) =>
      person.post('/sign-in/code', { csrf: tokenOf(step), ticket: hidden(step, 'ticket'), next: '/lines', code });
    const wrong = await second('000000');
    expect([wrong.status, wrong.text.includes('The code is not right'), person.session]).toEqual([
      422,
      true,
      undefined,
    ]);
    const code = codeOf(secret, box.daemon.clock.nowMs());
    const right = await second(code);
    expect([right.status, right.headers['location']]).toEqual([303, '/lines']);
    expect((await person.open('/lines')).status).toBe(200);

    const thief = box.browser();
    const again = await thief.send('/sign-in', OWNER);
    const used = await thief.post('/sign-in/code', { csrf: tokenOf(again), ticket: hidden(again, 'ticket'), code });
    expect([used.status, used.text.includes('used already'), thief.session]).toEqual([422, true, undefined]);
  });

  test('a recovery code opens once; a ticket does not last', async () => {
    const { recovery } = await enrol();
    expect(recovery.length).toBeGreaterThanOrEqual(8);
    for (const expected of [303, 422]) {
      const person = box.browser();
      const step = await person.send('/sign-in', OWNER);
      const fields = { csrf: tokenOf(step), ticket: hidden(step, 'ticket'), code: recovery[0] ?? '' };
      expect((await person.post('/sign-in/code', fields)).status).toBe(expected);
    }
    const late = box.browser();
    const step = await late.send('/sign-in', OWNER);
    box.daemon.clock.advance(3_600_000);
    const fields = { csrf: tokenOf(step), ticket: hidden(step, 'ticket'), code: recovery[1] ?? '' };
    const answer = await late.post('/sign-in/code', fields);
    expect([answer.status, answer.headers['location'], late.session]).toEqual([303, '/sign-in', undefined]);
    expect((await late.open('/sign-in')).text).toContain('Sign in once more');
    expect((await late.open('/sign-in/code')).headers['location']).toBe('/sign-in');
  });
});

describe.skipIf(!canServe)('a box where everybody needs a code', () => {
  beforeEach(() => start(true));
  afterEach(() => box.stop());

  test('lets who has none do one thing: set it up', async () => {
    for (const path of ['/', '/people', '/system', '/activity']) {
      const answer = await browser.open(path);
      expect([path, answer.status, answer.text.includes('Set up a phone code first')]).toEqual([path, 403, true]);
    }
    expect((await browser.open('/events?show=pulse')).status).toBe(403);
    await enrol();
    expect((await browser.open('/')).status).toBe(200);
  });
});
