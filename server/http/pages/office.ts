import * as z from 'zod';
import { officeParts } from '../../../views/live.ts';
import { pathTo } from '../../../views/markup.ts';
import type { History, Mistakes, OfficeDetail, Range } from '../../../views/model.ts';
import { nameToType, officePage } from '../../../views/pages/office.ts';
import { officesPage } from '../../../views/pages/offices.ts';
import { nameOf, startNameOf } from '../../../views/words/verdict.ts';
import type { Failure } from '../../core/result.ts';
import type { ParamsOf } from '../../rpc/methods.ts';
import type { Ask, Front, PageModule, WebContext } from '../front.ts';
import { askFor, mistakesOf, orElse, proveWith } from './asking.ts';
import { Days } from './days.ts';
import { contextOf } from './home.ts';

const RANGES: readonly Range[] = ['10m', '2d', '2y'];
const CHART_POINTS = 240;

const RemoveForm = z.object({
  typed: z.string().max(256),
  password: z.string().max(1_024).optional(),
  code: z.string().max(64).optional(),
});

/** All offices, each one with its history, and removing it. */
export const officePages: PageModule = (app, front) => {
  const days = new Days();
  app.get('/offices', async (c) => {
    const ask = askFor(front, c);
    const offices = await ask('GetOffices', {});
    if (!offices.ok) return front.failed(c, offices.error);
    const strips = await days.of(ask, offices.value.offices, Date.now());
    return front.page(c, (frame) => officesPage(frame, { offices: offices.value, days: strips }));
  });
  app.get('/offices/:id{qe1[0-9a-z]{1,100}}', (c) => show(front, c, {}));
  // A browser that asks again for the page that a form led to.
  app.get('/offices/:id{qe1[0-9a-z]{1,100}}/remove', (c) => front.redirectTo(c, pathTo('/offices', c.req.param('id'))));
  app.post('/offices/:id{qe1[0-9a-z]{1,100}}/remove', (c) => remove(front, c));
  front.live<OfficeDetail>({
    name: 'office',
    role: 'viewer',
    poll: (ask, peer) => ask('GetOffice', { peer }),
    render: (model, about) => (model.ok ? officeParts(contextOf(front, about), model.value) : {}),
  });
};

async function show(front: Front, c: WebContext, mistakes: Mistakes): Promise<Response> {
  const ask = askFor(front, c);
  const peer = c.req.param('id') ?? '';
  const range = RANGES.find((one) => one === c.req.query('range')) ?? '10m';
  const [office, histories] = await Promise.all([ask('GetOffice', { peer }), askHistories(ask, peer, range)]);
  if (!office.ok) return unknownOffice(front, c, office.error);
  const status = Object.keys(mistakes).length > 0 ? 422 : 200;
  return front.page(c, (frame) => officePage(frame, { office: office.value, range, ...histories, mistakes }), status);
}

/** A link to an office that was removed since is no mistake of whoever follows it. */
function unknownOffice(front: Front, c: WebContext, failure: Failure): Response | Promise<Response> {
  const isUnknown = failure.code === 'peer.unknown' || failure.code.startsWith('node-id.');
  if (!isUnknown) return front.failed(c, failure);
  return front.failed(c, {
    code: 'peer.unknown',
    message: 'There is no such office here',
    remedy: 'It has been removed, or the address of this page is wrong. All offices stand under Offices.',
  });
}

async function askHistories(ask: Ask, subject: string, range: Range) {
  const history = (series: ParamsOf<'GetHistory'>['series']): Promise<History | null> =>
    orElse(ask('GetHistory', { subject, series, range, max_points: CHART_POINTS }), null);
  const [received, sent, replies] = await Promise.all([
    history('received_bps'),
    history('sent_bps'),
    history('rtt_ms'),
  ]);
  return { received, sent, replies };
}

async function remove(front: Front, c: WebContext): Promise<Response> {
  const peer = c.req.param('id') ?? '';
  const form = await front.form(c, RemoveForm);
  if (!form.ok) return show(front, c, form.mistakes);
  const office = await front.ask(c, 'GetOffice', { peer });
  if (!office.ok) return unknownOffice(front, c, office.error);
  const expected = nameToType(office.value);
  if (form.value.typed.trim() !== expected.trim()) {
    return show(front, c, { typed: `Type the name exactly as it stands here: ${expected}` });
  }
  const proven = await proveWith(front, c, { password: form.value.password ?? '', code: form.value.code ?? '' });
  if (!proven.ok) {
    const mistakes = mistakesOf(proven.error, {});
    return mistakes ? show(front, c, mistakes) : front.failed(c, proven.error);
  }
  const removed = await front.ask(c, 'RemovePeer', { peer: office.value.node_id });
  if (!removed.ok) return front.failed(c, removed.error);
  return front.redirectTo(c, '/offices', {
    state: 'working',
    title: `${startNameOf(office.value)} is removed`,
    detail: `Nothing flows to or from it any more. To have ${nameOf(office.value)} back, add it again with its address and identity, or accept it when it asks.`,
  });
}
