import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

const FOLDER = join(import.meta.dirname, '../../build/screenshots');
const WIDTHS = [360, 1280] as const;
const SCHEMES = ['light', 'dark'] as const;

/**
 * Takes pictures of a page, narrow and wide, light and dark, and says what is wrong with it: what
 * axe finds, and whether anything sticks out sideways.
 */
export async function look(page: Page, name: string): Promise<string[]> {
  mkdirSync(FOLDER, { recursive: true });
  const before = page.viewportSize();
  const faults: string[] = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({ path: join(FOLDER, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      for (const fault of await faultsOf(page)) faults.push(`${name}, ${width} px, ${colorScheme}: ${fault}`);
    }
    const overhangPx = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    if (overhangPx > 0) faults.push(`${name}, ${width} px: sticks out by ${overhangPx} px`);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before) await page.setViewportSize(before);
  return faults;
}

async function faultsOf(page: Page): Promise<string[]> {
  // One frame only; the other way opens a page of its own to count in.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  return violations.map(
    ({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ html }) => html.slice(0, 150)).join(' | ')})`,
  );
}

// What runs inside the page is text: the types of a browser would be everybody's in this program.
const TOLD = `(element) =>
  element.tagName.toLowerCase() + ' ' + (element.id || element.name || element.textContent.trim().slice(0, 40))`;
const TAB_STOPS = `[...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
  .filter((element) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }))
  .filter((element) => !element.matches(':disabled, [type=hidden], [tabindex="-1"]'))
  .map(${TOLD})`;
const FOCUSED = `(() => {
  const element = document.activeElement;
  // A link that is spread over its whole row shows it there.
  const isShown = [undefined, '::after'].some((part) => getComputedStyle(element, part).outlineStyle !== 'none');
  return { told: (${TOLD})(element), isShown };
})()`;

/** Goes through a page that was just opened with the Tab key alone, in the order of the page, and says what it could not reach or see. */
export async function tabThrough(page: Page): Promise<string[]> {
  const stops = await page.evaluate<string[]>(TAB_STOPS);
  const faults: string[] = [];
  for (const stop of stops) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate<{ told: string; isShown: boolean }>(FOCUSED);
    if (found.told !== stop) return [...faults, `Tab came to "${found.told}" and not to "${stop}"`];
    if (!found.isShown) faults.push(`"${stop}" does not show that it has the focus`);
  }
  return stops.length > 0 ? faults : ['there is nothing that Tab reaches'];
}

/** The first Tab of a page offers to skip what stands on every page; it leads into the content. */
export async function skipsToContent(page: Page): Promise<boolean> {
  await page.reload();
  await page.keyboard.press('Tab');
  if (!(await page.evaluate<boolean>(`document.activeElement.matches('a.skip')`))) return false;
  await page.keyboard.press('Enter');
  return page.evaluate<boolean>(`document.activeElement.id === 'main' || location.hash === '#main'`);
}
