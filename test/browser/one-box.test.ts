import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { sleep, until } from '../lab/command.ts';
import type { Office } from '../lab/office.ts';
import { originOf } from '../lab/web.ts';
import { look, skipsToContent, tabThrough } from './look.ts';
import { Site } from './site.ts';
import { Phone } from './totp.ts';
import { Visitor } from './visitor.ts';

const PASSWORD = 'four quiet words here';

let site: Site;
let leeds: Office;
let anna: Visitor;
let phone: Phone;
/** When a change that nobody keeps is undone. */
let trialEndsMs = 0;

beforeAll(async () => {
  site = await Site.create();
  leeds = await site.office('leeds');
  anna = await Visitor.at(site.browser, originOf(leeds));
});
afterAll(() => site?.remove());
afterEach(() => expect(anna.complaints.splice(0)).toEqual([]));

test('a new box shows the words of its certificate, and its page can be used with the keyboard alone', async () => {
  await anna.open('/');
  expect(anna.path()).toBe('/claim');
  const shown = await anna.page.locator('.words').first().locator('li').allInnerTexts();
  expect(shown.join(' ')).toBe(await leeds.box.web.words());
  expect(await tabThrough(anna.page)).toEqual([]);
  expect(await skipsToContent(anna.page)).toBe(true);
  expect(await look(anna.page, 'claim')).toEqual([]);
});

test('a wrong claim code changes nothing and is said beside its field', async () => {
  await anna.claim('AAAA-BBBB-CCCC', 'Anna', PASSWORD);
  expect(anna.path()).toBe('/claim');
  expect(await anna.page.locator('#code-error').innerText()).toMatch(/code/);
  expect(await look(anna.page, 'claim-wrong-code')).toEqual([]);
  expect(await leeds.box.web.claimCode()).toMatch(/-/);
});

test('the code from the console makes the box hers and signs her in', async () => {
  await anna.claim(await leeds.box.web.claimCode(), 'Anna', PASSWORD);
  expect(anna.path()).toBe('/');
  expect(await anna.heading()).toMatch(/ready|connected/);
  expect(await tabThrough(anna.page)).toEqual([]);
  expect(await skipsToContent(anna.page)).toBe(true);
  expect(await look(anna.page, 'welcome')).toEqual([]);
  await expect(leeds.box.web.claimCode()).rejects.toThrow('claimed');
});

/** Where the engine listens. */
const listening = async () => (await leeds.box.snapshot()).listen.toSorted();

test('a new listen address that she keeps stays', async () => {
  await anna.open('/system');
  await anna.submit('Try these addresses', { 'Addresses and port': '0.0.0.0:9200' });
  expect(await listening()).toEqual(['0.0.0.0:9200']);
  expect(await anna.page.getByRole('timer').innerText()).toMatch(/^(60|5\d)\s+seconds left/);
  expect(await look(anna.page, 'countdown')).toEqual([]);
  await anna.press('Keep this change');
  expect(await anna.page.getByRole('timer').count()).toBe(0);
  expect(await leeds.box.call('GetTrial', {})).toEqual({ trial: null });
});

test('a change on trial belongs to who tries it: somebody else sees it and cannot keep it', async () => {
  await anna.open('/people');
  await anna.field(/^May/).selectOption('admin');
  await anna.submit('Add the person', { Name: 'cleo', 'First password': PASSWORD });
  const cleo = await Visitor.at(site.browser, originOf(leeds));
  await cleo.signIn('cleo', PASSWORD);
  await cleo.open('/system');
  await cleo.submit('Try these addresses', { 'Addresses and port': '0.0.0.0:9300' });
  expect(await listening()).toEqual(['0.0.0.0:9300']);
  trialEndsMs = Date.now() + 60_000;
  // Her browser is closed from here on; what comes of the change is looked at further down.
  expect(cleo.complaints).toEqual([]);
  await cleo.close();
  await anna.open('/system');
  expect(await anna.page.locator('#trial').innerText()).toMatch(/cleo is trying a change/);
  expect(await anna.page.getByRole('button', { name: 'Keep this change' }).count()).toBe(0);
  expect(await look(anna.page, 'countdown-of-another')).toEqual([]);
});

test('she sets up a phone code, which is asked for from then on; a wrong one does not get in', async () => {
  await anna.open('/people');
  await anna.submit('Set up a phone code');
  phone = new Phone(await anna.page.locator('code.long-code').first().innerText());
  expect(await look(anna.page, 'phone-code')).toEqual([]);
  await anna.type(/Six digits/, phone.code());
  await anna.press('Switch the phone code on');
  expect(await anna.heading()).toBe('Your phone code is on');
  expect(await anna.page.getByRole('list', { name: 'Recovery codes' }).locator('li').count()).toBeGreaterThan(7);
  expect(await look(anna.page, 'recovery-codes')).toEqual([]);

  await anna.press('Sign out');
  expect(anna.path()).toBe('/sign-in');
  expect(await tabThrough(anna.page)).toEqual([]);
  expect(await skipsToContent(anna.page)).toBe(true);
  expect(await look(anna.page, 'sign-in')).toEqual([]);
  await anna.signIn('Anna', PASSWORD);
  expect(await look(anna.page, 'sign-in-code')).toEqual([]);
  await anna.type(/Six digits/, '000000');
  await anna.press('Sign in');
  expect(await anna.page.locator('#code-error').innerText()).toMatch(/code/);
  await anna.type(/Six digits/, phone.code());
  await anna.press('Sign in');
  expect(anna.path()).toBe('/');
  anna.takePhone(phone);
});

test('a session that she ends is over at once', async () => {
  const laptop = await Visitor.at(site.browser, originOf(leeds));
  await laptop.signIn('Anna', PASSWORD, phone);
  expect(laptop.path()).toBe('/');
  await anna.open('/people');
  await anna.press(/^End the session/);
  await laptop.open('/people');
  expect(laptop.path()).toBe('/sign-in');
  expect(laptop.complaints).toEqual([]);
  await laptop.close();
});

test('a change that nobody keeps is undone after its minute, with the browser that made it closed', async () => {
  expect(await listening()).toEqual(['0.0.0.0:9300']);
  await sleep(Math.max(0, trialEndsMs - 3000 - Date.now()));
  expect(await listening()).toEqual(['0.0.0.0:9300']);
  await until('the box to go back', 8000, async () => (await listening()).includes('0.0.0.0:9200') || undefined);
}, 90_000);

test('without the daemon the page says so, and comes back by itself when it is there again', async () => {
  await anna.open('/system');
  await anna.submit('Try these addresses', { 'Addresses and port': '0.0.0.0:9400' });
  await leeds.box.killDaemon();
  expect(await anna.open('/system')).toBe(503);
  const said = await anna.page.locator('main').innerText();
  expect(said).toMatch(/does not answer|not running|again/);
  expect(await look(anna.page, 'away')).toEqual([]);
  await leeds.box.start();
  await anna.page.locator('h1', { hasText: /^System$/ }).waitFor({ timeout: 15_000 });
  // Nobody could have kept what was on trial: it is undone, and what was kept before is still there.
  expect(await listening()).toEqual(['0.0.0.0:9200']);
});

test('a database that is damaged is kept as it is, and what to do is said', async () => {
  await leeds.box.stop();
  const file = join(leeds.box.stateDirectory, 'box.db');
  const garbage = 'this was a database\n'.repeat(1000);
  for (const suffix of ['', '-wal', '-shm']) writeFileSync(`${file}${suffix}`, suffix ? '' : garbage);
  await leeds.box.start();
  expect(leeds.box.log()).toMatch(/box\.db: the database is damaged/);
  expect(readFileSync(file, 'utf8')).toBe(garbage);
  const told = /box\.db: the database is damaged.*tunnel goes on.*move the file/s;
  await until('a page that says so', 15_000, async () => {
    expect(await anna.open('/')).toBeGreaterThanOrEqual(400);
    expect(await anna.page.locator('main').innerText()).toMatch(told);
    return true;
  });
  expect(await look(anna.page, 'damaged')).toEqual([]);
});
