import type { Condition, Line, Office, Offices, Shape } from '../model.ts';
import { count, listed, milliseconds, percent } from './numbers.ts';
import { roughTime, since, type When } from './time.ts';

/** What an office is called; one without a name is told by the end of its identity. */
export function nameOf({ name, node_id }: { readonly name: string; readonly node_id: string }): string {
  return name.trim() === '' ? `the box …${node_id.slice(-6)}` : name;
}

/** The same at the beginning of a sentence. */
export function startNameOf(office: { readonly name: string; readonly node_id: string }): string {
  const name = nameOf(office);
  return office.name.trim() === '' ? `T${name.slice(1)}` : name;
}

export interface Verdict {
  readonly shape: Shape;
  readonly word: string;
  readonly sentence: string;
}

/** "Is it working?", in one sentence: who works together, then who does not. Never more than was measured. */
export function verdictOf(boxName: string, { offices, cut_off }: Pick<Offices, 'offices' | 'cut_off'>): Verdict {
  if (cut_off) {
    return {
      shape: 'failed',
      word: 'Not working',
      sentence: `${capital(boxName)} has no internet line: check its cable.`,
    };
  }
  if (offices.length === 0) {
    return {
      shape: 'unknown',
      word: 'Nothing to check yet',
      sentence: `${capital(boxName)} is not connected to another office yet.`,
    };
  }
  const named = (states: readonly Condition[]) => offices.filter(({ state }) => states.includes(state)).map(nameOf);
  const good = named(['working', 'degraded']);
  const limping = named(['degraded']);
  const dead = named(['failed']);
  const waiting = offices.filter((office) => office.waiting).map(nameOf);
  const silent = offices.filter((office) => office.state === 'unknown' && !office.waiting).map(nameOf);
  const sentences = [
    together(boxName, good, limping),
    dead.length > 0 ? `${listed(dead)} ${are(dead)} not answering.` : '',
    waiting.length > 0 ? `${capital(boxName)} waits to be accepted by ${listed(waiting)}.` : '',
    silent.length > 0 ? `We cannot tell whether ${listed(silent)} ${silent.length === 1 ? 'works' : 'work'}.` : '',
  ];
  const isOnlyWaiting = waiting.length === offices.length;
  return {
    ...(isOnlyWaiting
      ? { shape: 'busy' as const, word: 'Waiting to be accepted there' }
      : overall(good.length, limping.length, dead.length, silent.length)),
    sentence: capital(sentences.filter(Boolean).join(' ')),
  };
}

function together(boxName: string, good: readonly string[], limping: readonly string[]): string {
  if (good.length === 0) return '';
  const less = limping.length === 0 ? '' : `, ${listed(limping)} with less than there should be`;
  return `${listed([boxName, ...good])} are working together${less}.`;
}

function overall(good: number, limping: number, dead: number, silent: number): Pick<Verdict, 'shape' | 'word'> {
  if (dead + silent === 0) {
    return limping === 0 ? { shape: 'working', word: 'Working' } : { shape: 'degraded', word: 'Degraded' };
  }
  if (good > 0) return { shape: 'degraded', word: 'Partly working' };
  return dead > 0 ? { shape: 'failed', word: 'Not working' } : { shape: 'unknown', word: 'Unknown' };
}

function are(names: readonly string[]): string {
  return names.length === 1 ? 'is' : 'are';
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** One sentence about one office. */
export function officeSentence(office: Office, when: When): string {
  const lines = office.paths === 0 ? '' : ` over ${count(office.paths, 'path')}`;
  switch (office.state) {
    case 'working':
      return `Replies in ${milliseconds(office.rtt_ms)}${lines}${since(office.since_ms, when)}`;
    case 'degraded':
      return `Reachable${lines}, but since ${at(office.since_ms, when)}: ${office.problem ?? 'less than there should be'}`;
    case 'failed':
      return `${capital(office.problem ?? 'it does not answer')}${lastGood(office, when)}`;
    case 'unknown':
      return office.waiting
        ? 'Somebody there has to accept this box: on its page, under “Asking to connect”'
        : `${capital(office.problem ?? 'we cannot tell from here')}${lastGood(office, when)}`;
  }
}

function at(ms: number | null, when: When): string {
  return ms === null ? 'some time' : roughTime(ms, when);
}

function lastGood({ last_good_ms }: Office, when: When): string {
  return last_good_ms === null ? '; no answer so far' : `; its last answer came at ${roughTime(last_good_ms, when)}`;
}

/** One sentence about one internet line of this box. */
export function lineSentence(line: Line): string {
  if (line.state === 'failed')
    return line.addresses.length === 0 ? 'Nothing is plugged in, or it is switched off' : 'Nothing comes over it';
  if (line.state === 'unknown')
    return line.offices === 0
      ? 'No office is reached over it, so nothing is measured'
      : 'Nothing was heard over it lately';
  const lost =
    line.loss_ratio === null ? '' : line.loss_ratio === 0 ? ', nothing lost' : `, ${percent(line.loss_ratio)} lost`;
  return `Replies in ${milliseconds(line.rtt_ms)}${lost}, reaches ${count(line.offices, 'office')}`;
}

/** Something that wants a person, with the one next step. */
export interface Attention {
  readonly shape: Shape;
  readonly word?: string;
  readonly heading: string;
  readonly text: string;
  readonly href: string;
  readonly button: string;
}

const URGENCY: readonly Shape[] = ['failed', 'unknown', 'degraded', 'busy', 'working'];

/** What needs attention, most urgent first. */
export function attentionOf(
  { offices, pending, cut_off }: Offices,
  lines: readonly Line[],
  when: When,
): readonly Attention[] {
  const all = [
    ...(cut_off
      ? [CUT_OFF]
      : offices.filter(({ state }) => state !== 'working').map((office) => officeAttention(office, when))),
    ...pending.map(
      (office): Attention => ({
        shape: 'degraded',
        word: 'Waiting for you',
        heading: `A box that calls itself “${nameOf(office)}” asks to connect`,
        text: 'Nothing flows until you accept it. Anybody can choose a name: compare its identity first.',
        href: '/offices/add#pending',
        button: 'See who asks',
      }),
    ),
    ...(cut_off ? [] : faultyLines(lines)).map(lineAttention),
  ];
  return all.toSorted((one, other) => URGENCY.indexOf(one.shape) - URGENCY.indexOf(other.shape));
}

const CUT_OFF: Attention = {
  shape: 'failed',
  heading: 'This box has no internet line',
  text: 'Check its cable and its modem. Nothing is known of the other offices until it is back.',
  href: '/lines',
  button: 'Look at the lines',
};

function faultyLines(lines: readonly Line[]): readonly Line[] {
  // A port without an address is one that nothing is plugged into: that is no fault.
  return lines.filter(({ state, addresses }) => (state === 'failed' && addresses.length > 0) || state === 'degraded');
}

function officeAttention(office: Office, when: When): Attention {
  const name = startNameOf(office);
  if (office.waiting) {
    return {
      shape: 'busy',
      word: 'Waiting to be accepted there',
      heading: `${name} has not accepted this box yet`,
      text: 'Somebody there accepts it: on its page, under “Asking to connect”. Until then nothing flows.',
      href: `/offices/${encodeURIComponent(office.node_id)}`,
      button: `Open ${nameOf(office)}`,
    };
  }
  const problem = office.problem === null ? '' : `${capital(office.problem)}. `;
  return {
    shape: office.state,
    heading: officeHeading(office, name, when),
    text:
      `${problem}${office.remedy === null ? '' : `${capital(office.remedy)}.`}`.trim() ||
      'We do not know more from here.',
    href: `/offices/${encodeURIComponent(office.node_id)}`,
    button: `Open ${nameOf(office)}`,
  };
}

function officeHeading(office: Office, name: string, when: When): string {
  if (office.state === 'degraded') return `${name} works with less than there should be${since(office.since_ms, when)}`;
  if (office.last_good_ms === null) return `${name} has not answered yet`;
  return `${name} has not answered since ${roughTime(office.last_good_ms, when)}`;
}

function lineAttention(line: Line): Attention {
  const isDead = line.state === 'failed';
  return {
    shape: line.state,
    heading: isDead ? `The line ${line.interface} carries nothing` : `The line ${line.interface} loses packets`,
    text: isDead
      ? 'Look at its cable and its modem. The other lines carry on meanwhile.'
      : `${lineSentence(line)}. The other lines carry more meanwhile.`,
    href: '/lines',
    button: 'Look at the lines',
  };
}
