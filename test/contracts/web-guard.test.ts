import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rates } from '../../server/http/rates.ts';
import { type Answer, type Browser, canServe, headerOf, OWNER, tokenOf, WebBox } from './web-box.ts';

let box: WebBox;
let browser: Browser;

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };

describe.skipIf(!canServe)('what is refused before anything is asked', () => {
  beforeAll(async () => {
    box = await new WebBox().start({ hosts: ['leeds.example', '2001:db8::7'] });
    browser = await box.ownersBrowser();
  });
  afterAll(() => box.stop());

  const ROUTES = ['/', '/claim', '/sign-in', '/assets/style.css', '/events', '/api/v1/status', '/nothing', '/health'];

  test.each(ROUTES)('a name that is not ours, at %s', async (path) => {
    for (const host of ['evil.example', '169.254.169.254', 'leeds.example.evil', 'a b', '[::2]', `127.0.0.1.evil`]) {
      const answer = await box.ask(path, { headers: { Host: host, ...browser.cookieHeader } });
      expect([host, answer.status]).toEqual([host, 421]);
      expect(answer.text).not.toContain('james');
    }
  });

  test.each([
    '127.0.0.1',
    'LOCALHOST:9',
    'leeds',
    'leeds.',
    'gateway.home.arpa:443',
    'leeds.example',
    '[2001:db8::7]:443',
  ])('but not our own: %s', async (host) => {
    expect((await browser.open('/sign-in', { Host: host })).status).toBe(303);
  });

  test.each(['', 'Host:\r\n', 'Host: leeds\r\nHost: evil.example\r\n', 'Host: evil.example\r\nHost: leeds\r\n'])(
    'no host, or two: %j',
    async (lines) => {
      const socket = await box.raw();
      socket.write(`GET / HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`);
      expect(await everything(socket)).toMatch(/^HTTP\/1\.1 (?:400|421)/);
    },
  );

  test('over HTTP/2 too, and two names at once', async () => {
    const session = box.http2();
    const ask = (headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        const stream = session.request({ ':path': '/', ...headers });
        stream.on('response', (got) => resolve(Number(got[':status'])));
        stream.on('error', reject);
        stream.resume();
      });
    expect(await ask({ ':authority': 'evil.example' })).toBe(421);
    expect(await ask({ ':authority': box.host })).toBe(303);
    expect(await ask({ ':authority': box.host, host: 'evil.example' })).not.toBe(200);
    session.destroy();
  });

  test('the name a browser may be told is shown as text', async () => {
    const answer = await box.ask('/', { headers: { Host: 'evil.example' } });
    expect(answer.text).toContain('evil.example');
    const markup = await box.ask('/', { headers: { Host: '"><script>alert(1)</script>' } });
    expect(markup.text).not.toContain('<script>');
  });

  test('every answer carries its headers', async () => {
    for (const path of [...ROUTES, '/activity']) {
      const answer = await browser.open(path);
      expect(headerOf(answer, 'content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headerOf(answer, 'content-security-policy')).not.toMatch(/unsafe|\*|http:/);
      expect(headerOf(answer, 'x-content-type-options')).toBe('nosniff');
      expect(headerOf(answer, 'referrer-policy')).toBe('same-origin');
      expect(headerOf(answer, 'cross-origin-opener-policy')).toBe('same-origin');
      expect(headerOf(answer, 'cross-origin-resource-policy')).toBe('same-origin');
      expect(headerOf(answer, 'cache-control')).toMatch(/no-store/);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      expect(answer.headers['x-powered-by'] ?? answer.headers['server']).toBeUndefined();
    }
  });

  test('a nonce is good for one answer, and files may be kept for good', async () => {
    const nonces = new Set<string>();
    let page = '';
    for (let i = 0; i < 5; i++) {
      const answer = await browser.open('/');
      page = answer.text;
      const nonce = /'nonce-([^']{22,})'/.exec(headerOf(answer, 'content-security-policy'))?.[1] ?? '';
      expect(page).toContain(`nonce="${nonce}"`);
      nonces.add(nonce);
    }
    expect(nonces.size).toBe(5);
    const [style] = /\/assets\/style\.[0-9a-f]{12}\.css/.exec(page) ?? [''];
    for (const encoding of ['br', 'gzip', 'identity']) {
      const answer = await box.ask(style, { headers: { 'Accept-Encoding': encoding } });
      expect([answer.status, headerOf(answer, 'cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
      expect(answer.headers['content-encoding']).toBe(encoding === 'identity' ? undefined : encoding);
    }
  });

  test.each([
    '/assets/../../package.json',
    '/assets/%2e%2e/%2e%2e/package.json',
    '/assets/..%2fstyle.css',
    '/assets/style.css%00',
    '/assets//etc/passwd',
  ])('no file but those: %s', async (path) => {
    const socket = await box.raw();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${box.host}\r\nConnection: close\r\n\r\n`);
    const text = await everything(socket);
    expect(text).toMatch(/^HTTP\/1\.1 (?:404|400|303)/);
    expect(text).not.toContain('quicether"');
  });
});

describe.skipIf(!canServe)('what another website has a browser send', () => {
  beforeAll(async () => {
    box = await new WebBox().start();
    browser = await box.ownersBrowser();
  });
  afterAll(() => box.stop());

  const out = async (headers: Record<string, string>, token?: string) => {
    const csrf = token ?? tokenOf(await browser.open('/'));
    return box.ask('/sign-out', {
      method: 'POST',
      body: new URLSearchParams({ csrf }).toString(),
      headers: { ...FORM, ...browser.cookieHeader, ...headers },
    });
  };
  const isStillIn = async () => (await browser.open('/')).status === 200;

  test.each([
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { Origin: 'http://127.0.0.1' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-User': '?1' },
    { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://127.0.0.1.evil.example' },
  ])('changes nothing, even with the token: %o', async (headers) => {
    expect((await out(headers as Record<string, string>)).status).toBe(403);
    expect(await isStillIn()).toBe(true);
  });

  test.each(['', 'x', 'A'.repeat(43), 'é'.repeat(43)])('changes nothing with the token %j', async (token) => {
    const answer = await out({ Origin: `https://${box.host}`, 'Sec-Fetch-Site': 'same-origin' }, token);
    expect([answer.status, answer.text.includes('out of date')]).toEqual([403, true]);
    expect(await isStillIn()).toBe(true);
  });

  test('changes nothing with the token of another session', async () => {
    const other = box.browser();
    await other.send('/sign-in', OWNER);
    const token = tokenOf(await other.open('/'));
    expect((await out({ Origin: `https://${box.host}` }, token)).status).toBe(403);
    expect(await isStillIn()).toBe(true);
    expect(token).not.toContain(other.session ?? '?');
  });

  test('signs nobody in as somebody else', async () => {
    // The attacker has a visit of his own and its token, but cannot give the victim's browser the cookie.
    const attacker = box.browser();
    const csrf = tokenOf(await attacker.open('/sign-in'));
    const victim = box.browser();
    const answer = await victim.post('/sign-in', { csrf, ...OWNER }, { Origin: 'https://evil.example' });
    expect(answer.status).toBe(403);
    expect((await victim.post('/sign-in', { csrf, ...OWNER })).status).toBe(403);
    expect(victim.session).toBeUndefined();
  });

  test('reads nothing but what somebody followed as a link', async () => {
    const read = (path: string, headers: Record<string, string>) => browser.open(path, headers);
    expect((await read('/', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' })).status).toBe(200);
    expect((await read('/', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' })).status).toBe(403);
    expect(
      (await read('/events?show=pulse', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors' })).status,
    ).toBe(403);
  });

  test.each(['TRACE', 'PATCH', 'CONNECT', 'PROPFIND', 'OPTIONS'])('has no use for %s', async (method) => {
    const answer = await box.ask('/', { method, headers: browser.cookieHeader }).catch(() => undefined);
    expect(answer?.status ?? 405).toBeGreaterThanOrEqual(400);
    expect(answer?.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('no form of a page works by GET, PUT or DELETE', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const csrf = tokenOf(await browser.open('/'));
      const answer = await box.ask(`/sign-out?csrf=${csrf}`, {
        method,
        headers: { ...FORM, ...browser.cookieHeader },
        ...(method === 'GET' ? {} : { body: `csrf=${csrf}` }),
      });
      expect(answer.status).toBe(404);
      expect(await isStillIn()).toBe(true);
    }
  });
});

describe.skipIf(!canServe)('what costs too much', () => {
  beforeAll(async () => {
    box = await new WebBox().start({ limits: { headersMs: 600, firstByteMs: 600, idleMs: 1_500, ofOneSource: 12 } });
    browser = await box.ownersBrowser();
  });
  afterAll(() => box.stop());

  const post = (body: string, headers: Record<string, string> = {}) =>
    box.ask('/sign-in', { method: 'POST', body, headers: { ...FORM, Origin: `https://${box.host}`, ...headers } });

  test('a form over 16 kB', async () => {
    const answer = await post(`a=${'x'.repeat(20_000)}`);
    expect([answer.status, answer.text.includes('16 kB')]).toEqual([413, true]);
  });

  test('the same without saying how long it is', async () => {
    const socket = await box.raw();
    socket.on('error', () => undefined);
    socket.write(
      `POST /sign-in HTTP/1.1\r\nHost: ${box.host}\r\nContent-Type: ${FORM['Content-Type']}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const chunk = `1000\r\n${'x'.repeat(4_096)}\r\n`;
    for (let i = 0; i < 10; i++) socket.write(chunk);
    expect(await everything(socket)).toMatch(/^HTTP\/1\.1 413/);
  });

  test('too many fields, something that is no form, bytes that are no text', async () => {
    expect((await post(Array.from({ length: 101 }, (_, i) => `f${i}=1`).join('&'))).status).toBe(400);
    expect((await post('{"csrf":"x"}', { 'Content-Type': 'application/json' })).status).toBe(400);
    expect((await post('csrf=x', { 'Content-Type': 'multipart/form-data; boundary=x' })).status).toBe(400);
    expect((await post('csrf=%00&__proto__=1&constructor=2')).status).toBe(403);
  });

  test('long or many headers, a long address', async () => {
    expect(
      (await box.ask('/', { headers: { 'X-Long': 'x'.repeat(20_000) } }).catch(() => ({ status: 431 }))).status,
    ).toBe(431);
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`X-${i}`, '1']));
    expect((await box.ask('/', { headers: many })).status).toBe(431);
    expect((await box.ask(`/${'a'.repeat(5_000)}`)).status).toBe(414);
  });

  test('headers that never end, over both protocols, and a handshake that never begins', async () => {
    const slow = await box.raw();
    slow.on('error', () => undefined);
    const startMs = performance.now();
    const drip = setInterval(() => slow.write('X-A: b\r\n'), 100);
    slow.write(`GET / HTTP/1.1\r\nHost: ${box.host}\r\n`);
    await everything(slow);
    clearInterval(drip);
    expect(performance.now() - startMs).toBeLessThan(4_000);
    const silent = connect({ host: '127.0.0.1', port: box.port });
    silent.on('error', () => undefined);
    await new Promise((resolve) => silent.on('close', resolve));
    const half = connect({ host: '127.0.0.1', port: box.port });
    half.on('error', () => undefined);
    half.write(Buffer.from([0x16, 0x03, 0x01]));
    await new Promise((resolve) => half.on('close', resolve));
    expect(performance.now() - startMs).toBeLessThan(9_000);
  });

  test('an HTTP/2 connection on which nothing happens', async () => {
    const session = box.http2();
    const startMs = performance.now();
    await new Promise((resolve) => session.on('close', resolve));
    expect(performance.now() - startMs).toBeLessThan(6_000);
  });

  test('large forms and headers over HTTP/2, and streams that are opened and thrown away', async () => {
    const session = box.http2();
    const post = (body: string, headers: Record<string, string> = {}) =>
      new Promise<number>((resolve) => {
        const stream = session.request({
          ':path': '/sign-in',
          ':method': 'POST',
          'content-type': FORM['Content-Type'],
          ...headers,
        });
        stream.on('response', (got) => resolve(Number(got[':status'])));
        stream.on('error', () => resolve(0));
        stream.on('close', () => resolve(0));
        stream.resume();
        stream.end(body);
      });
    expect(await post(`a=${'x'.repeat(20_000)}`)).toBe(413);
    expect(await post('a=b', Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`x-${i}`, '1'])))).not.toBe(200);
    expect([0, 431]).toContain(await post('a=b', { 'x-long': 'x'.repeat(30_000) }));
    session.destroy();
    for (let round = 0; round < 3; round++) {
      const flood = box.http2();
      for (let i = 0; i < 3_000 && !flood.destroyed; i++) {
        const stream = flood.request({ ':path': '/health' });
        stream.on('error', () => undefined);
        stream.close(8);
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
      flood.destroy();
    }
    expect((await browser.open('/')).status).toBe(200);
  });

  test('more connections of one address than it may have; the others go on', async () => {
    const held = await Promise.all(Array.from({ length: 12 }, () => box.raw().catch(() => undefined)));
    await expect(box.raw()).rejects.toThrow();
    for (const socket of held) socket?.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await browser.open('/')).status).toBe(200);
  });

  test('HTTP on the port of HTTPS is sent on', async () => {
    const say = async (text: string) => {
      const socket = connect({ host: '127.0.0.1', port: box.port });
      socket.write(text);
      return everything(socket);
    };
    const sent = await say(`GET /activity?a=b HTTP/1.1\r\nHost: ${box.host}\r\n\r\n`);
    expect(sent).toMatch(/^HTTP\/1\.1 308/);
    expect(sent).toContain(`Location: https://${box.host}/activity?a=b\r\n`);
    const foreign = await say('GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n');
    expect([foreign.slice(9, 12), foreign.includes('Location')]).toEqual(['421', false]);
    expect(await say('\0\0\0\0\r\n\r\n')).toMatch(/^HTTP\/1\.1 400|^$/);
  });
});

describe.skipIf(!canServe)('too many requests', () => {
  test('are told when to come back, and then may', async () => {
    box = await new WebBox().start({ rates: new Rates({ burst: 20, perSecond: 10 }) });
    const answers: Answer[] = [];
    for (let i = 0; i < 30; i++) answers.push(await box.ask('/health'));
    const refused = answers.find(({ status }) => status === 429);
    expect(Number(refused?.headers['retry-after'])).toBe(1);
    expect(refused?.text).toContain('Wait 1 s');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await box.ask('/health')).status).toBe(200);
    box.stop();
  });
});

/** All that comes until the other side closes. */
function everything(socket: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on('error', () => resolve(text));
    socket.on('close', () => resolve(text));
  });
}
