import { html, type Markup, type Part, pathTo } from '../markup.ts';
import type { Line, Office } from '../model.ts';
import type { When } from '../words/time.ts';
import { lineSentence, officeSentence, startNameOf } from '../words/verdict.ts';
import { dayStrip, type Slice } from './day.ts';
import { type Assets, icon, officeShape, stateLine } from './state.ts';
import { strandOf } from './strand.ts';

/** Numbers change all the time: only rows that come or go are announced. */
export function register(id: string, rows: readonly Part[]): Markup {
  return html`<ul class="register" role="list" id="${id}" data-live aria-live="polite" aria-relevant="additions removals">${rows}</ul>`;
}

/** One office: state, name with its page behind it, one sentence, its lines drawn. */
export function officeRow(page: Assets, office: Office, when: When, day: readonly Slice[] = []): Markup {
  const name = startNameOf(office);
  return html`<li class="row-drawn" id="office-${office.node_id.replace(/[^a-z0-9]/gi, '')}">
${stateLine(page, ...officeShape(office))}
<div class="named">${icon(page, 'office')}<div><h3><a href="${pathTo('/offices', office.node_id)}">${name}</a></h3><p>${officeSentence(office, when)}</p></div></div>
${strandOf(name, office.state, office.paths)}
${dayStrip(day, when)}</li>`;
}

/** One internet line of this box. */
export function lineRow(page: Assets, line: Line): Markup {
  const addresses = line.addresses.join(', ') || 'no address';
  return html`<li class="row-plain" id="line-${line.interface.replace(/[^a-z0-9]/gi, '-')}">
${stateLine(page, line.state)}
<div class="named">${icon(page, 'port')}<div><h3><a href="/lines">${line.interface}</a></h3><p>${lineSentence(line)}</p><p class="muted">${addresses}</p></div></div></li>`;
}

/** What an empty list would hold, and the button that adds the first. */
export function emptyList(words: string, action: Part = null): Markup {
  return html`<div class="panel stack"><p>${words}</p>${action}</div>`;
}
