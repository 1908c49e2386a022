import { createHash } from 'node:crypto';

/** Strong tag of a body: another body has another one. */
export function entityTag(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
}

/** Whether a list of tags as a header gives it (`*`, `"a", W/"b"`) has this one; weak ones count only for reading. */
export function hasTag(list: string, tag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true;
  const tags = list.split(',').map((one) => one.trim());
  return tags.some((one) => one === tag || (comparison === 'weak' && one === `W/${tag}`));
}
