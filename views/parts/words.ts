import { encode } from 'uqr';
import { html, type Markup } from '../markup.ts';

/** A certificate's fingerprint as words that two people can compare aloud. */
export function fingerprintWords(label: string, of: readonly string[]): Markup {
  return html`<ol class="words" role="list" aria-label="${label}">${of.map((one) => html`<li>${one}</li>`)}</ol>`;
}

/** A text as a code that a phone's camera reads; dark modules are one path, so that it stays small. */
export function qrCode(text: string, label: string): Markup {
  const { data, size } = encode(text, { ecc: 'M', border: 0 });
  const runs: string[] = [];
  data.forEach((row, y) => {
    for (let x = 0; x < size; x += 1) {
      const from = x;
      while (row[x]) x += 1;
      if (x > from) runs.push(`M${from} ${y}h${x - from}v1h${from - x}z`);
    }
  });
  return html`<svg class="qr" viewBox="-4 -4 ${size + 8} ${size + 8}" role="img" aria-label="${label}" shape-rendering="crispEdges"><path d="${runs.join('')}"/></svg>`;
}
