import type { Browser } from 'playwright-core';
import { Visitor } from '../../browser/visitor.ts';
import { PORT } from '../box.ts';
import { until } from '../command.ts';
import type { Verdict } from '../scenario.ts';
import { originOf } from '../web.ts';
import { checkPing, type Pair } from './pair.ts';

const PASSWORD = 'four quiet words here';
const WORKING = '#verdict .state[data-state=working]';

/** Two boxes set up in a browser alone: claimed, one added, accepted by the other, until both are green. */
export async function byBrowser(browser: Browser, pair: Pair, verdict: Verdict): Promise<void> {
  const { here, there } = pair;
  const [anna, ben] = [await Visitor.at(browser, originOf(here)), await Visitor.at(browser, originOf(there))];
  await anna.claim(await here.box.web.claimCode(), 'Anna', PASSWORD);
  await ben.claim(await there.box.web.claimCode(), 'Ben', PASSWORD);
  await ben.open('/offices/add');
  const identity = await ben.page.locator('#identity-part code, code.long-code').first().innerText();
  await anna.open('/offices/add');
  await anna.type('Name of the office', 'York');
  await anna.type('Its address', `${there.ipv4}:${PORT}`);
  await anna.type('Its identity', identity);
  await anna.press('Add the office');
  await anna.open('/');
  const isGreenTooEarly = (await anna.page.locator(WORKING).count()) > 0;
  verdict.promise('nothing is green before the other box has accepted', !isGreenTooEarly, await anna.heading());
  await verdict.attempt('the other box shows who asks, and accepts it', async () => {
    await until('the one to ask', 10_000, async () => {
      await ben.open('/offices/add');
      return (await ben.page.getByRole('button', { name: /^Accept/ }).count()) > 0 || undefined;
    });
    await ben.press(/^Accept/);
  });
  await verdict.attempt('both first pages turn green by themselves', async () => {
    await ben.open('/');
    for (const { page } of [anna, ben]) await page.locator(WORKING).waitFor({ timeout: 10_000 });
  });
  const complaints = [...anna.complaints, ...ben.complaints];
  verdict.promise('the browsers have nothing to complain of', complaints.length === 0, complaints);
  await checkPing(pair, verdict, 'browser');
}
