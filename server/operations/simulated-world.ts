import type { Answer, Call, Event, Snapshot } from '../adapters/engine-messages.ts';
import { SimulatedClock } from '../core/clock.ts';
import { type NodeId, nodeIdFromBytes } from '../core/node-id.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { seededRng } from '../core/rng.ts';
import { overlayAddresses } from '../identity/overlay-address.ts';
import { HistoryBook } from '../lines/history-book.ts';
import { simulatePeople } from '../people/simulated-people.ts';
import type { Intent } from '../routing/intent.ts';
import { SimulatedAudit } from './simulated-audit.ts';
import { Steer } from './steer.ts';
import type { SteerOptions } from './steer-options.ts';
import { TrialDesk } from './trial-desk.ts';
import { OfficeWatch } from './watch-offices.ts';
import type { AcceptedPeer, EngineHello, EnginePort, Learned, World } from './world.ts';

/** The NodeId of the n-th box of a test. */
export function boxId(n: number): NodeId {
  return nodeIdFromBytes(Uint8Array.from({ length: 20 }, (_, i) => (n * 37 + i * 11) & 0xff));
}

/** An engine that does what it is told and remembers it. */
export class SimulatedEngine implements EnginePort {
  hello: EngineHello | undefined;
  readonly calls: Call[] = [];
  readonly #connected: ((hello: EngineHello) => void)[] = [];
  readonly #events: ((event: Event, droppedEvents: number) => void)[] = [];
  snapshot: Partial<Snapshot> = {};
  refuse: { code: string; message: string } | undefined;

  constructor(generation = 0) {
    this.hello = this.#helloOf('first', generation);
  }

  /** Every desired state that came in. */
  get applied() {
    return this.calls.flatMap((call) => (call.call === 'apply' ? [call.params] : []));
  }

  onConnected(listener: (hello: EngineHello) => void): void {
    this.#connected.push(listener);
  }
  onEvent(listener: (event: Event, droppedEvents: number) => void): void {
    this.#events.push(listener);
  }
  emit(event: Event, droppedEvents = 0): void {
    for (const listener of this.#events) listener(event, droppedEvents);
  }
  /** Comes back as another process that knows nothing. */
  restart(instance: string): void {
    this.hello = this.#helloOf(instance, 0);
    for (const listener of this.#connected) listener(this.hello);
  }

  async call(call: Call): Promise<Result<Answer>> {
    if (!this.hello) return fail('engine.not-reachable', 'the engine does not answer');
    if (call.call === 'apply' && this.refuse) return { ok: false, error: this.refuse };
    this.calls.push(call);
    switch (call.call) {
      case 'apply':
        return ok({ kind: 'applied', generation: call.params.generation });
      case 'snapshot':
        return ok({ kind: 'snapshot', ...EMPTY, ...this.snapshot });
      case 'ping':
        return ok({ kind: 'ping', rtt_us: 1_500 });
      default:
        return ok({ kind: 'done' });
    }
  }

  #helloOf(instance: string, generation: number): EngineHello {
    return { kind: 'hello', protocol: 1, version: '0', node_id: boxId(0), pid: 1, instance, generation };
  }
}

const EMPTY: Snapshot = {
  generation: 0,
  uptime_ms: 0,
  lease_remaining_ms: 900_000,
  tun_name: 'quicether0',
  listen: [],
  peers: [],
  pending: [],
  routes: [],
  counters: {
    handshakes: 0,
    failed_handshakes: 0,
    wrong_key: 0,
    silenced: 0,
    replayed: 0,
    wrong_version: 0,
    refused: 0,
    no_route: 0,
    peer_down: 0,
    denied: 0,
    malformed: 0,
    bad_cells: 0,
    tun_write_errors: 0,
    holes: 0,
    icmp_sent: 0,
    dropped_events: 0,
  },
};

export interface SimulatedParts {
  readonly intent?: Partial<Intent>;
  readonly accepted?: readonly AcceptedPeer[];
  readonly learned?: Learned;
  readonly generation?: number;
  readonly resolve?: (name: string) => Promise<Result<readonly string[]>>;
}

/** A whole world in simulated time: steering is real, engine and stores are not. */
export function simulateWorld(parts: SimulatedParts = {}) {
  const clock = new SimulatedClock(Date.UTC(2026, 10, 22));
  const engine = new SimulatedEngine(parts.generation);
  const stored: Stored = {
    accepted: parts.accepted ?? [],
    learned: parts.learned ?? { claims: {}, names: {} },
    isFull: false,
  };
  const intent: Intent = {
    id: boxId(0),
    name: 'Office',
    tunName: 'quicether0',
    mtu: 1500,
    tunAddresses: [],
    listen: [],
    answerStrangers: false,
    peers: [],
    dial: [],
    localPrefixes: [],
    forward: false,
    maxConnections: 10_000,
    cpuAffinity: [],
    ...parts.intent,
  };
  const logged: string[] = [];
  const write = (_: object, text: string): void => void logged.push(text);
  const steering = new Steer({
    clock,
    engine,
    intent,
    accepted: stored.accepted,
    ...storesOn(stored),
    resolve: parts.resolve ?? (async () => fail('resolve.failed', 'no')),
    derive: overlayAddresses,
    log: { debug: write, info: write, warn: write },
  });
  const ended: { keepTunnel: boolean }[] = [];
  const audit = new SimulatedAudit();
  const trials = trialsOn({ clock, steering, intent, audit });
  const health = new OfficeWatch({ clock, steering, lastGood: () => undefined, onSample: () => {} });
  const world: World = {
    clock,
    version: '1.2.3',
    startedMs: 0,
    intent,
    steering,
    logs: { tail: (count, after) => LINES.filter(({ seq }) => seq > after).slice(-count), wait: async () => {} },
    settings: { entries: [{ key: 'node.name', value: 'Office', origin: 'default' }] },
    host: {
      observe: async () => ({ 'ip-addr.txt': 'lo' }),
      lines: async () => [{ interface: 'eth0', addresses: ['192.0.2.9'], isLinkUp: true }],
    },
    people: simulatePeople({ clock }).people,
    audit,
    health,
    history: historyOn(clock),
    trials,
    system: undefined,
    restart: undefined,
    shutDown: (options) => ended.push(options),
  };
  return { world, steering, engine, clock, stored, logged, ended, audit, audited: audit.events, health };
}

interface Stored {
  accepted: readonly AcceptedPeer[];
  learned: Learned;
  isFull: boolean;
}

function storesOn(stored: Stored): Pick<SteerOptions, 'peerStore' | 'soughtStore' | 'learnedStore'> {
  return {
    peerStore: {
      read: () => ok(stored.accepted),
      write: (peers) => {
        if (stored.isFull) return fail('state.full', 'the disk is full; nothing was changed');
        stored.accepted = peers;
        return ok(undefined);
      },
    },
    soughtStore: {
      read: () => ok([]),
      write: () => (stored.isFull ? fail('state.full', 'the disk is full; nothing was changed') : ok(undefined)),
    },
    learnedStore: {
      read: () => stored.learned,
      write: (learned) => {
        stored.learned = learned;
      },
    },
  };
}

function trialsOn(world: { clock: SimulatedClock; steering: Steer; intent: Intent; audit: SimulatedAudit }): TrialDesk {
  const { clock, steering, intent, audit } = world;
  return new TrialDesk({
    clock,
    rng: seededRng(1),
    store: { write: () => ok(undefined) },
    found: { confirmed: undefined, trial: undefined },
    configured: intent.listen,
    listen: () => steering.listen,
    apply: (addresses) => steering.listenOn(addresses),
    audit: (event) => audit.append(event),
  });
}

function historyOn(clock: SimulatedClock): HistoryBook {
  const store = { write: () => ok(undefined), read: () => ok([]), lastGood: () => ok(new Map<string, number>()) };
  return new HistoryBook(clock, store, () => {});
}

const LINES = [1, 2, 3].map((seq) => ({ seq, line: `{"msg":"line ${seq}"}` }));

/** Lets everything that is waiting for a resolved promise go on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
