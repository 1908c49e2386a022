import type { Failure } from '../core/result.ts';

/** A failure as a page says it: what is wrong, then what to do, each a sentence. */
export function sentenceOf({ message, remedy }: Failure): string {
  return [message, remedy]
    .filter((part) => part !== undefined && part !== '')
    .map((part) => asSentence(part!))
    .join(' ');
}

function asSentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
