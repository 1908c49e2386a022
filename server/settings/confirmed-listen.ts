import * as z from 'zod';
import { formatHostPort, type HostPort, parseHostPort } from '../core/host-port.ts';
import { fail, ok, type Result } from '../core/result.ts';

/** In the state directory; holds what people changed and confirmed, and what is on trial. */
export const LISTEN_FILE = 'listen.json';

/** Who tried a change; only the same one can confirm it. */
export interface TrialPerson {
  readonly name: string;
  /** `user:ID` or `local:uid 0` */
  readonly key: string;
}

/** Listen addresses that somebody tried and confirmed. */
export interface ConfirmedListen {
  readonly addresses: readonly HostPort[];
  readonly by: string;
  readonly atMs: number;
  /** What the configuration said then; when it says something else, it counts again. */
  readonly instead: readonly HostPort[];
}

/** Listen addresses on trial; whoever finds this at a start knows that nobody confirmed them. */
export interface ListenTrial {
  readonly trialId: string;
  readonly wanted: readonly HostPort[];
  readonly before: readonly HostPort[];
  readonly by: TrialPerson;
  readonly startedMs: number;
  readonly durationMs: number;
}

export interface ListenState {
  readonly confirmed: ConfirmedListen | undefined;
  readonly trial: ListenTrial | undefined;
}

const Addresses = z.array(z.string().max(300)).max(64);
const Stored = z.object({
  version: z.literal(1),
  confirmed: z.object({ addresses: Addresses, by: z.string(), at: z.iso.datetime(), instead: Addresses }).nullable(),
  trial: z
    .object({
      trial_id: z.string(),
      wanted: Addresses,
      before: Addresses,
      by: z.object({ name: z.string(), key: z.string() }),
      started: z.iso.datetime(),
      duration_ms: z.number(),
    })
    .nullable(),
});

export function encodeListenState({ confirmed, trial }: ListenState): string {
  const texts = (places: readonly HostPort[]): string[] => places.map(formatHostPort);
  const stored: z.input<typeof Stored> = {
    version: 1,
    confirmed: confirmed
      ? {
          addresses: texts(confirmed.addresses),
          by: confirmed.by,
          at: new Date(confirmed.atMs).toISOString(),
          instead: texts(confirmed.instead),
        }
      : null,
    trial: trial
      ? {
          trial_id: trial.trialId,
          wanted: texts(trial.wanted),
          before: texts(trial.before),
          by: { name: trial.by.name, key: trial.by.key },
          started: new Date(trial.startedMs).toISOString(),
          duration_ms: trial.durationMs,
        }
      : null,
  };
  return `${JSON.stringify(stored, null, 2)}\n`;
}

export function decodeListenState(path: string, text: string): Result<ListenState> {
  try {
    const { confirmed, trial } = Stored.parse(JSON.parse(text));
    return ok({
      confirmed: confirmed
        ? {
            addresses: places(confirmed.addresses),
            by: confirmed.by,
            atMs: Date.parse(confirmed.at),
            instead: places(confirmed.instead),
          }
        : undefined,
      trial: trial
        ? {
            trialId: trial.trial_id,
            wanted: places(trial.wanted),
            before: places(trial.before),
            by: trial.by,
            startedMs: Date.parse(trial.started),
            durationMs: trial.duration_ms,
          }
        : undefined,
    });
  } catch {
    return fail('state.damaged', `${path}: is damaged`, { remedy: 'move it away; the configuration counts then' });
  }
}

function places(texts: readonly string[]): HostPort[] {
  return texts.map((text) => {
    const parsed = parseHostPort(text, { addressOnly: true, allowZero: true });
    if (!parsed.ok) throw new Error(parsed.error.message);
    return parsed.value;
  });
}

/** Whether a confirmed change is in force: it is until the configuration says something else than it did. */
export function isInForce(confirmed: ConfirmedListen, configured: readonly HostPort[]): boolean {
  return sameAddresses(confirmed.instead, configured);
}

/** Whether two lists name the same sockets, in whatever order. */
export function sameAddresses(a: readonly HostPort[], b: readonly HostPort[]): boolean {
  const texts = (list: readonly HostPort[]): string => list.map(formatHostPort).sort().join(' ');
  return texts(a) === texts(b);
}
