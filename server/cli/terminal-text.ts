// Control characters move the cursor or worse; bidirectional marks show text in another order than it has;
// the rest is invisible and makes two names look alike.
const DANGEROUS = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;
const MAX_LENGTH = 64;

/** Text from elsewhere, safe to print on a terminal: what is not plainly visible becomes `\u{..}`. */
export function visible(text: string, maxLength = MAX_LENGTH): string {
  const escaped = text.replace(DANGEROUS, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
  const characters = [...escaped];
  return characters.length > maxLength ? `${characters.slice(0, maxLength - 1).join('')}…` : escaped;
}
