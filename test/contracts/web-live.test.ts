import { request } from 'node:https';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MOST_OF_ONE } from '../../server/http/live-hub.ts';
import { OPERATIONS } from '../../server/operations/all.ts';
import { RpcClient } from '../../server/rpc/client.ts';
import { type Browser, canServe, headerOf, OWNER, tokenOf, WebBox } from './web-box.ts';

let box: WebBox;
let browser: Browser;

interface Stream {
  readonly status: number;
  text: string;
  ended: boolean;
  close(): void;
}

function watch(cookie: string, path = '/events?show=pulse,beat'): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const asking = request({
      host: '127.0.0.1',
      port: box.port,
      path,
      headers: { Cookie: cookie },
      rejectUnauthorized: false,
      agent: false,
    });
    asking.on('error', reject);
    asking.on('response', (response) => {
      const stream = { status: response.statusCode ?? 0, text: '', ended: false, close: () => asking.destroy() };
      response.on('data', (chunk: Buffer) => {
        stream.text += chunk.toString();
      });
      response.on('end', () => {
        stream.ended = true;
      });
      response.on('error', () => undefined);
      resolve(stream);
    });
    asking.end();
  });
}

describe.skipIf(!canServe)('live pages', () => {
  beforeEach(async () => {
    box = await new WebBox().start();
    browser = await box.ownersBrowser();
  });
  afterEach(() => box.stop());

  const cookie = () => browser.cookieHeader['Cookie'] ?? '';

  test('are told what is, over HTTP/1.1', async () => {
    const stream = await watch(cookie());
    await vi.waitFor(() => expect(stream.text).toMatch(/data: <hx-partial/), 5_000);
    expect(stream.status).toBe(200);
    stream.close();
  });

  test('and over HTTP/2, where headers of HTTP/1.1 would end the process', async () => {
    const session = box.http2();
    const stream = session.request({ ':path': '/events?show=pulse,beat', cookie: cookie() });
    let text = '';
    let status = 0;
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
    });
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await vi.waitFor(() => expect(text).toMatch(/data: <hx-partial/), 5_000);
    expect(status).toBe(200);
    // A page over the same connection meanwhile.
    const page = session.request({ ':path': '/', cookie: cookie() });
    const pageStatus = await new Promise((resolve) => page.on('response', (headers) => resolve(headers[':status'])));
    expect(pageStatus).toBe(200);
    session.destroy();
    expect((await browser.open('/')).status).toBe(200);
  });

  test('a stream of a library over HTTP/2 does not end the process either', async () => {
    // REST sends its events as web streams with `Transfer-Encoding`, as hono does.
    const session = box.http2();
    const stream = session.request({ ':path': '/api/v1/events', authorization: `Bearer ${browser.session}` });
    const headers = await new Promise<Record<string, unknown>>((resolve) => stream.on('response', resolve));
    expect(headers['transfer-encoding']).toBeUndefined();
    expect(Number(headers[':status'])).toBeLessThan(500);
    session.destroy();
    expect((await browser.open('/')).status).toBe(200);
  });

  test('cost the daemon one question a second, however many watch', async () => {
    const streams = await Promise.all(Array.from({ length: 15 }, () => watch(cookie())));
    await vi.waitFor(() => expect(streams.every(({ text }) => text.includes('data:'))).toBe(true), 5_000);
    box.calls.length = 0;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const asked = box.calls.filter(({ op }) => op.startsWith('office'));
    expect(asked.length).toBeGreaterThanOrEqual(2);
    expect(asked.length).toBeLessThanOrEqual(5);
    for (const stream of streams) stream.close();
  });

  test('browsers that vanish in the middle harm nobody', async () => {
    for (let round = 0; round < 4; round++) {
      const streams = await Promise.all(Array.from({ length: 10 }, () => watch(cookie())));
      const sessions = Array.from({ length: 5 }, () => box.http2());
      for (const session of sessions) {
        const stream = session.request({ ':path': '/events?show=pulse,beat', cookie: cookie() });
        stream.on('error', () => undefined);
        if (round % 2 === 0) await new Promise((resolve) => stream.once('data', resolve));
      }
      for (const stream of streams) stream.close();
      for (const session of sessions) session.destroy();
    }
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect((await browser.open('/')).status).toBe(200);
  });

  test('end with the session', async () => {
    const other = box.browser();
    await other.send('/sign-in', OWNER);
    const stream = await watch(other.cookieHeader['Cookie'] ?? '');
    const stays = await watch(cookie());
    await vi.waitFor(() => expect(stream.text).toContain('data:'), 5_000);
    expect((await other.send('/sign-out', {}, '/')).status).toBe(303);
    await vi.waitFor(() => expect(stream.ended).toBe(true), { timeout: 11_000, interval: 100 });
    expect(stream.text).toContain('event: signed-out');
    expect(stays.ended).toBe(false);
    stays.close();
  }, 20_000);

  test('a page that is left open and comes back by itself does not keep the session', async () => {
    box.daemon.clock.advance(20 * 60_000);
    const stream = await watch(cookie());
    expect(stream.status).toBe(200);
    box.daemon.clock.advance(20 * 60_000);
    expect((await watch(cookie())).status).toBe(401);
    stream.close();
  });

  test('are for who has signed in, know what there is to watch, and are bounded', async () => {
    expect((await watch('__Host-session=nobody')).status).toBe(401);
    expect((await watch('')).status).toBe(401);
    expect((await watch(cookie(), '/events?show=secrets')).status).toBe(404);
    expect((await watch(cookie(), '/events')).status).toBe(400);
    expect((await watch(cookie(), `/events?show=${Array(40).fill('pulse').join(',')}`)).status).toBe(400);
    const streams = await Promise.all(Array.from({ length: MOST_OF_ONE }, () => watch(cookie())));
    const refused = await browser.open('/events?show=pulse');
    expect([refused.status, headerOf(refused, 'retry-after')]).toEqual([503, '5']);
    for (const stream of streams) stream.close();
    await vi.waitFor(async () => {
      const again = await watch(cookie());
      again.close();
      expect(again.status).toBe(200);
    }, 5_000);
  });
});

describe.skipIf(!canServe)('the daemon away', () => {
  beforeEach(async () => {
    box = await new WebBox().start();
    browser = await box.ownersBrowser();
  });
  afterEach(() => box.stop());

  test('pages say so, change nothing, try again by themselves, and work when it is back', async () => {
    const before = await browser.open('/');
    const stream = await watch(browser.cookieHeader['Cookie'] ?? '');
    box.stopDaemon();
    await vi.waitFor(async () => expect((await browser.open('/')).status).toBe(503), 5_000);
    const away = await browser.open('/');
    expect(Number(away.headers['retry-after'])).toBeGreaterThan(0);
    expect(away.text).toMatch(/http-equiv="refresh"/);
    expect(away.headers['refresh']).toMatch(/^\d+$/);
    expect(away.text).not.toContain('/run/');
    expect(away.text).not.toContain(box.folder);
    expect(browser.session).toBeDefined();
    const referer = { Referer: `https://${box.host}/lines?x=1` };
    const form = await browser.post('/sign-out', { csrf: tokenOf(before) }, referer);
    expect([form.status, form.headers['refresh']]).toEqual([503, expect.stringMatching(/; url=\/lines\?x=1$/)]);
    expect(browser.session).toBeDefined();
    expect((await box.ask('/health')).status).toBe(503);
    await box.startDaemon();
    await vi.waitFor(async () => expect((await browser.open('/')).status).toBe(200), 5_000);
    // Who watched goes on watching: the stream was never ended.
    const said = stream.text.length;
    await vi.waitFor(() => expect(stream.text.length).toBeGreaterThan(said), 5_000);
    expect(stream.ended).toBe(false);
    stream.close();
  }, 20_000);

  test('many at once wait for nobody for long, and no more connections are opened than a few', async () => {
    box.stopDaemon();
    const startMs = performance.now();
    const answers = await Promise.all(Array.from({ length: 60 }, () => browser.open('/')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });
});

describe.skipIf(!canServe)('a web front that somebody has taken over', () => {
  beforeEach(async () => {
    box = await new WebBox().start();
    browser = await box.ownersBrowser();
  });
  afterEach(() => box.stop());

  test('has what anybody has, and what the sessions that it sees may do short of the password', async () => {
    const front = await RpcClient.connect(box.socket, 'taken over', { front: true });
    if (!front.ok) throw new Error(front.error.message);
    const call = async (method: string, params: object, session?: string) => {
      const onBehalf = { ...(session ? { session } : {}), source: '192.0.2.66', surface: 'page' as const };
      const answer = await front.value.call(method as never, params as never, { onBehalf });
      return answer.ok ? 'done' : answer.error.code;
    };
    // Without a session, and without saying on whose behalf.
    expect(await call('GetClaimState', {})).toBe('done');
    const asPage = { onBehalf: { source: '192.0.2.66', surface: 'page' as const } };
    for (const { method, role } of OPERATIONS) {
      if (role === 'anyone') continue;
      for (const options of [asPage, {}]) {
        const answer = await front.value.call(method as never, {} as never, options);
        expect([method, answer.ok ? 'done' : answer.error.code.split('.')[0]]).toEqual([method, 'permission']);
      }
    }
    // With a session that it saw: no new key to come back with, no other person, nothing that asks for the password.
    box.daemon.clock.advance(10 * 60_000);
    const session = browser.session ?? '';
    expect(await call('GetStatus', {}, session)).toBe('done');
    const token = { name: 'back-door', role: 'owner', expires_days: 365, sources: ['0.0.0.0/0'] };
    expect(await call('AddToken', token, session)).toBe('permission.password');
    expect(await call('ProvePassword', { password: 'guess' }, session)).toBe('people.wrong-password');
    for (const method of ['ResetPassword', 'GetClaimCode']) {
      expect([method, await call(method, { user_name: 'james' }, session)]).toEqual([method, 'permission.surface']);
    }
    front.value.close();
  });

  test('keeps nothing that it could lose: no database, no key but its own', async () => {
    const { readdirSync } = await import('node:fs');
    expect(readdirSync(`${box.folder}/web`)).toEqual(['web.pem']);
    expect(JSON.stringify(box.logged)).not.toContain(browser.session);
    expect(JSON.stringify(box.logged)).not.toContain(OWNER.password);
  });
});
