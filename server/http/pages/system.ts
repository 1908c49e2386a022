import { gzipSync } from 'node:zlib';
import * as z from 'zod';
import { updateParts } from '../../../views/live.ts';
import type { Mistakes, SystemState } from '../../../views/model.ts';
import { systemPage } from '../../../views/pages/system.ts';
import { encodeTar } from '../../core/tar.ts';
import { fieldOf } from '../form.ts';
import type { App, FormFields, Front, PageModule, WebContext } from '../front.ts';
import { sentenceOf } from '../sentence.ts';
import { askFor, mistakesOf, orElse, proveWith } from './asking.ts';
import { contextOf } from './home.ts';
import { proofOf } from './people.ts';

const PROOF = { password: z.string().max(1_024).optional(), code: z.string().max(64).optional() };
const ListenForm = z.object({
  listen: z.string('Type an address.').trim().min(1, 'Type at least one address.').max(1_000),
  ...PROOF,
});
const InstallForm = z.object({ upload_id: z.string().min(1).max(64), ...PROOF });
const ResetForm = z.object({
  site_name: z.string().trim().min(1, 'Type the name of the box.').max(128),
  presence: z.string().trim().max(20).optional(),
  ...PROOF,
});
const SshForm = z.object({ on: z.enum(['yes', 'no']), keys: z.string().max(12_000).optional(), ...PROOF });
/** Building and packing a bundle of a busy gateway takes a moment. */
const DIAGNOSTICS_MS = 20_000;

/** The box itself. */
export const systemPages: PageModule = (app, front) => {
  app.get('/system', (c) => show(front, c, {}, {}));
  app.get('/system/diagnostics', front.requireRole('operator'), (c) => sendDiagnostics(front, c));
  for (const path of ['listen', 'update/install', 'update', 'ssh', 'reset', 'restart', 'reboot']) {
    // A browser that asks again for the page that a form led to.
    app.get(`/system/${path}`, (c) => c.redirect('/system', 303));
  }
  registerRestart(app, front);
  app.post('/system/listen', (c) => tryListen(front, c));
  app.post('/system/update/install', (c) => install(front, c));
  app.post('/system/ssh', (c) => setSsh(front, c));
  app.post('/system/reset', (c) => reset(front, c));
  front.live<SystemState>({
    name: 'update',
    role: 'viewer',
    poll: (ask) => ask('GetSystem', {}),
    render: (model, about) => (model.ok ? updateParts(contextOf(front, about), model.value.update) : {}),
  });
};

async function show(front: Front, c: WebContext, typed: FormFields, mistakes: Mistakes): Promise<Response> {
  const ask = askFor(front, c);
  const [system, status] = await Promise.all([ask('GetSystem', {}), orElse(ask('GetStatus', {}), null)]);
  if (!system.ok) return front.failed(c, system.error);
  const model = {
    system: system.value,
    uploadId: c.req.query('upload')?.slice(0, 64) ?? fieldOf(typed, 'upload_id') ?? null,
    listen: status?.listen ?? null,
    typed: Object.fromEntries(Object.keys(typed).map((name) => [name, fieldOf(typed, name) ?? ''])),
    mistakes,
  };
  const answer = Object.keys(mistakes).length > 0 ? 422 : 200;
  return front.page(c, (frame) => systemPage(frame, model), answer);
}

function registerRestart(app: App, front: Front): void {
  app.post('/system/restart', async (c) => {
    const restarted = await front.ask(c, 'RestartDaemon', {});
    if (!restarted.ok) return front.failed(c, restarted.error);
    return front.redirectTo(c, '/system', {
      state: 'busy',
      title: 'The control service is starting again',
      detail: 'For some seconds this page says that it does not answer. Offices stay connected.',
    });
  });
  app.post('/system/reboot', async (c) => {
    const rebooting = await front.ask(c, 'Reboot', {});
    if (!rebooting.ok) return front.failed(c, rebooting.error);
    return front.redirectTo(c, '/system', {
      state: 'busy',
      title: 'The box is restarting',
      detail: 'This page is away for about a minute. Load it again then.',
    });
  });
}

/** The address other offices reach is changed on trial: the banner on every page asks whether to keep it. */
async function tryListen(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, ListenForm);
  if (!form.ok) return show(front, c, form.typed, form.mistakes);
  const proven = await proveWith(front, c, proofOf(form.value));
  if (!proven.ok) {
    const mistakes = mistakesOf(proven.error, {}, 'listen_');
    return mistakes ? show(front, c, form.typed, mistakes) : front.failed(c, proven.error);
  }
  const addresses = form.value.listen.split(/[\s,]+/).filter((address) => address !== '');
  const tried = await front.ask(c, 'TryListen', { addresses });
  if (tried.ok)
    return front.redirectTo(c, '/system', {
      state: 'busy',
      title: 'The new addresses are on trial',
      detail: 'Decide above.',
    });
  if (/^(?:permission|daemon)\./.test(tried.error.code)) return front.failed(c, tried.error);
  return show(front, c, form.typed, { listen: sentenceOf(tried.error) });
}

async function install(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, InstallForm);
  if (!form.ok) return show(front, c, form.typed, form.mistakes);
  const proven = await proveWith(front, c, proofOf(form.value));
  if (!proven.ok) {
    const mistakes = mistakesOf(proven.error, {}, 'install_');
    return mistakes ? show(front, c, form.typed, mistakes) : front.failed(c, proven.error);
  }
  const installed = await front.ask(c, 'InstallUpdate', { upload_id: form.value.upload_id });
  if (!installed.ok) return front.failed(c, installed.error);
  return front.redirectTo(c, '/system', {
    state: 'busy',
    title: 'The update is being checked',
    detail: 'You may leave this page; it goes on.',
  });
}

async function setSsh(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, SshForm);
  if (!form.ok) return show(front, c, form.typed, form.mistakes);
  const proven = await proveWith(front, c, proofOf(form.value));
  if (!proven.ok) {
    const mistakes = mistakesOf(proven.error, {}, 'ssh_');
    return mistakes ? show(front, c, form.typed, mistakes) : front.failed(c, proven.error);
  }
  const on = form.value.on === 'yes';
  const keys = (form.value.keys ?? '')
    .split(/\r?\n/)
    .map((key) => key.trim())
    .filter((key) => key !== '');
  const set = await front.ask(c, 'SetSsh', {
    on,
    ...(on && keys.length > 0 ? { authorized_keys: keys } : {}),
  });
  if (set.ok) return front.redirectTo(c, '/system#ssh', { state: 'working', title: on ? 'SSH is on' : 'SSH is off' });
  if (/^(?:permission|daemon)\./.test(set.error.code)) return front.failed(c, set.error);
  return show(front, c, form.typed, { keys: sentenceOf(set.error) });
}

async function reset(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, ResetForm);
  if (!form.ok) return show(front, c, form.typed, form.mistakes);
  const proven = await proveWith(front, c, proofOf(form.value));
  if (!proven.ok) {
    const mistakes = mistakesOf(proven.error, {}, 'reset_');
    return mistakes ? show(front, c, form.typed, mistakes) : front.failed(c, proven.error);
  }
  const { site_name, presence } = form.value;
  const done = await front.ask(c, 'FactoryReset', { site_name, ...(presence ? { code: presence } : {}) });
  if (!done.ok) {
    const mistakes = mistakesOf(done.error, { 'system.site-name': 'site_name', 'system.presence': 'presence' });
    return mistakes ? show(front, c, form.typed, mistakes) : front.failed(c, done.error);
  }
  return front.redirectTo(c, '/', {
    state: 'busy',
    title: 'The box is being erased',
    detail: 'It starts again as it came. Set it up from its screen or label.',
  });
}

/** One archive for the consultant; made in memory, as the daemon's answer is. */
async function sendDiagnostics(front: Front, c: WebContext): Promise<Response> {
  const found = await front.ask(c, 'GetDiagnostics', {}, { timeoutMs: DIAGNOSTICS_MS, waits: true });
  if (!found.ok) return front.failed(c, found.error);
  const takenAt = new Date();
  const name = `quicether-diag-${takenAt.toISOString().replaceAll(/[:.]/g, '-')}`;
  const entries = Object.entries(found.value.files).map(([path, text]) => ({ path: `${name}/${path}`, text }));
  c.header('Content-Type', 'application/gzip');
  c.header('Content-Disposition', `attachment; filename="${name}.tar.gz"`);
  return c.body(new Uint8Array(gzipSync(encodeTar(entries, takenAt))));
}
