import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ok } from '../../server/core/result.ts';
import type { StagingFile, SystemPort } from '../../server/operations/system-port.ts';
import { UpdateDesk } from '../../server/operations/update-desk.ts';
import { type Browser, canServe, tokenOf, WebBox } from './web-box.ts';

let box: WebBox;
let browser: Browser;
let staged: Buffer[] = [];

const BOUNDARY = '----WebKitFormBoundary7MA4YWxkTrZu0gW';

function formOf(csrf: string, file: Buffer, name = 'bundle.gwu'): Buffer {
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n${csrf}\r\n--${BOUNDARY}\r\nContent-Disposition: form-data; name="bundle"; filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), file, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]);
}

async function send(file: Buffer, more: { csrf?: string; name?: string; body?: Buffer; cookie?: boolean } = {}) {
  const csrf = more.csrf ?? tokenOf(await browser.open('/'));
  return box.ask('/system/update', {
    method: 'POST',
    body: more.body ?? formOf(csrf, file, more.name),
    headers: {
      'Content-Type': `multipart/form-data; boundary=${BOUNDARY}`,
      Origin: `https://${box.host}`,
      ...(more.cookie === false ? {} : browser.cookieHeader),
    },
  });
}

describe.skipIf(!canServe)('an update file', () => {
  beforeEach(async () => {
    staged = [];
    box = new WebBox();
    const staging: StagingFile = {
      begin: async () => ok(undefined),
      append: async (part: Uint8Array) => {
        staged.push(Buffer.from(part));
        return ok(undefined);
      },
      finish: async () => ok(undefined),
      remove: async () => {
        staged = [];
      },
    };
    // Only what an upload touches of it.
    const updates = new UpdateDesk({
      clock: box.daemon.clock,
      system: {} as SystemPort,
      staging,
      newId: () => 'u_1',
    });
    Object.assign(box.daemon.world, { system: { port: {} as SystemPort, updates } });
    await box.start();
    browser = await box.ownersBrowser();
  });
  afterEach(() => box.stop());

  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

  test.each([1, 1_000, 384 * 1024, 384 * 1024 + 1, 3_000_000])('of %i bytes arrives whole', async (size) => {
    const file = randomBytes(size);
    const answer = await send(file);
    expect([answer.status, answer.headers['location']]).toEqual([303, '/system?upload=u_1']);
    expect(hash(Buffer.concat(staged))).toBe(hash(file));
    expect(Math.max(...staged.map((part) => part.length))).toBeLessThanOrEqual(384 * 1024);
  });

  test('is taken whatever it is called, and whatever looks like the end of the form in it', async () => {
    const file = Buffer.concat([randomBytes(500), Buffer.from(`\r\n--${BOUNDARY}--\r\n`), randomBytes(500)]);
    expect((await send(file, { name: '../../../etc/cron.d/x' })).status).toBe(303);
    expect(hash(Buffer.concat(staged))).toBe(hash(file));
  });

  test('is not taken without the token, the session or a file', async () => {
    const file = randomBytes(1_000);
    expect((await send(file, { csrf: 'x' })).status).toBe(403);
    expect((await send(file, { cookie: false })).status).toBe(303);
    expect((await send(Buffer.alloc(0))).status).toBe(400);
    const csrf = tokenOf(await browser.open('/'));
    const without = Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n${csrf}\r\n--${BOUNDARY}--\r\n`,
    );
    expect((await send(file, { body: without })).status).toBe(400);
    expect(staged).toEqual([]);
  });

  test.each([
    ['a form that goes on after the file', (form: Buffer) => Buffer.concat([form, Buffer.from('more')])],
    ['a form that has lost its end', (form: Buffer) => form.subarray(0, -7)],
    ['garbage', () => randomBytes(9_000)],
    [
      'fields without end',
      () => Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n${'x'.repeat(20_000)}`),
    ],
    ['headers without end', () => Buffer.from(`--${BOUNDARY}\r\n${'X: y\r\n'.repeat(3_000)}`)],
  ])('is refused as %s', async (_, spoil) => {
    const csrf = tokenOf(await browser.open('/'));
    const answer = await send(Buffer.alloc(0), { body: spoil(formOf(csrf, randomBytes(2_000))) });
    expect([400, 403]).toContain(answer.status);
  });

  test('is refused in words when this machine is no appliance', async () => {
    Object.assign(box.daemon.world, { system: undefined });
    const answer = await send(randomBytes(2_000_000));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.text).toContain('not booted from the appliance image');
  });
});
