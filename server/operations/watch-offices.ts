import type { PeerStatus, Snapshot } from '../adapters/engine-messages.ts';
import type { CancelTimer, Clock } from '../core/clock.ts';
import type { NodeId } from '../core/node-id.ts';
import { decideOffice, type OfficeVerdict } from '../lines/office-state.ts';
import { ProbeBook } from '../lines/probe-book.ts';
import type { HealthPort, HealthSample, OfficeHealth } from './health-port.ts';
import type { Steering } from './world.ts';

const TICK_MS = 250;
/** Between two probes of an office, and at least so much for each office: 50 a second, whatever their number. */
const INTERVAL_MS = 2_000;
const INTERVAL_PER_OFFICE_MS = 20;
/** The engine takes 128 at once from this daemon; half are left for people. */
const MAX_IN_FLIGHT = 64;
const PROBE_TIMEOUT_MS = 2_500;
/** A snapshot of so many offices is taken once a second; of more, less often. */
const OFFICES_PER_SECOND = 200;
const LOOK_MIN_MS = 1_000;
const LOOK_MAX_MS = 15_000;
/** The loss is that of about the last so long, once so many packets say something. */
const LOSS_WINDOW_MS = 30_000;
const LOSS_MIN_PACKETS = 20;

interface Traffic {
  readonly atMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Counters as the engine has them, and what is counted of them for the loss. */
  readonly paths: ReadonlyMap<
    string,
    { readonly sentTotal: number; readonly lostTotal: number; readonly sent: number; readonly lost: number }
  >;
}

interface Watched {
  readonly probes: ProbeBook;
  readonly sinceMs: number;
  connection: 'up' | 'waiting' | 'down' | undefined;
  problem: string | undefined;
  /** Monotonic time when something was last heard from it. */
  heardMs: number | undefined;
  /** Interfaces it was last reached over. */
  lines: readonly string[];
  traffic: Traffic | undefined;
  sample: Omit<HealthSample, 'rttMs'>;
  lastGoodMs: number | undefined;
  health: OfficeHealth | undefined;
}

export interface WatchOptions {
  readonly clock: Clock;
  readonly steering: Pick<Steering, 'snapshot' | 'ping'>;
  /** Wall clock of the last answer of an office in earlier runs. */
  readonly lastGood: (nodeId: string) => number | undefined;
  /** Called after each look, with `box` for all offices together. */
  readonly onSample: (subject: string, sample: HealthSample) => void;
}

const NO_SAMPLE = { sentBps: undefined, receivedBps: undefined, lossRatio: undefined };
const CONNECTION = { up: 'up', waiting_for_peer: 'waiting', down: 'down' } as const;

/** Probes every office end to end, staggered and bounded, and keeps what came of it. */
export class OfficeWatch implements HealthPort {
  readonly #options: WatchOptions;
  readonly #watched = new Map<string, Watched>();
  #checkedMs: number | undefined;
  #lookedMs = -Infinity;
  #isLooking = false;
  #inFlight = 0;
  #cursor = 0;
  #timer: CancelTimer | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  get checkedMs(): number | undefined {
    return this.#checkedMs;
  }

  get usedLines(): readonly string[] {
    return [...new Set([...this.#watched.values()].flatMap(({ lines }) => lines))];
  }

  of(nodeId: NodeId): OfficeHealth | undefined {
    return this.#watched.get(nodeId)?.health;
  }

  pathLoss(nodeId: NodeId, path: { readonly local: string; readonly remote: string }): number | undefined {
    const counted = this.#watched.get(nodeId)?.traffic?.paths.get(pathKey(path));
    return counted && lossOf([counted]);
  }

  start(): void {
    this.#tick();
  }

  stop(): void {
    this.#timer?.();
  }

  /** Something happened: looks at once instead of when it is time. */
  lookSoon(): void {
    this.#lookedMs = -Infinity;
  }

  #tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#timer = this.#options.clock.setTimer(TICK_MS, () => this.#tick());
    const gapMs = Math.ceil(this.#watched.size / OFFICES_PER_SECOND) * 1_000;
    const isTime = nowMs - this.#lookedMs >= Math.min(LOOK_MAX_MS, Math.max(LOOK_MIN_MS, gapMs));
    if (isTime && !this.#isLooking) void this.#look();
    this.#probe(nowMs);
    for (const office of this.#watched.values()) if (office.probes.isWaiting) this.#decide(office, nowMs);
  }

  async #look(): Promise<void> {
    const { clock, steering } = this.#options;
    this.#isLooking = true;
    this.#lookedMs = clock.monotonicMs();
    const snapshot = await steering.snapshot();
    this.#isLooking = false;
    const nowMs = clock.monotonicMs();
    if (snapshot.ok) this.#observe(snapshot.value, nowMs);
    else
      for (const office of this.#watched.values()) {
        if (office.connection !== undefined) office.probes.disconnected();
        Object.assign(office, { connection: undefined, sample: NO_SAMPLE, traffic: undefined });
      }
    this.#checkedMs = clock.nowMs();
    for (const office of this.#watched.values()) this.#decide(office, nowMs);
    this.#record();
  }

  #observe(snapshot: Snapshot, nowMs: number): void {
    const present = new Set<string>();
    for (const peer of snapshot.peers) {
      present.add(peer.node_id);
      const office = this.#watched.get(peer.node_id) ?? this.#begin(peer.node_id, nowMs);
      observePeer(office, peer, nowMs);
    }
    for (const nodeId of this.#watched.keys()) if (!present.has(nodeId)) this.#watched.delete(nodeId);
  }

  #begin(nodeId: string, nowMs: number): Watched {
    const office: Watched = {
      probes: new ProbeBook(),
      sinceMs: nowMs,
      connection: undefined,
      problem: undefined,
      heardMs: undefined,
      lines: [],
      traffic: undefined,
      sample: NO_SAMPLE,
      lastGoodMs: this.#options.lastGood(nodeId),
      health: undefined,
    };
    this.#watched.set(nodeId, office);
    return office;
  }

  // Begins behind the one that was probed last, so that a full hand never starves the end of the list.
  #probe(nowMs: number): void {
    const offices = [...this.#watched];
    const intervalMs = this.#intervalMs;
    const begin = this.#cursor % Math.max(1, offices.length);
    for (let n = 0; n < offices.length && this.#inFlight < MAX_IN_FLIGHT; n++) {
      const at = (begin + n) % offices.length;
      const [nodeId, office] = offices[at] ?? [];
      if (!nodeId || office?.connection !== 'up' || !office.probes.isDue(nowMs, intervalMs)) continue;
      this.#cursor = at + 1;
      void this.#send(nodeId as NodeId, office);
    }
  }

  get #intervalMs(): number {
    return Math.max(INTERVAL_MS, INTERVAL_PER_OFFICE_MS * this.#watched.size);
  }

  async #send(nodeId: NodeId, office: Watched): Promise<void> {
    const { clock, steering } = this.#options;
    this.#inFlight++;
    const epoch = office.probes.sent(clock.monotonicMs());
    const rttUs = await steering.ping(nodeId, PROBE_TIMEOUT_MS);
    this.#inFlight--;
    if (rttUs.ok) {
      office.probes.answered(epoch, clock.monotonicMs(), rttUs.value / 1000);
      office.heardMs = clock.monotonicMs();
      office.lastGoodMs = clock.nowMs();
    } else if (rttUs.error.code === 'engine.timeout') office.probes.lost(epoch);
    else office.probes.notSent(epoch);
    this.#decide(office, clock.monotonicMs());
  }

  #decide(office: Watched, nowMs: number): void {
    const view = office.probes.view;
    const verdict = decideOffice({
      nowMs,
      connection: office.connection,
      problem: office.problem,
      watchedMs: nowMs - office.sinceMs,
      probes: view,
      silentMs: office.heardMs === undefined ? undefined : nowMs - office.heardMs,
      intervalMs: this.#intervalMs,
    });
    office.health = healthOf(office, verdict, { rttMs: view.rttMs, wallMs: this.#options.clock.nowMs() });
  }

  #record(): void {
    const all = [...this.#watched];
    const sum = (values: (number | undefined)[]): number =>
      values.reduce<number>((total, one) => total + (one ?? 0), 0);
    const mean = (values: (number | undefined)[]): number | undefined => {
      const known = values.filter((one) => one !== undefined);
      return known.length === 0 ? undefined : sum(known) / known.length;
    };
    const samples = all.map(([nodeId, { health }]) => [nodeId, sampleOf(health)] as const);
    const each = samples.map(([, sample]) => sample);
    this.#options.onSample('box', {
      rttMs: mean(each.map(({ rttMs }) => rttMs)),
      sentBps: sum(each.map(({ sentBps }) => sentBps)),
      receivedBps: sum(each.map(({ receivedBps }) => receivedBps)),
      lossRatio: mean(each.map(({ lossRatio }) => lossRatio)),
    });
    for (const [nodeId, sample] of samples) this.#options.onSample(nodeId, sample);
  }
}

function sampleOf(health: OfficeHealth | undefined): HealthSample {
  if (!health) return { rttMs: undefined, ...NO_SAMPLE };
  const { state, rttMs, sentBps, receivedBps, lossRatio } = health;
  // A round trip of before is none of now.
  return { rttMs: state === 'working' || state === 'degraded' ? rttMs : undefined, sentBps, receivedBps, lossRatio };
}

function healthOf(
  { health: before, sample, lastGoodMs }: Watched,
  { state, problem, remedy, isWaiting = false }: OfficeVerdict,
  { rttMs, wallMs }: { rttMs: number | undefined; wallMs: number },
): OfficeHealth {
  const sinceMs = before?.state === state ? before.sinceMs : wallMs;
  return { state, sinceMs, rttMs, lastGoodMs, problem, remedy, isWaiting, ...sample };
}

function observePeer(office: Watched, peer: PeerStatus, nowMs: number): void {
  const connection = CONNECTION[peer.state];
  if (office.connection === 'up' && connection !== 'up') office.probes.disconnected();
  office.connection = connection;
  office.problem = peer.problem ?? undefined;
  // Of a line that is gone nothing is told any more: the last word counts.
  const lines = peer.paths.map((path) => path.interface).filter((name) => name !== '');
  if (lines.length > 0) office.lines = lines;
  const silentMs = Math.min(...peer.paths.map((path) => path.silent_ms));
  if (Number.isFinite(silentMs)) office.heardMs = Math.max(office.heardMs ?? -Infinity, nowMs - silentMs);
  const now: Traffic = {
    atMs: nowMs,
    sentBytes: peer.sent_bytes,
    receivedBytes: peer.received_bytes,
    paths: lossesAfter(office.traffic, peer, nowMs),
  };
  const before = office.traffic;
  office.traffic = now;
  // Counters that fell belong to another engine.
  if (!before || now.sentBytes < before.sentBytes || now.receivedBytes < before.receivedBytes) {
    office.sample = NO_SAMPLE;
    return;
  }
  const bitsPerSecond = (bytes: number): number => (8_000 * bytes) / Math.max(1, now.atMs - before.atMs);
  office.sample = {
    sentBps: bitsPerSecond(now.sentBytes - before.sentBytes),
    receivedBps: bitsPerSecond(now.receivedBytes - before.receivedBytes),
    lossRatio: lossOf(now.paths.values()),
  };
}

/** What was sent and lost on each path, older looks counting less: one lost packet of a quiet line says little. */
function lossesAfter(before: Traffic | undefined, peer: PeerStatus, nowMs: number): Traffic['paths'] {
  const kept = before ? Math.exp(-(nowMs - before.atMs) / LOSS_WINDOW_MS) : 0;
  return new Map(
    peer.paths.map((path) => {
      const count = { sentTotal: path.sent_packets, lostTotal: path.lost_packets };
      const earlier = before?.paths.get(pathKey(path));
      // Counters that fell belong to another connection.
      if (!earlier || path.sent_packets < earlier.sentTotal) return [pathKey(path), { ...count, sent: 0, lost: 0 }];
      const sent = earlier.sent * kept + path.sent_packets - earlier.sentTotal;
      const lost = earlier.lost * kept + Math.max(0, path.lost_packets - earlier.lostTotal);
      return [pathKey(path), { ...count, sent, lost }];
    }),
  );
}

function lossOf(paths: Iterable<{ readonly sent: number; readonly lost: number }>): number | undefined {
  let sent = 0;
  let lost = 0;
  for (const path of paths) {
    sent += path.sent;
    lost += path.lost;
  }
  return sent < LOSS_MIN_PACKETS ? undefined : Math.min(1, lost / sent);
}

function pathKey({ local, remote }: { readonly local: string; readonly remote: string }): string {
  return `${local} ${remote}`;
}
