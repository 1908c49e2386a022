import type { Browser } from 'playwright-core';
import type { BoxSettings } from '../lab/box.ts';
import type { Office } from '../lab/office.ts';
import { Internet } from '../lab/office.ts';
import { World } from '../lab/world.ts';
import { launchChromium } from './chromium.ts';

/** Offices whose boxes are up with their pages, not yet claimed, and a browser that reaches all of them. */
export class Site {
  readonly world: World;
  readonly internet: Internet;
  readonly browser: Browser;

  private constructor(world: World, internet: Internet, browser: Browser) {
    this.world = world;
    this.internet = internet;
    this.browser = browser;
  }

  static async create(world?: World): Promise<Site> {
    const made = world ?? (await World.create());
    const internet = await Internet.create(made);
    return new Site(made, internet, await launchChromium(internet.host));
  }

  async office(name: string, settings: BoxSettings = {}): Promise<Office> {
    const office = await this.internet.office(name);
    office.box.configure(settings);
    await office.box.start();
    await office.box.web.start();
    return office;
  }

  async remove(): Promise<void> {
    await this.browser.close();
    await this.world.remove();
  }
}
