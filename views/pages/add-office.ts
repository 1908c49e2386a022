import { html, idOf, type Markup } from '../markup.ts';
import { type Frame, type Mistakes, mayChange, type PendingOffice, type SoughtOffice } from '../model.ts';
import { field, postForm } from '../parts/form.ts';
import { emptyList } from '../parts/register.ts';
import { sheet, title } from '../parts/sheet.ts';
import { icon, stateLine } from '../parts/state.ts';
import { fingerprintWords } from '../parts/words.ts';
import { shell } from '../shell.ts';
import { listed } from '../words/numbers.ts';
import { since } from '../words/time.ts';
import { nameOf } from '../words/verdict.ts';
import { identitySheet, type WelcomeModel } from './welcome.ts';

export interface AskingOffice extends PendingOffice {
  /** Its identity as words. */
  readonly words: readonly string[];
}

export interface AddOfficeModel extends Pick<WelcomeModel, 'words' | 'addresses'> {
  readonly pending: readonly AskingOffice[];
  readonly sought: readonly SoughtOffice[];
  readonly typed: { readonly name: string; readonly node_id: string; readonly address: string };
  /** By field: `name`, `node_id`, `address`. */
  readonly mistakes: Mistakes;
}

/** Type the other box's identity and address here, or accept one that asks. Posts to `/offices/add`. */
export function addOfficePage(frame: Frame, model: AddOfficeModel): Markup {
  const waiting = model.pending.length > 0 && pendingSheet(frame, model.pending);
  return shell(frame, {
    title: 'Add an office',
    place: '/offices',
    live: ['asking', 'pulse'],
    cli: 'quicether peers add ADDRESS',
    rest: 'POST /api/v1/peers',
    body: html`${title(
      'Add an office',
      html`<p>Do it on one of the two boxes; the other then only has to accept. It takes about five minutes.</p>`,
      html`<a href="/offices">Offices</a> / Add an office`,
    )}
${waiting}
${model.sought.length > 0 && soughtSheet(frame, model.sought)}
${sheet('make', 'Add the other box', html`<p>It shows both on its own page “Add an office”.</p>`, addForm(frame, model))}
${identitySheet(frame, model)}
${!waiting && pendingSheet(frame, model.pending)}`,
  });
}

/** Addresses that are called until somebody answers or a person gives up. */
function soughtSheet(frame: Frame, sought: readonly SoughtOffice[]): Markup {
  const rows = sought.map(
    (one) => html`<li class="row-split"><div class="stack">${stateLine(frame, 'busy', 'Calling')}
<div class="named">${icon(frame, 'box')}<div><h3>${one.name ?? one.address}</h3><p>At <span class="mono">${one.address}</span>${since(one.since_ms, frame.when)}. ${
      one.problem === null ? 'Nobody has answered yet.' : `Nobody has answered: ${one.problem}.`
    } Look whether the other box is on and reachable there.</p></div></div></div>
${
  one.since_ms === null
    ? html`<p class="small">It stands in the configuration file.</p>`
    : mayChange(frame.me) &&
      postForm(
        frame,
        '/offices/forget',
        html`<input type="hidden" name="address" value="${one.address}"><button class="button" type="submit">Stop calling ${one.address}</button>`,
      )
}</li>`,
  );
  return sheet(
    'sought',
    'Being called',
    html`<p><a href="/offices/add">Look again</a></p>`,
    html`<ul class="register" role="list">${rows}</ul>`,
  );
}

/** Two boxes of one name are told apart by nobody. */
export function sameName({ boxName }: { readonly boxName: string }, name: string): string | undefined {
  const isSame = name.trim() !== '' && name.trim().toLowerCase() === boxName.trim().toLowerCase();
  return isSame ? `This box is called ${boxName} too: give the other one a name of its own.` : undefined;
}

function addForm(frame: Frame, { typed, mistakes }: AddOfficeModel): Markup {
  if (!mayChange(frame.me))
    return html`<p>An admin or owner adds offices. You can tell them what the other box shows.</p>`;
  return postForm(
    frame,
    '/offices/add',
    html`<div class="halves"><div>${field(frame, {
      id: 'name',
      label: 'Name of the office',
      most: 64,
      value: typed.name,
      error: mistakes['name'],
      hint: sameName(frame, typed.name) ?? 'As you call it here. Left empty, it is called what it calls itself.',
      autocomplete: 'off',
    })}${field(frame, {
      id: 'address',
      label: 'Its address',
      class: 'mono',
      required: true,
      most: 300,
      value: typed.address,
      placeholder: '203.0.113.7:9000',
      error: mistakes['address'],
      hint: 'The internet address or name of the other office, then :9000.',
      autocomplete: 'off',
      more: html` spellcheck="false" autocapitalize="none"`,
    })}</div><div>${field(frame, {
      id: 'node_id',
      label: 'Its identity',
      class: 'mono',
      most: 128,
      value: typed.node_id,
      placeholder: 'qe1…',
      error: mistakes['node_id'],
      hint: 'Begins with qe1. Left empty, the box that answers waits on this page until you have compared its words.',
      autocomplete: 'off',
      more: html` spellcheck="false" autocapitalize="none"`,
    })}</div></div>
<p class="actions"><button class="button button-main" type="submit">Add the office</button></p>`,
    { class: 'stack' },
  );
}

function pendingSheet(frame: Frame, pending: readonly AskingOffice[]): Markup {
  const body =
    pending.length === 0
      ? emptyList(
          'A box that reaches this one without being known stands here until you accept it. None does at the moment.',
        )
      : html`<ul class="register" role="list" id="join-requests">${pending.map((one) => asking(frame, one))}</ul>`;
  return sheet(
    'pending',
    'Asking to connect',
    html`<p>Boxes that reach this one and are not known here. Accept only what you expect.</p>${askingNow(pending)}`,
    body,
  );
}

/** Who asks at this moment, as it changes; the forms to accept them come with the page. */
export function askingNow(pending: readonly Pick<PendingOffice, 'name' | 'node_id'>[]): Markup {
  const names = pending.map(nameOf);
  return html`<div id="asking-now" role="status">${
    names.length === 0
      ? html`<p>Nobody asks at the moment.</p>`
      : html`<p>At the moment: ${listed(names)}.</p><p><a href="/offices/add#pending">Show who asks</a></p>`
  }</div>`;
}

function asking(frame: Frame, office: AskingOffice): Markup {
  const called = nameOf(office);
  return html`<li class="row-split"><div class="stack">
<div class="named">${icon(frame, 'box')}<div><h3>A box that calls itself “${called}”</h3>
<p>Asks${since(office.since_ms, frame.when)}${office.address && html` from <span class="mono">${office.address}</span>`}. ${
    office.accepted_there ? 'It has accepted this box already.' : 'It has not accepted this box either.'
  } Anybody can choose a name: compare the words with its page.</p></div></div>
${fingerprintWords(`Identity of ${called} in words`, office.words)}
<details><summary>For your consultant: the whole identity</summary><p><code>${office.node_id}</code></p></details></div>
${
  mayChange(frame.me) &&
  postForm(
    frame,
    '/offices/decide',
    html`<input type="hidden" name="node_id" value="${office.node_id}">
${field(frame, { id: idOf('name', office.node_id), name: 'name', label: 'Name it will have', value: office.name.slice(0, 64), hint: sameName(frame, office.name), most: 64, autocomplete: 'off' })}
<div class="actions"><button class="button button-main" type="submit" name="decision" value="accept">Accept ${called}</button></div>
<p class="small muted">Not yours? Leave it: nothing flows, and it disappears when it stops asking.</p>`,
    { class: 'stack' },
  )
}</li>`;
}
