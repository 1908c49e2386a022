import { beatParts, homeParts, pulseParts } from '../../../views/live.ts';
import type { History, Offices } from '../../../views/model.ts';
import { type HomeModel, homePage } from '../../../views/pages/home.ts';
import { welcomePage } from '../../../views/pages/welcome.ts';
import { ok, type Result } from '../../core/result.ts';
import type { Ask, Front, PageModule } from '../front.ts';
import type { LiveAbout } from '../live.ts';
import { askFor, orElse } from './asking.ts';
import { Days } from './days.ts';
import { ownAddresses, wordsOf } from './identity.ts';

/** Averages over ten seconds: what a person can read while it changes. */
const RATE_POINTS = 60;

export type HomeAnswers = Omit<HomeModel, 'boxName'>;

/** All that home shows, from as few questions as there are. */
export async function askHome(ask: Ask, days: Days, nowMs: number): Promise<Result<HomeAnswers>> {
  const rate = (series: 'received_bps' | 'sent_bps') =>
    ask('GetHistory', { subject: 'box', series, range: '10m', max_points: RATE_POINTS });
  const [offices, lines, received, sent] = await Promise.all([
    ask('GetOffices', {}),
    orElse(ask('GetLines', {}), { lines: [] }),
    rate('received_bps'),
    rate('sent_bps'),
  ]);
  if (!offices.ok) return offices;
  return ok({
    offices: offices.value,
    lines: lines.lines,
    receivedBps: latest(received),
    sentBps: latest(sent),
    days: await days.of(ask, offices.value.offices, nowMs),
  });
}

function latest(history: Result<History>): number | null {
  if (!history.ok) return null;
  // The step that is still running may have nothing in it yet.
  const [before, last] = history.value.points.slice(-2);
  return last?.[1] ?? before?.[1] ?? null;
}

/** "Is it working?", or before there is anything to ask about, the one next step. */
export const homePages: PageModule = (app, front) => {
  const days = new Days();
  app.get('/', async (c) => {
    const ask = askFor(front, c);
    const home = await askHome(ask, days, Date.now());
    if (!home.ok) return front.failed(c, home.error);
    const { offices, lines } = home.value;
    if (offices.offices.length > 0 || offices.pending.length > 0) {
      return front.page(c, (frame) => homePage(frame, { ...home.value, boxName: frame.boxName }));
    }
    const addresses = await ownAddresses(ask);
    return front.page(c, (frame) => welcomePage(frame, { lines, addresses, words: wordsOf(frame.nodeId) }));
  });
  watchHome(front, days);
};

interface Watched {
  readonly boxName: string;
  readonly answers: HomeAnswers;
}

function watchHome(front: Front, days: Days): void {
  front.live<Watched>({
    name: 'home',
    role: 'viewer',
    async poll(ask) {
      const [answers, name] = await Promise.all([askHome(ask, days, Date.now()), boxName(ask)]);
      return answers.ok ? ok({ answers: answers.value, boxName: name }) : answers;
    },
    render: (model, about) =>
      model.ok ? homeParts(contextOf(front, about), { ...model.value.answers, boxName: model.value.boxName }) : {},
  });
  front.live<Offices>({
    name: 'pulse',
    role: 'viewer',
    poll: (ask) => ask('GetOffices', {}),
    // Of a daemon that is away nothing is sent: the page notices the silence and says since when.
    render: (model, about) => (model.ok ? pulseParts(contextOf(front, about), model.value) : {}),
  });
  front.live<Offices>({
    name: 'beat',
    role: 'viewer',
    poll: (ask) => ask('GetOffices', {}),
    render: (model, about) => (model.ok ? beatParts(about.when.nowMs) : {}),
  });
}

/** Parts of a page that come alone need only the time and where the drawings are. */
export function contextOf(
  front: Front,
  { when }: LiveAbout,
): { readonly when: LiveAbout['when']; readonly asset: Front['asset'] } {
  return { when, asset: front.asset };
}

/** What this box is called. */
export async function boxName(ask: Ask): Promise<string> {
  return (await orElse(ask('GetClaimState', {}), { box_name: 'This box' })).box_name;
}
