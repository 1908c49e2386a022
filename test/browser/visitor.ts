import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import type { Phone } from './totp.ts';

/** Somebody at a browser: a profile of its own, one page, and everything that went wrong in it. */
export class Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly origin: string;
  /** Scripts that ran into the policy or failed, dialogs that opened: never right on these pages. */
  readonly complaints: string[] = [];

  private constructor(context: BrowserContext, page: Page, origin: string) {
    this.context = context;
    this.page = page;
    this.origin = origin;
    page.on('console', (message) => {
      if (/Content.Security.Policy|Refused to/i.test(message.text())) this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('dialog', (dialog) => {
      this.complaints.push(`a dialog opened: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  static async at(browser: Browser, origin: string, options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext({
      ignoreHTTPSErrors: true,
      baseURL: origin,
      locale: 'en-GB',
      timezoneId: 'Europe/London',
      viewport: { width: 1280, height: 900 },
      ...options,
    });
    context.setDefaultTimeout(10_000);
    return new Visitor(context, await context.newPage(), origin);
  }

  /** Opens a page and returns its HTTP status. */
  async open(path: string): Promise<number> {
    const response = await this.page.goto(path, { waitUntil: 'domcontentloaded' });
    return response?.status() ?? 0;
  }

  path(): string {
    return new URL(this.page.url()).pathname;
  }

  heading(): Promise<string> {
    return this.page.locator('h1').first().innerText();
  }

  /** The control with this label, and not a part of the page that is named by it. */
  field(label: string | RegExp): Locator {
    return this.page.locator('input, select, textarea').and(this.page.getByLabel(label)).first();
  }

  type(label: string | RegExp, text: string): Promise<void> {
    return this.field(label).fill(text);
  }

  press(button: string | RegExp): Promise<void> {
    return this.page.getByRole('button', { name: button }).first().click();
  }

  /** Fills the claim page in and sends it; what it answers is the caller's to look at. */
  async claim(code: string, name: string, password: string): Promise<void> {
    await this.open('/');
    await this.page.getByLabel(/six words on the box are the same/).check();
    await this.type('Claim code', code);
    await this.type('Your name', name);
    await this.type('Choose a password', password);
    await this.type('The same password again', password);
    await this.press('Make this box mine');
    await this.page.waitForLoadState('domcontentloaded');
  }

  /** Name and password, and the code of the phone when there is one. */
  async signIn(name: string, password: string, phone?: Phone): Promise<void> {
    await this.open('/sign-in');
    await this.type('Your name', name);
    await this.type('Password', password);
    await this.press('Sign in');
    await this.page.waitForLoadState('domcontentloaded');
    if (!phone) return;
    await this.type(/Six digits/, phone.code());
    await this.press('Sign in');
    await this.page.waitForLoadState('domcontentloaded');
  }

  close(): Promise<void> {
    return this.context.close();
  }
}
