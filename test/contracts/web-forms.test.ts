import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseUserName } from '../../server/people/user-name.ts';
import { type Browser, canServe, headerOf, OWNER, tokenOf, WebBox } from './web-box.ts';

let box: WebBox;
let browser: Browser;
const refererOf = (path: string) => ({ Referer: `https://${box.host}${path}` });

describe.skipIf(!canServe)('a form that is sent when nobody is signed in any more', () => {
  beforeAll(async () => {
    box = await new WebBox().start();
    browser = await box.ownersBrowser();
  });
  afterAll(() => box.stop());

  const person = { new_name: 'anna', new_role: 'viewer', new_password: OWNER.password };

  test.each(['none', 'one that has ended'])('leads to sign in and back, with session: %s', async (kind) => {
    const leaving = box.browser();
    await leaving.send('/sign-in', OWNER);
    const csrf = tokenOf(await leaving.open('/people?sort=name'));
    if (kind === 'none') leaving.cookies.clear();
    else {
      const other = box.browser();
      other.cookies.set('__Host-session', leaving.session ?? '');
      await other.send('/sign-out', {}, '/');
    }
    const sent = await leaving.post('/people/add', { csrf, ...person }, refererOf('/people?sort=name'));
    expect([sent.status, sent.headers['location']]).toEqual([303, '/sign-in?next=%2Fpeople%3Fsort%3Dname']);
    const page = await leaving.open(headerOf(sent, 'location'));
    expect(page.text).toContain('You were signed out');
    expect(page.text).toContain('Nothing was changed. Sign in and send it again.');
    expect(page.text).toContain('value="/people?sort=name"');
    expect(box.daemon.world.people.users.list()).toMatchObject({ value: { length: 1 } });
  });

  test.each(['https://evil.example/people', 'nonsense', ''])('leads nowhere else: %j', async (Referer) => {
    const sent = await box.browser().post('/people/add', { csrf: 'x', ...person }, Referer ? { Referer } : {});
    expect([sent.status, sent.headers['location']]).toEqual([303, '/sign-in?next=%2F']);
  });

  test('to who is signed in, an old form links to its own page', async () => {
    const sent = await browser.post('/people/add', { csrf: 'old', ...person }, refererOf('/people?sort=name'));
    expect(sent.status).toBe(403);
    expect(sent.text).toContain('href="/people?sort=name">Open the form again</a>');
    expect(sent.text).toContain('Nothing was changed'.toLowerCase());
    expect(sent.text).not.toMatch(/You may not do this|Load its page/);
    const away = await browser.post('/people/add', { csrf: 'old' }, { Referer: 'https://evil.example/x' });
    expect(away.text).toContain('href="/">Open the form again</a>');
  });

  test('an old sign-in form leads to a new one', async () => {
    const sent = await box.browser().post('/sign-in', { csrf: 'old', ...OWNER });
    expect([sent.status, sent.text.includes('href="/sign-in">Open the form again</a>')]).toEqual([403, true]);
  });
});

describe.skipIf(!canServe)('a mistake in the claim form', () => {
  beforeEach(async () => {
    box = await new WebBox().start();
    browser = box.browser();
  });
  afterEach(() => box.stop());

  const fields = (more: Record<string, string> = {}) => ({
    same: 'yes',
    code: box.claimCode(),
    ...OWNER,
    password_again: OWNER.password,
    ...more,
  });
  const isTicked = (text: string) => /<input type="checkbox" id="same"[^>]* checked/.test(text);

  test.each([{ password_again: 'another one' }, { user_name: 'James Hartley' }])(
    'keeps tick and code, and no password: %o',
    async (mistake) => {
      const answer = await browser.send('/claim', fields(mistake as Record<string, string>));
      expect([answer.status, isTicked(answer.text)]).toEqual([422, true]);
      expect(answer.text).toContain(`value="${box.claimCode()}"`);
      expect(answer.text).not.toContain(OWNER.password);
    },
  );

  test('does not keep a code that is wrong, and says where the right one is', async () => {
    const answer = await browser.send('/claim', fields({ code: 'AAAA-AAAA-AAAA' }));
    expect([answer.status, isTicked(answer.text)]).toEqual([422, true]);
    expect(answer.text).not.toContain('AAAA-AAAA-AAAA');
    expect(answer.text).toContain('in the terminal where the box was started or on its console');
  });

  test('in a name is one to the browser when it is one to the box', async () => {
    const page = (await browser.open('/claim')).text;
    const pattern = /id="user_name"[^>]* pattern="([^"]*)"/.exec(page)?.[1] ?? '';
    const browsersRule = new RegExp(`^(?:${pattern})$`, 'v');
    const names = ['james', 'James', ' james ', 'j.h@x-y_z+1', 'James Hartley', '1james', 'jämes', '<b>', '', '-a'];
    for (const name of [...names, 'a'.repeat(64), 'a'.repeat(65)]) {
      expect([name, browsersRule.test(name)]).toEqual([name, parseUserName(name).ok]);
    }
  });

  test.each(['the same browser', 'another browser'])('of coming second is said, in %s', async (where) => {
    const csrf = tokenOf(await browser.open('/claim'));
    const anna = fields({ user_name: 'Anna' });
    const first = where === 'the same browser' ? browser : box.browser();
    expect((await first.send('/claim', fields())).status).toBe(303);
    const late = await browser.post('/claim', { csrf, ...anna });
    expect([late.status, late.headers['location']]).toEqual([303, '/']);
    let page = await browser.open('/');
    if (page.status === 303) page = await browser.open(headerOf(page, 'location'));
    expect(page.text).toContain('no account anna was made');
    // Who has it is for nobody to learn who is not signed in.
    expect(page.text.includes('signed in as james')).toBe(first === browser);
    if (first !== browser) expect(page.text).not.toContain('james');
  });
});
