import { html as honoHtml } from 'hono/html';

/** HTML that is safe to send: what came from people and boxes was escaped when it went in. */
export interface Markup {
  readonly isEscaped: true;
  toString(): string;
}

/** What may stand in a template; a string is escaped, false and null leave nothing. */
export type Part = string | number | boolean | null | undefined | Markup | readonly Part[];

/**
 * Markup from a template; every value in it is escaped.
 *
 * This is hono's, with two things taken away: promises (pages are rendered from what was asked
 * before) and objects that would be printed by their `toString`.
 */
export const html = honoHtml as unknown as (strings: TemplateStringsArray, ...values: readonly Part[]) => Markup;

/** A path of ours with a name from outside in it: whatever the name is, it stays one segment. */
export function pathTo(base: `/${string}`, segment: string, rest = ''): string {
  return `${base}/${encodeURIComponent(segment)}${rest}`;
}

/** `?a=b&c=d`; empty values are left out, and nothing at all is an empty string. */
export function queryOf(fields: Readonly<Record<string, string | number | null | undefined>>): string {
  const present = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const search = new URLSearchParams(present.map(([name, value]) => [name, String(value)]));
  return present.length === 0 ? '' : `?${search}`;
}

/** An id for elements that are made once for each row: letters, digits and dashes, whatever the name holds. */
export function idOf(prefix: string, name: string | number): string {
  return `${prefix}-${String(name).replace(/[^A-Za-z0-9]+/g, '-')}`;
}
