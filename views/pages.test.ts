import { describe, expect, test } from 'vitest';
import { sameName } from './pages/add-office.ts';
import { testPages } from './test-pages.ts';

const HOSTILE = `"'><script>alert(1)</script><img src=x onerror=alert(1)>&{{7*7}}\${7}javascript:alert(1)`;

const calm = testPages((text) => text);
const hostile = testPages((text) => (text === '' ? '' : HOSTILE + text));

/** Tags as a browser would see them, attributes and all: quoted values may hold anything but their quote. */
function tagsOf(page: string): string[] {
  return [...page.matchAll(/<[a-zA-Z/!](?:[^>"']|"[^"]*"|'[^']*')*>/g)].map(([tag]) => tag);
}

function attributes(page: string, name: string): string[] {
  return [...page.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map(([, value]) => value ?? '');
}

describe.each(Object.keys(calm))('%s', (name) => {
  const page = String(calm[name]);
  const attacked = String(hostile[name]);

  test('what a box or a person chose stays text', () => {
    expect(attacked).not.toContain('<script>alert');
    expect(attacked).not.toContain('<img');
    const scripts = tagsOf(attacked).filter((tag) => /^<script/i.test(tag));
    expect(scripts).toHaveLength(2);
    const acting = tagsOf(attacked).filter((tag) =>
      /\s(?:on[a-z]+|style|srcdoc|formaction|hx-on[^=]*)\s*=/i.test(withoutValues(tag)),
    );
    expect(acting).toEqual([]);
    for (const href of [...attributes(attacked, 'href'), ...attributes(attacked, 'action')]) {
      expect(href, `${href} leads elsewhere`).toMatch(/^(?:[/#?]|$)/);
      expect(href).not.toMatch(/^\/\//);
    }
  });

  test('has as many tags under attack as in peace', () => {
    expect(tagsOf(attacked).length).toBe(tagsOf(page).length);
  });

  test('has one h1 and skips no heading', () => {
    const levels = [...page.matchAll(/<h([1-6])[\s>]/g)].map(([, level]) => Number(level));
    if (name === 'gate') return;
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    levels.reduce((before, level) => {
      expect(level - before, `h${before} then h${level}`).toBeLessThanOrEqual(1);
      return level;
    }, 0);
  });

  test('every id is there once, and every reference has its target', () => {
    const ids = attributes(page, 'id');
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    const wanted = ['for', 'aria-labelledby', 'aria-describedby', 'form', 'popovertarget', 'data-upload'].flatMap(
      (attribute) => attributes(page, attribute).flatMap((value) => value.split(' ')),
    );
    expect(wanted.filter((id) => !ids.includes(id))).toEqual([]);
  });

  test('every control has a label', () => {
    const labelled = new Set(attributes(page, 'for'));
    const controls = tagsOf(page).filter(
      (tag) => /^<(?:input|select|textarea)\b/.test(tag) && !tag.includes('type="hidden"'),
    );
    const bare = controls.filter((tag) => !labelled.has(/\sid="([^"]*)"/.exec(tag)?.[1] ?? ''));
    expect(bare).toEqual([]);
  });

  test('every form that changes something carries its token', () => {
    for (const [form] of page.matchAll(/<form [^>]*method="post"[\s\S]*?<\/form>/g)) {
      expect(form).toContain('name="csrf"');
    }
  });

  test('has no style of its own, no script in it, and stays small', () => {
    expect(page).not.toMatch(/<style|\sstyle=/);
    expect(page).not.toMatch(/<script(?![^>]*nonce="bm9uY2U" src="\/assets\/(?:htmx|live)\.js")/);
    expect(page.length).toBeLessThan(60_000);
  });
});

describe('two boxes of one name', () => {
  test('are noticed where the name is typed or taken over', () => {
    expect(sameName({ boxName: 'Leeds' }, ' leeds ')).toContain('called Leeds too');
    expect(sameName({ boxName: 'Leeds' }, 'York')).toBeUndefined();
    expect(sameName({ boxName: '' }, '')).toBeUndefined();
  });
});

function withoutValues(tag: string): string {
  return tag.replace(/"[^"]*"|'[^']*'/g, '""');
}
