import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from '../lab/command.ts';
import type { Office } from '../lab/office.ts';
import { untilReachable } from '../lab/tunnel.ts';
import { originOf } from '../lab/web.ts';
import { look, tabThrough } from './look.ts';
import { Site } from './site.ts';
import { Visitor } from './visitor.ts';

const PASSWORD = 'four quiet words here';
const MARKUP = '<img src=x onerror=alert(1)>';

let site: Site;
let leeds: Office;
let york: Office;
/** A box whose owner means no good. */
let evil: Office;
/** Owner of Leeds, at a desk. */
let anna: Visitor;
/** Owner of York, with a telephone that runs no scripts. */
let ben: Visitor;

beforeAll(async () => {
  site = await Site.create();
  [leeds, york] = await Promise.all([site.office('leeds'), site.office('york')]);
  anna = await Visitor.at(site.browser, originOf(leeds));
  const telephone = { javaScriptEnabled: false, viewport: { width: 360, height: 740 } };
  ben = await Visitor.at(site.browser, originOf(york), telephone);
});
afterAll(() => site?.remove());
afterEach(() => expect([...anna.complaints.splice(0), ...ben.complaints.splice(0)]).toEqual([]));

/** Waits until the first page of an office says this of the other, without anybody touching it. */
const untilHomeSays = (visitor: Visitor, state: string) =>
  visitor.page.locator(`#verdict .state[data-state=${state}]`).waitFor({ timeout: 20_000 });

const identityOf = (visitor: Visitor) =>
  visitor.page.locator('#identity-part code, code.long-code').first().innerText();

test('both are claimed, one of them without scripts', async () => {
  await anna.claim(await leeds.box.web.claimCode(), 'Anna', PASSWORD);
  expect(anna.path()).toBe('/');
  await ben.claim(await york.box.web.claimCode(), 'Ben', PASSWORD);
  expect(ben.path()).toBe('/');
});

test('Leeds adds York, York accepts, and both say that it works as soon as a probe came back', async () => {
  await ben.open('/offices/add');
  const nodeId = await identityOf(ben);
  expect(nodeId).toBe(await york.box.nodeId());
  await anna.open('/offices/add');
  await anna.type('Name of the office', 'York');
  await anna.type('Its address', `${york.ipv4}:9000`);
  await anna.type('Its identity', nodeId);
  await anna.press('Add the office');
  await anna.open('/');
  expect(await anna.page.locator('#verdict .state[data-state=working]').count()).toBe(0);

  await until('Leeds to ask in York', 10_000, async () => {
    await ben.open('/offices/add');
    return (await ben.page.getByRole('button', { name: /^Accept/ }).count()) > 0 || undefined;
  });
  await ben.press(/^Accept/);
  await untilHomeSays(anna, 'working');
  expect(await anna.heading()).toMatch(/York are working together/);
  await untilReachable(leeds.box.host, (await york.box.overlay()).ipv4, 5000);
  await until('York to say so', 10_000, async () => {
    await ben.open('/');
    return (await ben.page.locator('#verdict .state[data-state=working]').count()) > 0 || undefined;
  });
});

test('an office that is cut off stops being green without anybody touching the page, and is green again after', async () => {
  await anna.open('/');
  await york.box.host.ip('link set dev wan0 down');
  await anna.page.locator('#verdict .state:not([data-state=working])').waitFor({ timeout: 30_000 });
  expect(await look(anna.page, 'home-not-answering')).toEqual([]);
  await york.box.host.ip('link set dev wan0 up', `route replace default via ${york.gatewayIpv4}`);
  await untilHomeSays(anna, 'working');
});

test('a box that calls itself markup is text everywhere', async () => {
  evil = await site.internet.office('evil');
  const peers = [{ id: await leeds.box.nodeId(), address: `${leeds.ipv4}:9000` }];
  evil.box.configure({ name: MARKUP, peers });
  await evil.box.start();
  await until('it to ask', 10_000, async () => {
    await anna.open('/offices/add');
    // Who asks is said live, too; the form to accept comes with the page.
    return (await anna.page.getByRole('button', { name: /^Accept/ }).count()) > 0 || undefined;
  });
  expect(await anna.page.getByText(MARKUP).count()).toBeGreaterThan(0);
  expect(await look(anna.page, 'add-office-hostile')).toEqual([]);
  await anna.press(/^Accept/);
  for (const path of ['/', '/offices', `/offices/${await evil.box.nodeId()}`, '/activity', '/lines']) {
    expect(await anna.open(path), path).toBe(200);
    expect(await anna.page.locator('[onerror]').count(), path).toBe(0);
  }
});

test('markup in any field comes back as text', async () => {
  for (const path of ['/offices/add', '/people', '/activity', '/system']) {
    await anna.open(path);
    const forms = await anna.page.locator('form:has(input[type=text], input[type=search])').count();
    for (let index = 0; index < forms; index++) {
      await anna.open(path);
      const form = anna.page.locator('form:has(input[type=text], input[type=search])').nth(index);
      // What is folded away is opened, and what the browser itself would refuse is sent all the same.
      await anna.page.evaluate(`for (const d of document.querySelectorAll('details')) d.open = true;
        for (const f of document.forms) f.noValidate = true`);
      for (const input of await form.locator('input[type=text], input[type=search], input[type=password]').all()) {
        await input.fill(`"'>${MARKUP}`);
      }
      await form.locator('button').first().click();
      await anna.page.waitForLoadState('domcontentloaded');
      expect(await anna.page.locator('[onerror]').count(), `${path}, form ${index}`).toBe(0);
    }
  }
});

test('two people at one thing: the second is told, and nothing breaks', async () => {
  await anna.open('/people');
  await anna.field(/^May/).selectOption('admin');
  await anna.submit('Add the person', { Name: 'cleo', 'First password': PASSWORD });
  const cleo = await Visitor.at(site.browser, originOf(leeds));
  await cleo.signIn('cleo', PASSWORD);
  const remove = (who: Visitor) => who.submit(/^Remove /, { [`Type ${MARKUP} to confirm`]: MARKUP });

  await anna.open(`/offices/${await evil.box.nodeId()}`);
  await cleo.open(`/offices/${await evil.box.nodeId()}`);
  await remove(cleo);
  expect(cleo.path()).toBe('/offices');
  await remove(anna);
  expect(await anna.page.locator('body').innerText()).not.toMatch(/bug|HTTP 5/);
  expect(await anna.page.locator('main').innerText()).toMatch(
    /no (such )?(office|peer|page)|not there|nothing|no peer/i,
  );

  await anna.open(`/offices/${await york.box.nodeId()}`);
  expect(await look(anna.page, 'office')).toEqual([]);
  expect(cleo.complaints).toEqual([]);
  await cleo.close();
});

test('what is done under People works without scripts, too', async () => {
  await ben.open('/people');
  await ben.submit('Add the person', { Name: 'dora', 'First password': PASSWORD });
  await ben.submit('Make the token', { 'Name of the token': 'backup', 'Only from these addresses': '192.0.2.0/24' });
  expect(await ben.page.locator('code.long-code').innerText()).toMatch(/^qet_/);
  await ben.open('/people');
  expect(await ben.page.getByText('qet_').count()).toBe(0);
  await ben.press(/^Remove backup/);
  expect(await ben.page.getByRole('button', { name: /^Remove backup/ }).count()).toBe(0);
  await ben.submit('Change the password', { 'Your password now': PASSWORD, 'The new one': `${PASSWORD} too` });
  await ben.open('/activity');
  await ben.press('Check every entry');
  expect(await ben.page.locator('main').innerText()).toMatch(/Chain verified/);
  // On a telephone it is in the menu, which opens without scripts.
  await ben.page.getByRole('button', { name: 'Menu' }).click();
  await ben.press('Sign out');
  await ben.signIn('Ben', `${PASSWORD} too`);
  expect(ben.path()).toBe('/');
});

test('every page can be used with the keyboard alone, and looks as it should, narrow and wide, light and dark', async () => {
  const pages = { home: '/', offices: '/offices', 'add-office': '/offices/add', lines: '/lines' };
  const more = { activity: '/activity', people: '/people', system: '/system', 'not-there': '/nowhere' };
  for (const [name, path] of Object.entries({ ...pages, ...more })) {
    await anna.open(path);
    expect(await tabThrough(anna.page), name).toEqual([]);
    expect(await look(anna.page, name)).toEqual([]);
  }
});
