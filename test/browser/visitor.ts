import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import type { Phone } from './totp.ts';

/** Somebody at a browser: a profile of its own, one page, and everything that went wrong in it. */
export class Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly origin: string;
  /** Scripts that ran into the policy or failed, dialogs that opened: never right on these pages. */
  readonly complaints: string[] = [];
  #password = '';
  #phone: Phone | undefined;

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

  /** Presses a button that leads to another page, and waits for that. */
  async press(button: string | RegExp): Promise<void> {
    await this.#leave(this.page.getByRole('button', { name: button }).first());
  }

  async #leave(button: Locator): Promise<void> {
    await Promise.all([this.page.waitForEvent('domcontentloaded'), button.click()]);
  }

  /**
   * Fills in the form that has this button, by the labels of its fields, and sends it.
   *
   * What is folded away is opened first; the password, and the code of the phone, are given where the
   * form asks for them again.
   */
  async submit(button: string | RegExp, fields: Readonly<Record<string, string>> = {}): Promise<void> {
    const pressed = this.page.getByRole('button', { name: button, includeHidden: true }).first();
    const form = this.page.locator('form').filter({ has: pressed }).first();
    for (const summary of await form.locator('xpath=ancestor::details[not(@open)]/summary').all())
      await summary.click();
    const control = (label: string | RegExp) => form.locator('input, textarea').and(form.getByLabel(label)).first();
    for (const [label, text] of Object.entries(fields)) await control(label).fill(text);
    if (await control(/^Your password/).isVisible()) await control(/^Your password/).fill(this.#password);
    if (this.#phone && (await control(/^Six digits/).isVisible()))
      await control(/^Six digits/).fill(this.#phone.code());
    await this.#leave(form.getByRole('button', { name: button }).first());
  }

  /** From now on the visitor has this telephone at hand. */
  takePhone(phone: Phone): void {
    this.#phone = phone;
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
    this.#password = password;
  }

  /** Name and password, and the code of the phone when there is one. */
  async signIn(name: string, password: string, phone?: Phone): Promise<void> {
    await this.open('/sign-in');
    await this.type('Your name', name);
    await this.type('Password', password);
    await this.press('Sign in');
    this.#password = password;
    if (!phone) return;
    this.#phone = phone;
    await this.type(/Six digits/, phone.code());
    await this.press('Sign in');
  }

  close(): Promise<void> {
    return this.context.close();
  }
}
