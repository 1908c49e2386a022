import { html, type Markup } from '../markup.ts';
import type { Page, Trial } from '../model.ts';
import { exactTime } from '../words/time.ts';
import { csrfField } from './form.ts';

/** A change on trial: what, until when, and what happens if nobody does anything. */
export function countdown(page: Page, trial: Trial): Markup {
  const { nowMs } = page.when;
  const total = Math.max(1, Math.round((trial.until_ms - trial.started_ms) / 1000));
  const left = Math.max(0, Math.min(total, Math.ceil((trial.until_ms - nowMs) / 1000)));
  return html`<section class="countdown" id="trial" aria-labelledby="trial-title" data-left-ms="${Math.max(0, trial.until_ms - nowMs)}"><div>
<p class="countdown-clock" role="timer" aria-label="Time left to keep this change"><span id="trial-left">${left}</span> <small>seconds left, until ${exactTime(trial.until_ms, page.when)}</small></p>
<div class="stack"><div>
<p class="countdown-title" id="trial-title">${trial.mine ? 'Do you still have this page? Then keep the change.' : `${trial.who} is trying a change.`}</p>
<p>${trial.what.charAt(0).toUpperCase()}${trial.what.slice(1)}. <strong>If nobody keeps it, the box goes back to how it was</strong>, also when this browser is closed or the power fails.</p>
</div>
<progress id="trial-bar" max="${total}" value="${left}" aria-label="Time left">${left} of ${total} seconds</progress>
<p class="hidden-text" role="status" id="trial-announce"></p></div>
${decide(page, trial)}</div></section>`;
}

function decide(page: Page, trial: Trial): Markup {
  if (!trial.mine) return html`<p class="small">Only ${trial.who} can keep it, signed in from here or elsewhere.</p>`;
  return html`<form class="actions" method="post" action="/trial">${csrfField(page)}
<input type="hidden" name="trial_id" value="${trial.trial_id}">
<button class="button button-main" type="submit" name="decision" value="keep">Keep this change</button>
<button class="button" type="submit" name="decision" value="undo">Undo it now</button></form>`;
}
