import type { ProbeView } from './probe-book.ts';

/** `unknown` is said whenever nothing was measured: nothing is green by default. */
export const OFFICE_STATES = ['working', 'degraded', 'failed', 'unknown'] as const;
export type OfficeState = (typeof OFFICE_STATES)[number];

/** Probes without an answer, time without one, and silence of its lines: all three, before an office has failed. */
const FAILED_UNANSWERED = 3;
const FAILED_WITHOUT_GOOD_MS = 4_000;
const FAILED_PROBING_MS = 2_000;
const FAILED_SILENT_MS = 2_500;
/** Packets come, answers do not: after this it has failed all the same. */
const DEAF_MS = 10_000;
/** A box that was just told of, or a daemon that just started, may still be connecting. */
const SETTLING_MS = 6_000;
/** Lost probes that are no accident any more. */
const DEGRADED_LOSS = 0.1;
const SLOW_FACTOR = 3;
const SLOW_EXTRA_MS = 50;

/** What is known about one office; all times are monotonic. */
export interface OfficeFacts {
  readonly nowMs: number;
  /** As the engine has it; undefined when the engine does not answer. */
  readonly connection: 'up' | 'waiting' | 'down' | undefined;
  /** Why it is not connected, in the engine's words. */
  readonly problem: string | undefined;
  /** How long this office has been watched. */
  readonly watchedMs: number;
  readonly probes: ProbeView;
  /** Nothing heard from it for so long; undefined when not known. */
  readonly silentMs: number | undefined;
  /** Between two probes in good times. */
  readonly intervalMs: number;
}

/** Whether an office works, and if not why and what to do. */
export interface OfficeVerdict {
  readonly state: OfficeState;
  readonly problem?: string;
  readonly remedy?: string;
  /** Nothing is wrong: somebody there has to accept this box. */
  readonly isWaiting?: boolean;
}

const REFUSED = /not accepted there/;
const REFUSED_REMEDY = 'they have removed this box or not accepted it yet: ask them to accept it, or remove it here';
const WAITING: OfficeVerdict = {
  state: 'unknown',
  problem: 'waiting to be accepted there',
  remedy: 'accept this box there: on its page, under “Asking to connect”',
  isWaiting: true,
};
/** What the engine says of a connection that ended, and what to do; first of all power is checked where nothing is known. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [REFUSED, REFUSED_REMEDY],
  [
    /is stopping|was restarted|closed here|another connection stays/,
    'wait a minute: it comes back by itself after a restart; if it does not, ask there whether it was switched off',
  ],
  [/leads to this box itself/, 'remove it here, and add it with the address of the other box'],
  [/release that this one cannot talk to/, 'update the older of the two boxes'],
];
const CHECK_THERE = 'check that the box there has power and that its internet line works';

/** The answer to "is it working?" for one office, from probes that went through the tunnel and back. */
export function decideOffice(facts: OfficeFacts): OfficeVerdict {
  const { connection, probes, watchedMs } = facts;
  if (connection === undefined) return { state: 'unknown', problem: 'the tunnel of this box does not answer' };
  // Of one that has worked this is news; of one that was just added it is the next step.
  const isNew = probes.lastGoodMs === undefined;
  if (connection === 'waiting') {
    return isNew ? WAITING : { state: 'failed', problem: 'this box is not accepted there', remedy: REFUSED_REMEDY };
  }
  if (connection === 'down') {
    if (isNew && REFUSED.test(facts.problem ?? '')) return WAITING;
    if (isNew && watchedMs < SETTLING_MS) return { state: 'unknown', problem: 'connecting' };
    const problem = facts.problem ?? 'it cannot be reached';
    return { state: 'failed', problem, remedy: remedyOf(problem) };
  }
  return decideConnected(facts);
}

function remedyOf(problem: string): string {
  return REMEDIES.find(([pattern]) => pattern.test(problem))?.[1] ?? CHECK_THERE;
}

function decideConnected({ nowMs, probes, silentMs, intervalMs, watchedMs }: OfficeFacts): OfficeVerdict {
  const { lastGoodMs, unanswered, firstUnansweredMs, lossRatio, rttMs, usualRttMs } = probes;
  const withoutGoodMs = lastGoodMs === undefined ? watchedMs : nowMs - lastGoodMs;
  const probingMs = firstUnansweredMs === undefined ? 0 : nowMs - firstUnansweredMs;
  const isUnanswered =
    unanswered >= FAILED_UNANSWERED && withoutGoodMs >= FAILED_WITHOUT_GOOD_MS && probingMs >= FAILED_PROBING_MS;
  if (isUnanswered && (silentMs === undefined || silentMs >= FAILED_SILENT_MS || probingMs >= DEAF_MS)) {
    return { state: 'failed', problem: `no answer for ${seconds(withoutGoodMs)}`, remedy: CHECK_THERE };
  }
  if (lastGoodMs === undefined) return { state: 'unknown', problem: 'not checked yet' };
  if (isUnanswered) return { state: 'degraded', problem: `answers do not come back for ${seconds(withoutGoodMs)}` };
  if (withoutGoodMs > 3 * intervalMs + FAILED_WITHOUT_GOOD_MS)
    return { state: 'unknown', problem: 'not checked lately' };
  if (lossRatio !== undefined && lossRatio >= DEGRADED_LOSS) {
    const remedy = 'look at the lines of both boxes: one of them loses packets';
    return { state: 'degraded', problem: `${Math.round(100 * lossRatio)} % of what is sent gets lost`, remedy };
  }
  if (rttMs !== undefined && usualRttMs !== undefined && rttMs > SLOW_FACTOR * usualRttMs + SLOW_EXTRA_MS) {
    const problem = `answers take ${Math.round(rttMs)} ms, at best ${Math.round(usualRttMs)} ms`;
    return { state: 'degraded', problem, remedy: 'look whether a large transfer fills one of the lines' };
  }
  return { state: 'working' };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
