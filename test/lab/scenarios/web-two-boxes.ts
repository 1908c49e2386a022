import { launchChromium } from '../../browser/chromium.ts';
import { Internet } from '../office.ts';
import type { Scenario } from '../scenario.ts';
import { byBrowser } from '../web-two-boxes/by-browser.ts';
import { byCli } from '../web-two-boxes/by-cli.ts';
import { byRest } from '../web-two-boxes/by-rest.ts';
import { newPair } from '../web-two-boxes/pair.ts';

/** From two new boxes to a ping between them, three times: by browser, by REST, by command line. */
export const scenario: Scenario = {
  name: 'web-two-boxes',
  promise:
    'two new boxes are set up until a ping goes through by browser alone, by REST alone and by command line alone',
  sabotages: [
    { mechanism: 'ignore-accept', breaks: 'accepting a box says that it is done and does nothing' },
    { mechanism: 'lying-probe', breaks: 'every office counts as working, whether it answers or not' },
    { mechanism: 'no-roles', breaks: 'every token may do everything' },
  ],
  timeLimitMs: 120_000,
  fullTimeLimitMs: 120_000,

  async run(world, verdict) {
    const internet = await Internet.create(world);
    const browser = await launchChromium(internet.host);
    try {
      await byBrowser(browser, await newPair(internet, 'page'), verdict);
    } finally {
      await browser.close();
    }
    await byRest(internet.host, await newPair(internet, 'rest'), verdict);
    await byCli(await newPair(internet, 'cli'), verdict);
  },
};
