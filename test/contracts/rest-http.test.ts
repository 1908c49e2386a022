import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canRun } from './contract-box.ts';
import { RestBox } from './rest-box.ts';

const PASSWORD = 'what the tide left on the sand';

describe.skipIf(!canRun)('REST over the wire', () => {
  const box = new RestBox();
  let auth = '';

  beforeAll(async () => {
    await box.start();
    const { code } = await box.local('GetClaimCode');
    const claimed = await box.ask('POST', '/claim', { body: { code, user_name: 'anna', password: PASSWORD } });
    auth = String(claimed.body['session']);
    await box.ask('POST', '/me/password-proof', { auth, body: { password: PASSWORD } });
  }, 60_000);
  afterAll(() => box.remove());

  const addToken = (more: object, headers: Record<string, string> = {}) =>
    box.ask('POST', '/tokens', { auth, headers, body: { name: 'x', role: 'viewer', expires_days: 1, ...more } });

  test('what is repeated under a key is done once; another body is refused; the right is asked for again', async () => {
    const headers = { 'Idempotency-Key': 'a1b2' };
    const first = await addToken({ name: 'once' }, headers);
    expect(first).toMatchObject({ status: 201, body: { token: expect.stringMatching(/^qet_/) } });
    expect((await addToken({ name: 'once' }, headers)).text).toBe(first.text);
    expect(await addToken({ name: 'twice' }, headers)).toMatchObject({ status: 422 });
    const { tokens } = (await box.local('GetTokens')) as { tokens: { name: string }[] };
    expect(tokens.filter(({ name }) => name === 'once')).toHaveLength(1);
    // Another session of the same person that has not given the password is not handed the secret.
    const other = await box.ask('POST', '/session', { body: { user_name: 'anna', password: PASSWORD } });
    const again = { name: 'once', role: 'viewer', expires_days: 1 };
    const stolen = { auth: String(other.body['session']), headers, body: again };
    expect(await box.ask('POST', '/tokens', stolen)).toMatchObject({
      status: 403,
      body: { code: 'permission.password' },
    });
    expect(await box.ask('POST', '/claim', { headers, body: {} })).toMatchObject({ status: 422 });
    const claim = { code: 'AAAA-AAAA-AAAA', user_name: 'eve', password: PASSWORD };
    expect(await box.ask('POST', '/claim', { headers, body: claim })).toMatchObject({
      status: 400,
      body: { code: 'idempotency.anonymous' },
    });
  });

  test('a token works from its networks only, and no longer once it is removed', async () => {
    const body = (await addToken({ name: 'far', sources: ['198.51.100.0/24'] })).body;
    expect(await box.ask('GET', '/status', { auth: String(body['token']) })).toMatchObject({ status: 401 });
    const near = (await addToken({ name: 'near', sources: ['127.0.0.1/32'] })).body;
    const asked = { auth: String(near['token']) };
    expect(await box.ask('GET', '/status', asked)).toMatchObject({ status: 200 });
    expect(await box.ask('GET', '/status', { ...asked, from: '127.0.0.9' })).toMatchObject({ status: 401 });
    // A source that the caller claims in a header is nobody's.
    const lying = {
      ...asked,
      from: '127.0.0.9',
      headers: { 'X-Forwarded-For': '127.0.0.1', Forwarded: 'for=127.0.0.1' },
    };
    expect(await box.ask('GET', '/status', lying)).toMatchObject({ status: 401 });
    await box.ask('DELETE', `/tokens/${near['token_id']}`, { auth });
    expect(await box.ask('GET', '/status', asked)).toMatchObject({ status: 401 });
  });

  test('two administrators who edit one thing: the second is told', async () => {
    const made = await box.ask('POST', '/users', {
      auth,
      body: { user_name: 'bert', role: 'viewer', password: PASSWORD },
    });
    const path = made.headers.location ?? '';
    const { etag = '' } = (await box.ask('GET', path, { auth })).headers;
    const put = (role: string, tag: string) =>
      box.ask('PUT', `${path}/role`, { auth, body: { role }, headers: { 'If-Match': tag } });
    expect(
      (await Promise.all([put('operator', etag), put('admin', etag)])).map(({ status }) => status).toSorted(),
    ).toEqual([204, 412]);
    expect(await box.ask('PUT', `${path}/role`, { auth, body: { role: 'viewer' } })).toMatchObject({ status: 428 });
    const now = await box.ask('GET', path, { auth });
    expect(await put('viewer', now.headers.etag ?? '')).toMatchObject({ status: 204 });
  });

  test.each([
    ['host', { Host: 'evil.example' }, 421],
    ['cookie alone', { Cookie: '__Host-session=SESSION' }, 401],
    [
      'cookie and header from elsewhere',
      { Cookie: '__Host-session=SESSION', 'X-QuicEther': '1', Origin: 'https://evil.example' },
      403,
    ],
    ['cookie and header', { Cookie: '__Host-session=SESSION', 'X-QuicEther': '1' }, 200],
    ['preflight', { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'PUT' }, 403],
  ])('a browser: %s', async (name, headers, status) => {
    const sent = Object.fromEntries(
      Object.entries(headers).map(([key, value]) => [key, value.replace('SESSION', auth)]),
    );
    const answer = await box.ask(name === 'preflight' ? 'OPTIONS' : 'GET', '/users', { headers: sent });
    expect(answer.status).toBe(status);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    if (status >= 400) expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  test.each([
    '/api/v1/../../../etc/passwd',
    '/api/v1/%2e%2e/%2e%2e/etc/passwd',
    '/api/v1/peers/..%2f..%2fusers',
    '/api/v1/users/%00',
    '/api/v1/users/%ff',
    '/api/v1//users',
    '/api/v2/users',
    '/api/v1/users/__proto__',
    '/api/v1/constructor',
    `/api/v1/users/${'x'.repeat(3_000)}`,
  ])('a path that leads nowhere: %s', async (path) => {
    const said = await raw(
      box,
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${auth}\r\nConnection: close\r\n\r\n`,
    );
    expect(said).toMatch(/^HTTP\/1\.1 (404|405|422) /);
    expect(said).not.toContain('root:');
  });

  test('two lengths, or two hosts, are refused', async () => {
    const smuggled = `POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/me HTTP/1.1\r\n\r\n`;
    expect(await raw(box, smuggled)).not.toMatch(/HTTP\/1\.1 [23]/);
    expect(await raw(box, 'GET /api/v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400/,
    );
  });

  test('a body without end is cut off, whether it says its length or not', async () => {
    const declared = { 'Content-Length': '999999999', 'Content-Type': 'application/json' };
    expect(await endless(box, declared)).toBe(413);
    expect(await endless(box, { 'Content-Type': 'application/json' })).toBe(413);
    expect(await box.ask('GET', '/claim')).toMatchObject({ status: 200 });
  });

  test('HEAD and OPTIONS, the document, and the reference without script', async () => {
    const head = await box.ask('HEAD', '/users', { auth });
    const get = await box.ask('GET', '/users/nobody', { auth });
    expect([head.status, head.text, get.status]).toEqual([200, '', 404]);
    expect((await box.ask('OPTIONS', '/users', { auth })).headers.allow).toBe('GET, HEAD, POST, OPTIONS');
    const patch = await box.ask('PATCH', '/users', { auth });
    expect([patch.status, patch.headers.allow]).toEqual([405, 'GET, HEAD, POST, PUT, DELETE, OPTIONS']);
    const document = await box.ask('GET', '/openapi.json');
    expect(document).toMatchObject({ status: 200, body: { openapi: '3.1.0' } });
    const headers = { 'If-None-Match': document.headers.etag ?? '' };
    expect(await box.ask('GET', '/openapi.json', { headers })).toMatchObject({ status: 304, text: '' });
    expect((await box.ask('GET', '/api')).headers.location).toBe('/api/v1/');
    const page = await box.ask('GET', '/api/v1/');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.text).toContain('<code>PUT /api/v1/users/{user_id}/role</code>');
    // Nothing from elsewhere: it is read where there is no internet.
    expect(page.text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });

  test('markup in a name stays what it is', async () => {
    const made = await addToken({ name: '<script>alert(1)</script>' });
    if (made.status !== 201) expect(made).toMatchObject({ status: 422 });
    const list = await box.ask('GET', '/tokens', { auth });
    expect(list.headers['content-type']).toBe('application/json');
    expect(list.headers['x-content-type-options']).toBe('nosniff');
  });

  test('events over HTTP/2 come and the process lives on', async () => {
    const text = await http2Events(box, auth);
    expect(text).toContain('event: begin');
    expect(text).toContain('event: offices');
    expect(await box.ask('GET', '/me', { auth })).toMatchObject({ status: 200 });
  });

  test('without the daemon every answer is 503, and with it again all is well', async () => {
    await box.box.run(['stop']);
    const away = await box.ask('GET', '/status', { auth });
    expect(away).toMatchObject({ status: 503, body: { code: 'daemon.not-reachable' } });
    expect(away.headers['retry-after']).toBe('2');
    await box.box.start();
    await expect.poll(async () => (await box.ask('GET', '/status', { auth })).status).toBe(200);
  }, 60_000);
});

function raw(box: RestBox, text: string): Promise<string> {
  const { port } = new URL(box.base);
  return new Promise((resolve) => {
    let got = '';
    const options = { host: '127.0.0.1', port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] };
    const socket = connectTls(options, () => socket.write(text));
    socket.setTimeout(5_000, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      got += chunk.toString();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(got));
  });
}

/** Sends until it is answered or cut off. */
function endless(box: RestBox, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const asking = request(`${box.base}/api/v1/session`, { method: 'POST', headers, rejectUnauthorized: false });
    const timer = setInterval(() => asking.write('x'.repeat(65_536)), 5);
    asking.on('response', ({ statusCode = 0 }) => {
      clearInterval(timer);
      asking.destroy();
      resolve(statusCode);
    });
    asking.on('error', () => clearInterval(timer));
  });
}

function http2Events(box: RestBox, auth: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(box.base, { rejectUnauthorized: false });
    session.on('error', reject);
    const stream = session.request({ ':path': '/api/v1/events?kinds=audit,offices', authorization: `Bearer ${auth}` });
    let got = '';
    stream.on('data', (chunk: Buffer) => {
      got += chunk.toString();
      if (!got.includes('event: offices') || !got.includes('event: begin')) return;
      session.destroy();
      resolve(got);
    });
    stream.on('end', () => resolve(got));
  });
}
