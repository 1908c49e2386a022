import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Browser, canServe, headerOf, OWNER, tokenOf, WebBox } from './web-box.ts';

let box: WebBox;

describe.skipIf(!canServe)('a new box', () => {
  beforeEach(async () => {
    box = await new WebBox().start();
  });
  afterEach(() => box.stop());

  test.each(['/', '/people', '/sign-in', '/offices/qe1abc', '/nothing-there', '/events?show=pulse'])(
    'leads from %s to the claim page',
    async (path) => {
      const answer = await box.ask(path);
      expect([answer.status, answer.headers['location']]).toEqual([303, '/claim']);
    },
  );

  test('shows the words of its certificate and takes the code once', async () => {
    const browser = box.browser();
    const page = await browser.open('/claim');
    expect(page.status).toBe(200);
    for (const word of box.web.certificate.words) expect(page.text).toContain(`<li>${word}</li>`);
    const fields = { same: 'yes', code: box.claimCode(), ...OWNER, password_again: OWNER.password };
    const wrong = await browser.send('/claim', { ...fields, code: 'AAAA-AAAA-AAAA' });
    expect([wrong.status, wrong.text.includes('The claim code is not right')]).toEqual([422, true]);
    expect(wrong.text).not.toContain(OWNER.password);
    const claimed = await browser.send('/claim', fields);
    expect([claimed.status, claimed.headers['location']]).toEqual([303, '/']);
    const cookie = headerOf(claimed, 'set-cookie');
    expect(cookie).toMatch(/__Host-session=[^;]{20,}; Path=\/; HttpOnly; Secure; SameSite=Lax/);
    expect((await browser.open('/')).status).toBe(200);
    // From now on the page leads away, and the form of somebody who had it open does nothing.
    expect((await box.ask('/claim')).headers['location']).toBe('/');
    const late = await browser.post('/claim', { csrf: tokenOf(page), ...fields });
    expect(late.status).toBe(303);
    expect(box.daemon.world.people.users.list()).toMatchObject({ value: { length: 1 } });
  });

  test('names each field that is wrong and keeps what may be kept', async () => {
    const answer = await box.browser().send('/claim', {
      code: box.claimCode(),
      user_name: 'James "><script>',
      password: 'one long enough password',
      password_again: 'another one',
    });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('Compare the words first');
    expect(answer.text).not.toContain('"><script>');
    expect(answer.text).not.toContain('one long enough password');
    expect(answer.text).not.toContain(box.claimCode());
  });

  test('is no place for markup from a user name', async () => {
    const fields = { same: 'yes', code: box.claimCode(), password: OWNER.password, password_again: OWNER.password };
    const answer = await box.browser().send('/claim', { ...fields, user_name: '<img src=x onerror=alert(1)>' });
    expect(answer.status).toBe(422);
    expect(answer.text).not.toContain('<img');
  });
});

describe.skipIf(!canServe)('signing in', () => {
  let browser: Browser;
  beforeAll(async () => {
    box = await new WebBox().start();
    browser = await box.ownersBrowser();
  });
  afterAll(() => box.stop());

  test('comes first, and leads back to where somebody wanted to go', async () => {
    const stranger = box.browser();
    const refused = await stranger.open('/activity?who=james');
    expect([refused.status, refused.headers['location']]).toEqual([303, '/sign-in?next=%2Factivity%3Fwho%3Djames']);
    const page = await stranger.open(String(refused.headers['location']));
    expect(page.text).toContain('value="/activity?who=james"');
    const entered = await stranger.post('/sign-in', { csrf: tokenOf(page), ...OWNER, next: '/activity?who=james' });
    expect([entered.status, entered.headers['location']]).toEqual([303, '/activity?who=james']);
    expect((await stranger.open('/')).status).toBe(200);
  });

  test.each([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '/%09/evil.example',
    '\t//evil.example',
    '/x/..//evil.example/',
    'javascript:alert(1)',
    '/sign-in?next=/sign-in',
    `/${'a'.repeat(2_000)}`,
    '/\r\nSet-Cookie: a=b',
  ])('leads to no other place: %s', async (next) => {
    const stranger = box.browser();
    const entered = await stranger.send('/sign-in', { ...OWNER, next }, `/sign-in?next=${encodeURIComponent(next)}`);
    expect(entered.status).toBe(303);
    const target = new URL(String(entered.headers['location']), `https://${box.host}`);
    expect(target.host).toBe(box.host);
    expect(target.pathname).not.toBe('/sign-in');
    expect(Object.keys(entered.headers)).not.toContain('a');
  });

  test('gives a session of its own, whatever the browser had before', async () => {
    const victim = box.browser();
    // Somebody put his own session (or any text) there.
    for (const planted of [browser.session ?? '', 'planted-by-somebody-else']) {
      victim.cookies.clear();
      victim.cookies.set('__Host-session', planted);
      const page = await victim.open('/sign-in');
      if (page.status === 303) {
        // It was a live session: the victim is signed in as its owner, and has to sign out to sign in.
        continue;
      }
      const entered = await victim.post('/sign-in', { csrf: tokenOf(page), ...OWNER });
      expect(entered.status).toBe(303);
      expect(victim.session).not.toBe(planted);
      expect(victim.session?.length).toBeGreaterThanOrEqual(22);
    }
    expect((await box.ask('/', { headers: { Cookie: '__Host-session=planted-by-somebody-else' } })).status).toBe(303);
  });

  test('says the same of a wrong password and of a name that is not there, and then has to wait', async () => {
    const stranger = box.browser();
    const wrong = await stranger.send('/sign-in', { ...OWNER, password: 'not this one at all' });
    const nobody = await stranger.send('/sign-in', { user_name: 'nobody-here', password: 'not this one at all' });
    expect([wrong.status, nobody.status]).toEqual([422, 422]);
    const said = (text: string) => /role="alert">.*?<span>(.*?)<\/span>/s.exec(text)?.[1];
    expect(said(wrong.text)).toBe(said(nobody.text));
    expect(wrong.text).not.toContain('not this one at all');
    let last = wrong;
    for (let i = 0; i < 8; i++) last = await stranger.send('/sign-in', { ...OWNER, password: `wrong ${i}` });
    expect(last.status).toBe(429);
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('ends by signing out: the old cookie opens nothing', async () => {
    box.daemon.clock.advance(3_600_000);
    const leaving = box.browser();
    await leaving.send('/sign-in', OWNER);
    const session = leaving.session ?? '';
    expect((await leaving.open('/')).status).toBe(200);
    const out = await leaving.send('/sign-out', {}, '/');
    expect([out.status, out.headers['location'], leaving.session]).toEqual([303, '/sign-in', undefined]);
    expect((await box.ask('/', { headers: { Cookie: `__Host-session=${session}` } })).status).toBe(303);
    // By GET nothing ends.
    expect((await box.ask('/sign-out')).status).toBe(404);
  });

  test('a session that has run out leads to the sign-in page and back', async () => {
    const idle = box.browser();
    await idle.send('/sign-in', OWNER);
    box.daemon.clock.advance(40 * 24 * 3_600_000);
    const answer = await idle.open('/lines');
    expect([answer.status, answer.headers['location']]).toEqual([303, '/sign-in?next=%2Flines']);
    expect(idle.session).toBeUndefined();
    expect((await idle.open('/sign-in?next=%2Flines')).text).toContain('You were signed out');
  });

  test('the password is asked for again in a form, and the session is another one after it', async () => {
    const person = box.browser();
    await person.send('/sign-in', OWNER);
    const before = person.session;
    const wrong = await person.send('/password', { password: 'wrong', next: '/system' }, '/password?next=%2Fsystem');
    expect(wrong.status).toBe(422);
    const right = await person.send('/password', { ...OWNER, next: '/lines' }, '/password?next=%2Flines');
    expect([right.status, right.headers['location']]).toEqual([303, '/lines']);
    expect(person.session).not.toBe(before);
    expect((await person.open('/lines')).status).toBe(200);
  });
});
