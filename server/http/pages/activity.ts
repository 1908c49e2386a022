import { activityParts } from '../../../views/live.ts';
import type { AuditEvent, AuditFilter } from '../../../views/model.ts';
import { type ActivityModel, activityPage } from '../../../views/pages/activity.ts';
import type { Front, PageModule, WebContext } from '../front.ts';
import { contextOf } from './home.ts';

const SHOWN = 50;
const EXPORT_CHUNK = 2_000;
const LONGEST_WORD = 128;

interface Answer {
  readonly events: readonly AuditEvent[];
  readonly next_before: number | null;
}

/** What happened and who did it. */
export const activityPages: PageModule = (app, front) => {
  app.get('/activity', front.requireRole('operator'), (c) => show(front, c, null));
  app.post('/activity/verify', front.requireRole('operator'), async (c) => {
    const chain = await front.ask(c, 'VerifyAudit', {}, { timeoutMs: 60_000, waits: true });
    if (!chain.ok) return front.failed(c, chain.error);
    return show(front, c, { state: chain.value, checkedMs: Date.now() });
  });
  app.get('/activity/verify', (c) => c.redirect('/activity', 303));
  app.get('/activity/export', front.requireRole('operator'), (c) => exportAll(front, c));
  front.live<Answer>({
    name: 'activity',
    role: 'operator',
    poll: (ask) => ask('GetAudit', { limit: SHOWN }),
    render: (model, about) => (model.ok ? activityParts(contextOf(front, about), model.value.events) : {}),
  });
};

async function show(front: Front, c: WebContext, chain: ActivityModel['chain']): Promise<Response> {
  const filter = filterOf(c);
  const before = Number(c.req.query('before'));
  const asked = await front.ask(c, 'GetAudit', {
    limit: SHOWN,
    ...(Number.isSafeInteger(before) && before > 0 ? { before } : {}),
    ...Object.fromEntries(Object.entries(filter).filter(([, word]) => word !== '')),
  });
  if (!asked.ok) return front.failed(c, asked.error);
  const model: ActivityModel = {
    events: asked.value.events,
    nextBefore: asked.value.next_before,
    filter,
    before: Number.isSafeInteger(before) && before > 0 ? before : null,
    isLive: c.req.query('live') !== 'no',
    chain,
  };
  return front.page(c, (frame) => activityPage(frame, model));
}

function filterOf(c: WebContext): AuditFilter {
  const word = (name: string): string => (c.req.query(name) ?? '').trim().slice(0, LONGEST_WORD);
  return { who: word('who'), event: word('event'), text: word('text') };
}

/** All entries as they are on the disk, a piece at a time: a log of years is never held at once. */
async function exportAll(front: Front, c: WebContext): Promise<Response> {
  type Chunk = { readonly lines: readonly string[]; readonly next: number | null };
  const chunk = (after: number) =>
    front.ask(c, 'ExportAudit', { after, limit: EXPORT_CHUNK }, { timeoutMs: 30_000, waits: true });
  const first = await chunk(0);
  if (!first.ok) return front.failed(c, first.error);
  let ready: Chunk | undefined = first.value;
  let next = first.value.next;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (!ready && next !== null) {
        const asked = await chunk(next);
        // Cut off in the middle: the chain in the file shows that its end is missing.
        if (!asked.ok) return controller.error(new Error(asked.error.message));
        ready = asked.value;
        next = asked.value.next;
      }
      if (!ready) return controller.close();
      const { lines } = ready;
      ready = undefined;
      controller.enqueue(new TextEncoder().encode(lines.map((line) => `${line}\n`).join('')));
      if (next === null) controller.close();
    },
  });
  c.header('Content-Type', 'application/x-ndjson; charset=utf-8');
  c.header('Content-Disposition', 'attachment; filename="quicether-audit.jsonl"');
  return c.body(body);
}
