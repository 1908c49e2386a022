import type { Clock } from '../core/clock.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { ROLES, type Role } from '../operations/actor.ts';
import type { MethodName, ParamsOf, ResultOf } from '../rpc/methods.ts';
import type { Daemon } from './daemon-lines.ts';
import type { Ask } from './front.ts';
import type { LiveTopic } from './live.ts';
import { type EventSink, encodeEvent, Viewer } from './live-viewers.ts';

/** Browsers that watch at one time, and those of one session. */
export const MOST_VIEWERS = 200;
export const MOST_OF_ONE = 64;
const MOST_TOPICS = 12;
const TICK_MS = 1_000;
/** The daemon is asked this often whether a watching session still is one. */
const CHECK_MS = 8_000;
const SIGNED_OUT = encodeEvent('', 'signed-out');
const AGAIN = encodeEvent('', 'again');
/** Nothing has changed, and that is known just now: a page that hears nothing for some seconds says so. */
const TICK = encodeEvent('', 'tick');
const TICK_EVERY_MS = 2_000;

/** Who wants to watch what. */
export interface Watching {
  readonly session: string;
  readonly source: string;
  readonly role: Role;
  readonly zone: string;
  /** Names of topics. */
  readonly show: readonly string[];
  /** What they are about: an office. */
  readonly of: string;
}

/** All who watch the same with the same rights; they are asked for and rendered once. */
interface Group {
  readonly topics: readonly LiveTopic<unknown>[];
  readonly watching: Watching;
  readonly viewers: Set<Viewer>;
  /** Last sent parts by name. */
  parts: Map<string, string>;
  isBusy: boolean;
}

/** Asks the daemon once a second for all who watch, and sends what changed. */
export class LiveHub {
  readonly #daemon: Daemon;
  readonly #clock: Clock;
  readonly #topics = new Map<string, LiveTopic<unknown>>();
  readonly #groups = new Map<string, Group>();
  #viewers = 0;
  #cancelTick: (() => void) | undefined;
  /** Answers of this second, by role and question. */
  #answers = new Map<string, Promise<Result<unknown>>>();

  constructor(daemon: Daemon, clock: Clock) {
    this.#daemon = daemon;
    this.#clock = clock;
  }

  readonly add = (topic: LiveTopic<unknown>): void => {
    this.#topics.set(topic.name, topic);
  };

  get viewerCount(): number {
    return this.#viewers;
  }

  /** Checks a wish to watch; the answer then goes to {@link join}. */
  admit(watching: Watching): Result<readonly LiveTopic<unknown>[]> {
    if (watching.show.length === 0 || watching.show.length > MOST_TOPICS) {
      return fail('web.bad-form', `name 1 to ${MOST_TOPICS} things to watch in "show"`);
    }
    const topics: LiveTopic<unknown>[] = [];
    for (const name of watching.show) {
      const topic = this.#topics.get(name);
      if (!topic) return fail('web.not-found', 'there is nothing of that name to watch');
      if (ROLES.indexOf(watching.role) < ROLES.indexOf(topic.role)) {
        return fail('permission.role', `watching this needs the role ${topic.role}`);
      }
      topics.push(topic);
    }
    if (this.#viewers >= MOST_VIEWERS) return tooMany();
    let own = 0;
    for (const { viewers } of this.#groups.values()) {
      for (const viewer of viewers) if (viewer.session === watching.session) own++;
    }
    return own >= MOST_OF_ONE ? tooMany() : ok(topics);
  }

  /** From now on `sink` is told what changes; the first time all of it. */
  join(sink: EventSink, watching: Watching, topics: readonly LiveTopic<unknown>[]): void {
    const { role, zone, show, of } = watching;
    const key = JSON.stringify([role, zone, of, [...show].sort()]);
    const group = this.#groups.get(key) ?? { topics, watching, viewers: new Set(), parts: new Map(), isBusy: false };
    this.#groups.set(key, group);
    const viewer = new Viewer(sink, watching, this.#clock, () => {
      if (!group.viewers.delete(viewer)) return;
      this.#viewers--;
      if (group.viewers.size === 0 && this.#groups.get(key) === group) this.#groups.delete(key);
    });
    group.viewers.add(viewer);
    this.#viewers++;
    if (group.parts.size > 0) viewer.send(encodeEvent([...group.parts.values()].join('\n')));
    this.#cancelTick ??= this.#clock.setTimer(0, () => this.#tick());
  }

  /** Lets everybody go; browsers come back by themselves. */
  close(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    for (const { viewers } of this.#groups.values()) for (const viewer of viewers) viewer.end(AGAIN);
    this.#groups.clear();
  }

  #tick(): void {
    this.#cancelTick = this.#viewers > 0 ? this.#clock.setTimer(TICK_MS, () => this.#tick()) : undefined;
    this.#answers = new Map();
    for (const group of this.#groups.values()) {
      for (const viewer of group.viewers) {
        viewer.tend();
        if (this.#clock.monotonicMs() - viewer.checkedMs >= CHECK_MS) void this.#check(viewer, group);
      }
      if (!group.isBusy) void this.#refresh(group);
    }
  }

  async #refresh(group: Group): Promise<void> {
    group.isBusy = true;
    try {
      const { changed, isKnown } = await this.#render(group);
      const event = changed.length > 0 ? encodeEvent(changed.join('\n')) : undefined;
      for (const viewer of group.viewers) {
        if (event) viewer.send(event);
        else if (isKnown && viewer.silentMs >= TICK_EVERY_MS - TICK_MS / 2) viewer.send(TICK);
      }
    } finally {
      group.isBusy = false;
    }
  }

  /** The parts that are not what they were, and whether the daemon has answered. */
  async #render(group: Group): Promise<{ readonly changed: readonly string[]; readonly isKnown: boolean }> {
    const [viewer] = group.viewers;
    if (!viewer) return { changed: [], isKnown: false };
    const { of: key, zone } = group.watching;
    const ask = this.#askAs(viewer, group);
    const when = { nowMs: this.#clock.nowMs(), zone };
    const changed: string[] = [];
    let isKnown = false;
    for (const topic of group.topics) {
      const model = await topic.poll(ask, key);
      // Whose session is gone is no news for the others; the next second asks in another's name.
      if (!model.ok && model.error.code.startsWith('permission.')) {
        void this.#check(viewer, group);
        continue;
      }
      isKnown ||= model.ok;
      for (const [name, markup] of Object.entries(topic.render(model, { when, key }))) {
        const text = markup.toString();
        if (group.parts.get(name) === text) continue;
        group.parts.set(name, text);
        changed.push(text);
      }
    }
    return { changed, isKnown };
  }

  #askAs(viewer: Viewer, { watching: { role } }: Group): Ask {
    return <M extends MethodName>(method: M, params: ParamsOf<M>): Promise<Result<ResultOf<M>>> => {
      const question = `${role} ${method} ${JSON.stringify(params)}`;
      const known = this.#answers.get(question);
      if (known !== undefined) return known as Promise<Result<ResultOf<M>>>;
      const asked = this.#daemon.call(method, params, { onBehalf: behalfOf(viewer) });
      this.#answers.set(question, asked);
      return asked as Promise<Result<ResultOf<M>>>;
    };
  }

  /** Ends the stream of a session that is none any more, or whose role has changed. */
  async #check(viewer: Viewer, group: Group): Promise<void> {
    if (viewer.isChecking) return;
    viewer.isChecking = true;
    const me = await this.#daemon.call('GetMe', {}, { onBehalf: behalfOf(viewer) });
    viewer.isChecking = false;
    if (me.ok) {
      viewer.checkedMs = this.#clock.monotonicMs();
      if ((me.value as { role?: unknown }).role !== group.watching.role) viewer.end(AGAIN);
      return;
    }
    if (me.error.code.startsWith('permission.')) viewer.end(SIGNED_OUT);
  }
}

function behalfOf({ session, source }: Viewer) {
  return { session, source, surface: 'page', is_background: true } as const;
}

function tooMany(): Result<never> {
  return fail('rpc.busy', `${MOST_VIEWERS} pages are being kept up to date already`, {
    remedy: 'close some, or load this page again now and then',
  });
}
