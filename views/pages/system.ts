import { html, type Markup } from '../markup.ts';
import type { Frame, Mistakes, Shape, Slot, SystemState, Update } from '../model.ts';
import { field, passwordAgain, postForm } from '../parts/form.ts';
import { facts, sheet, title } from '../parts/sheet.ts';
import { state } from '../parts/state.ts';
import { shell } from '../shell.ts';
import { duration } from '../words/time.ts';
import type { LiveContext } from './home.ts';

export interface SystemModel {
  readonly system: SystemState;
  /** An update file that has arrived and waits to be installed. */
  readonly uploadId: string | null;
  /** Addresses that the tunnel listens on, as they are set now; null when that could not be asked. */
  readonly listen: readonly string[] | null;
  readonly typed: Readonly<Record<string, string>>;
  /** By field: `listen`, `site_name`, `keys`, `bundle`, and `password` or `code` after the form's name. */
  readonly mistakes: Mistakes;
}

/** This box: its software, its address, its diagnostics, starting again and from nothing. */
export function systemPage(frame: Frame, model: SystemModel): Markup {
  const { system } = model;
  const mayChange = frame.me.role === 'owner' || frame.me.role === 'admin';
  const isBusy = ['receiving', 'checking', 'writing'].includes(system.update.state);
  return shell(frame, {
    title: 'System',
    place: '/system',
    live: ['update', 'pulse'],
    ...(isBusy ? { refreshSec: 5 } : {}),
    cli: 'quicether status',
    rest: 'GET /api/v1/system',
    body: html`${title('System', html`<p>The box ${frame.boxName}: its software, its address, and how to start it again.</p>`)}
${softwareSheet(frame, model, mayChange)}
${mayChange && listenSheet(frame, model)}
${diagnosticsSheet(frame)}
${mayChange && restartSheet(frame, model)}
${system.appliance && frame.me.role === 'owner' && sshSheet(frame, model)}
${system.appliance && frame.me.role === 'owner' && resetSheet(frame, model)}`,
  });
}

function softwareSheet(frame: Frame, model: SystemModel, mayChange: boolean): Markup {
  const { system } = model;
  const body = html`${facts([
    ['Version', system.version],
    ['Running for', duration(system.uptime_sec)],
    ['Identity', html`<span class="mono">${system.node_id ?? 'not known'}</span>`],
  ])}
${system.slots.length > 0 && slots(system.slots)}
${
  system.appliance
    ? html`${updatePart(frame, system.update)}${mayChange && updateForms(frame, model)}`
    : html`<p>This is not an appliance: QuicEther is updated here as it was installed, with the package of your system. Connections go on meanwhile.</p>`
}`;
  const margin = system.appliance
    ? html`<p>A bad update cannot lock you out: the box returns to the version that worked.</p>`
    : null;
  return sheet('updates', system.appliance ? 'Software and updates' : 'Software', margin, body);
}

const SLOT_WORDS: Readonly<Record<Slot['state'], string>> = {
  running: 'Running now',
  idle: 'Kept, to go back to',
  trial: 'On trial: kept when it is well',
  failed: 'Did not work; not used',
};

function slots(all: readonly Slot[]): Markup {
  return html`<div class="slots">${all.map(
    ({ slot, version, state: of }) =>
      html`<div class="slot${of === 'running' && ' slot-active'}"><h3>Slot ${slot.toUpperCase()}: ${version ?? 'empty'}</h3><p>${
        version === null && of === 'idle' ? 'Free for the next version' : SLOT_WORDS[of]
      }</p></div>`,
  )}</div>`;
}

const UPDATE_WORDS: Readonly<
  Record<Update['state'], { readonly shape: Shape; readonly word: string; readonly text: string }>
> = {
  none: { shape: 'unknown', word: 'No update here', text: 'Give the box an update file below.' },
  receiving: { shape: 'busy', word: 'Receiving', text: 'The file is on its way to the box.' },
  checking: { shape: 'busy', word: 'Checking', text: 'The box checks who made the file and that it is whole.' },
  writing: {
    shape: 'busy',
    word: 'Writing',
    text: 'It is written beside the version that runs. Everything goes on meanwhile.',
  },
  ready: {
    shape: 'working',
    word: 'Ready',
    text: 'Restart the box to try it. If it is not well, the box returns by itself.',
  },
  failed: { shape: 'failed', word: 'Refused', text: 'Nothing was changed.' },
};

/** How far an update is; announced when it changes. */
export function updatePart(page: LiveContext, update: Update): Markup {
  const { shape, word, text } = UPDATE_WORDS[update.state];
  const version = update.version === null ? '' : ` ${update.version}.`;
  return html`<div id="update-state" data-live><div role="status"><p>${state(page, shape, word)}${version} ${update.message ?? text}</p></div>
${update.percent !== null && shape === 'busy' && html`<progress max="100" value="${update.percent}" aria-label="Update">${update.percent} %</progress>`}</div>`;
}

/** The one next step of an update: send the file, have it installed, restart into it. */
function updateForms(frame: Frame, model: SystemModel): Markup {
  const { system, uploadId, mistakes } = model;
  if (['checking', 'writing'].includes(system.update.state))
    return html`<p class="small">You may leave this page; it goes on.</p>`;
  const upload = uploadForm(frame, mistakes);
  const another = html`<details><summary>Send another update file instead</summary>${upload}</details>`;
  if (uploadId !== null) return html`${installForm(frame, uploadId, mistakes)}${another}`;
  if (system.update.state === 'ready') return html`${tryForm(frame)}${another}`;
  return upload;
}

function uploadForm(frame: Frame, mistakes: Mistakes): Markup {
  return postForm(
    frame,
    '/system/update',
    html`${field(frame, { id: 'bundle', label: 'Update file', type: 'file', required: true, error: mistakes['bundle'], hint: 'Ends in .gwu. Its signature is checked before anything else.', more: html` accept=".gwu"` })}
<progress data-upload="upload-words" max="100" value="0" hidden aria-label="Sending the file">0 %</progress>
<p class="small" id="upload-words" role="status"></p>
<button class="button" type="submit">Send the update to the box</button>`,
    { class: 'stack', upload: true },
  );
}

function installForm(frame: Frame, uploadId: string, mistakes: Mistakes): Markup {
  return postForm(
    frame,
    '/system/update/install',
    html`<p>The file is on the box. Installing checks who made it and writes it beside the version that runs; nothing restarts yet.</p>
<input type="hidden" name="upload_id" value="${uploadId}">
${passwordAgain(frame, 'install', { password: mistakes['install_password'], code: mistakes['install_code'] })}
<p class="actions"><button class="button button-main" type="submit">Install this update</button></p>`,
    { class: 'stack' },
  );
}

function tryForm(frame: Frame): Markup {
  return postForm(
    frame,
    '/system/reboot',
    html`<ol class="steps steps-row" role="list">
<li><span>The box restarts into the new version. The office is cut off from the others for about a minute.</span></li>
<li><span>It checks itself: this page, its data, and a connection.</span></li>
<li><span>All well: the new version is kept. The old one stays beside it.</span></li>
<li><span>Not well, or three failed starts: the old one is back without anybody’s help.</span></li></ol>
<p class="actions"><button class="button button-main" type="submit">Restart and try the update</button></p>`,
    { class: 'stack' },
  );
}

function listenSheet(frame: Frame, { listen, typed, mistakes }: SystemModel): Markup {
  const isOnTrial = frame.trial !== null;
  const form = postForm(
    frame,
    '/system/listen',
    html`<fieldset class="stack"${isOnTrial && html` disabled`}><legend class="hidden-text">Address that other offices reach</legend>
${field(frame, {
  id: 'listen',
  label: 'Addresses and port',
  class: 'mono',
  required: true,
  most: 1000,
  value: typed['listen'] ?? (listen ?? []).join(' '),
  error: mistakes['listen'],
  hint: 'Separated by blanks, each with its port: 0.0.0.0:9000 is every line of this box.',
  autocomplete: 'off',
  more: html` spellcheck="false"`,
})}
${passwordAgain(frame, 'listen', { password: mistakes['listen_password'], code: mistakes['listen_code'] })}
<p class="small">Every office is cut off for some seconds while this is tried. If you do not keep it, the box goes back by itself.</p>
<button class="button" type="submit">Try these addresses</button></fieldset>`,
  );
  return sheet(
    'listen-address',
    'Where offices reach this box',
    html`<p>${isOnTrial ? 'One change at a time: decide on the one above first.' : 'For your consultant. Other offices have to know it.'}</p>`,
    form,
  );
}

function diagnosticsSheet(frame: Frame): Markup {
  const may = frame.me.role !== 'viewer';
  return sheet(
    'diagnostics',
    'Diagnostics',
    html`<p>One file your consultant can work with.</p>`,
    may
      ? html`<p>Contains settings, states and the last lines of the log. Passwords, keys and tokens are not in it; you can look inside before you send it.</p>
<p><a class="button" href="/system/diagnostics">Download diagnostics</a></p>`
      : html`<p>An operator, admin or owner can download them here.</p>`,
  );
}

function restartSheet(frame: Frame, { system }: SystemModel): Markup {
  return sheet(
    'restart',
    'Restart',
    html`<p>Restarting is safe: settings stay.</p>`,
    html`${postForm(
      frame,
      '/system/restart',
      html`<button class="button" type="submit">Restart the control service</button><span class="small">This page is away for some seconds. Offices stay connected.</span>`,
      { class: 'actions' },
    )}
${
  system.appliance &&
  postForm(
    frame,
    '/system/reboot',
    html`<button class="button" type="submit">Restart this box</button><span class="small">The office is cut off from the others for about a minute.</span>`,
    { class: 'actions' },
  )
}`,
  );
}

function sshSheet(frame: Frame, { system, typed, mistakes }: SystemModel): Markup {
  const isOn = system.ssh === true;
  return sheet(
    'ssh',
    'Command line over SSH',
    html`<p>For your consultant. Keys only; there is no password to guess.</p>`,
    html`<p>${isOn ? state(frame, 'working', 'On') : state(frame, 'unknown', 'Off')}</p>
${postForm(
  frame,
  '/system/ssh',
  html`<input type="hidden" name="on" value="${isOn ? 'no' : 'yes'}">
${
  !isOn &&
  html`<div class="field"><label for="keys">Public keys that may sign in</label><textarea class="mono" id="keys" name="keys" rows="4" spellcheck="false" aria-describedby="keys-hint">${typed['keys'] ?? ''}</textarea>
<p class="hint" id="keys-hint">One on each line: ssh-ed25519 …</p></div>`
}
${passwordAgain(frame, 'ssh', { password: mistakes['ssh_password'], code: mistakes['ssh_code'] })}
<button class="button" type="submit">${isOn ? 'Switch SSH off' : 'Switch SSH on'}</button>`,
  { class: 'stack' },
)}`,
  );
}

function resetSheet(frame: Frame, { mistakes }: SystemModel): Markup {
  const isOpen = ['site_name', 'reset_password', 'reset_code', 'presence'].some((name) => mistakes[name] !== undefined);
  return sheet(
    'reset',
    'Reset to factory settings',
    html`<p>For a box that is given away. It cannot be undone.</p>`,
    html`<details class="danger"${isOpen && html` open`}><summary>What a reset does, and how</summary>${postForm(
      frame,
      '/system/reset',
      html`<ul><li>Everything on this box is erased: offices, people, log, its identity.</li>
<li>The office is cut off from the others until somebody sets the box up again.</li>
<li>The other offices go on showing it as not answering, until it is removed there.</li></ul>
<div class="halves">${field(frame, { id: 'site_name', label: `Type ${frame.boxName} to confirm`, autocomplete: 'off', most: 128, required: true, error: mistakes['site_name'], more: html` spellcheck="false"` })}
${passwordAgain(frame, 'reset', { password: mistakes['reset_password'], code: mistakes['reset_code'] })}</div>
${field(frame, { id: 'presence', label: 'Code on the screen of the box', class: 'code-input', autocomplete: 'off', most: 20, error: mistakes['presence'], hint: 'You must stand beside it. Leave this empty the first time: the box then shows a code on its screen.', more: html` spellcheck="false"` })}
<button class="button button-danger" type="submit">Erase this box</button>`,
      { class: 'stack' },
    )}</details>`,
  );
}
