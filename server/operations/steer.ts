import type { DesiredState, Event, Snapshot } from '../adapters/engine-messages.ts';
import type { CancelTimer } from '../core/clock.ts';
import { formatHostPort, type HostPort, parseHostPort } from '../core/host-port.ts';
import type { NodeId } from '../core/node-id.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { namesIn, type Plan, planDesiredState } from '../routing/desired-state.ts';
import type { Intent, PeerIntent, PlanProblem } from '../routing/intent.ts';
import { NameBook } from '../routing/name-book.ts';
import { EngineSnapshot, wanted } from './engine-snapshot.ts';
import type { SteerOptions } from './steer-options.ts';
import { Unreached } from './unreached.ts';
import type { AcceptedPeer, EngineHello, SoughtPlace, Steering } from './world.ts';

/** The engine gives up on a daemon after 15 minutes; three in four renewals may be lost. */
const LEASE_MS = 60_000;
/** Changes that come together are applied together. */
const GATHER_MS = 100;
/** Shorter: until it is over, packets of a new peer with an address of its own choice go nowhere. */
const CLAIMS_GATHER_MS = 20;
/**
 * Between two looks at what all peers say, for each peer, and at most: when a thousand come at once
 * after an outage, a look for every few of them would cost more than all they do.
 */
const CLAIMS_GAP_PER_PEER_MS = 1;
const MAX_CLAIMS_GAP_MS = 2_000;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 30_000;
/** An engine that is adopted waits this long for names, so that it is told nothing different. */
const RESOLVE_WAIT_MS = 3_000;

/**
 * Keeps the engine at what the administrator wants, level-triggered: whatever happens, the whole
 * desired state is planned anew and handed over when it differs from what is in force.
 */
export class Steer implements Steering {
  readonly #options: SteerOptions;
  readonly #names: NameBook;
  #accepted: readonly AcceptedPeer[];
  #sought: readonly SoughtPlace[] = [];
  /** Instead of the addresses of the settings. */
  #listen: readonly HostPort[] | undefined;
  #claims = new Map<NodeId, readonly string[]>();
  #plan: Plan;
  /** Content in force, and in which engine. */
  #applied: { readonly instance: string; readonly content: string } | undefined;
  #generation = 0;
  #applyFailure: Steering['applyFailure'];
  /** Problems that stand in the log already. */
  #toldProblems: ReadonlySet<string> = new Set();
  readonly #unreached = new Unreached();
  #gather: { readonly dueMs: number; readonly cancel: CancelTimer } | undefined;
  #claimsDue: CancelTimer | undefined;
  #claimsLookedMs = -Infinity;
  /** What was learned is not written down yet. */
  #isUnsaved = false;
  #lease: CancelTimer | undefined;
  #retryMs = RETRY_MIN_MS;
  #applying: Promise<unknown> = Promise.resolve();
  readonly #snapshot: EngineSnapshot;
  #isStopped = false;

  constructor(options: SteerOptions) {
    this.#options = options;
    this.#snapshot = new EngineSnapshot(options.clock, options.engine);
    this.#accepted = options.accepted;
    this.#names = new NameBook(options.clock, options.resolve, {
      change: (name, addresses) => {
        options.log.info({ name, addresses }, 'name resolved');
        this.#unreached.forget(name);
        this.#isUnsaved = true;
        this.#soon();
      },
      failure: (name, message) => {
        options.log.warn({ name, message }, 'name not resolved');
        this.#unreached.unresolved(name, message);
      },
    });
    this.#sought = options.sought ?? [];
    this.#listen = options.listen;
    const learned = options.learnedStore.read();
    for (const peer of [...options.intent.peers.map(({ id }) => id), ...options.accepted.map(({ nodeId }) => nodeId)]) {
      const claims = learned.claims[peer];
      if (claims) this.#claims.set(peer, claims);
    }
    this.#plan = this.#replan();
  }

  get ownAddresses(): readonly string[] {
    return this.#plan.state.tun.addresses;
  }
  get accepted(): readonly AcceptedPeer[] {
    return this.#accepted;
  }
  get problems(): readonly PlanProblem[] {
    return [...this.#plan.problems, ...this.#unreached.failures.map((failure) => ({ failure }))];
  }
  get applyFailure(): Steering['applyFailure'] {
    return this.#applyFailure;
  }
  get engine(): EngineHello | undefined {
    return this.#options.engine.hello;
  }

  /** Hands over the first desired state; from then on by itself, until {@link stop}. */
  async start(): Promise<Result<void>> {
    const { clock, engine, learnedStore } = this.#options;
    const intent = this.#intent;
    const resolved = this.#names.keep(namesIn(intent, this.#acceptedIntents()), learnedStore.read().names);
    const isAdopted = (engine.hello?.generation ?? 0) > 0;
    if (isAdopted) {
      await Promise.race([resolved, new Promise<void>((resolve) => clock.setTimer(RESOLVE_WAIT_MS, resolve))]);
      await this.#learnClaims();
    }
    const applied = await this.#apply();
    if (!applied.ok) return applied;
    this.#remember();
    engine.onConnected(() => this.#soon(0));
    engine.onEvent((event) => this.#observe(event));
    this.#renewLease();
    return ok(undefined);
  }

  stop(): void {
    this.#isStopped = true;
    this.#remember();
    this.#gather?.cancel();
    this.#claimsDue?.();
    this.#lease?.();
    this.#snapshot.forget();
    this.#names.close();
  }

  snapshot(): Promise<Result<Snapshot>> {
    return this.#snapshot.get();
  }

  async ping(nodeId: NodeId, timeoutMs: number): Promise<Result<number>> {
    const call = { call: 'ping', params: { node_id: nodeId, timeout_ms: timeoutMs } } as const;
    const answer = wanted(await this.#options.engine.call(call, timeoutMs + 1_000), 'ping');
    return answer.ok ? ok(answer.value.rtt_us) : answer;
  }

  dialledAt(address: string): readonly HostPort[] {
    const seen = parseHostPort(address);
    if (!seen.ok) return [];
    const { host, port } = seen.value;
    const isThere = (place: HostPort): boolean =>
      place.port === port && (place.isName ? this.#names.addressesOf(place.host).includes(host) : place.host === host);
    return this.#intent.dial.filter(isThere).slice(0, 1);
  }

  async accept(peer: AcceptedPeer): Promise<Result<void>> {
    const accepted = await this.#setAccepted([...this.#accepted.filter((one) => one.nodeId !== peer.nodeId), peer]);
    if (!accepted.ok) return accepted;
    // It is dialled by its NodeId now.
    const found = new Set(peer.addresses.map(formatHostPort));
    const left = this.#sought.filter(({ address }) => !found.has(formatHostPort(address)));
    return left.length === this.#sought.length ? accepted : this.#setSought(left);
  }

  remove(nodeId: NodeId): Promise<Result<void>> {
    return this.#setAccepted(this.#accepted.filter((one) => one.nodeId !== nodeId));
  }

  get sought(): readonly SoughtPlace[] {
    return this.#sought;
  }

  seek(place: SoughtPlace): Promise<Result<void>> {
    const text = formatHostPort(place.address);
    return this.#setSought([...this.#sought.filter(({ address }) => formatHostPort(address) !== text), place]);
  }

  unseek(address: HostPort): Promise<Result<void>> {
    const text = formatHostPort(address);
    this.#unreached.forget(address.isName ? address.host : text);
    return this.#setSought(this.#sought.filter((place) => formatHostPort(place.address) !== text));
  }

  unreached(address: HostPort): string | undefined {
    return this.#unreached.messageOf(address, (name) => this.#names.addressesOf(name));
  }

  get listen(): readonly HostPort[] {
    return this.#intent.listen;
  }

  async listenOn(addresses: readonly HostPort[]): Promise<Result<void>> {
    const before = this.#listen;
    this.#listen = addresses;
    const applied = await this.#apply();
    if (applied.ok) return applied;
    this.#listen = before;
    // The engine has changed nothing; what it was told last is made true again.
    void this.#applyAndRetry();
    return applied;
  }

  async #setSought(sought: readonly SoughtPlace[]): Promise<Result<void>> {
    const written = this.#options.soughtStore?.write(sought) ?? ok(undefined);
    if (!written.ok) return written;
    this.#sought = sought;
    void this.#names.keep(namesIn(this.#intent, this.#acceptedIntents()));
    await this.#applyAndRetry();
    return ok(undefined);
  }

  /** What the settings ask, and what people added since. */
  get #intent(): Intent {
    const { intent } = this.#options;
    if (this.#sought.length === 0 && !this.#listen) return intent;
    const dial = [...intent.dial, ...this.#sought.map(({ address }) => address)];
    return { ...intent, dial, listen: this.#listen ?? intent.listen };
  }

  // Written first: what was said to be accepted is accepted after a power cut too.
  async #setAccepted(accepted: readonly AcceptedPeer[]): Promise<Result<void>> {
    const written = this.#options.peerStore.write(accepted);
    if (!written.ok) return written;
    this.#accepted = accepted;
    void this.#names.keep(namesIn(this.#intent, this.#acceptedIntents()));
    await this.#learnClaims();
    // What is written counts: an engine that is away just now is told as soon as it is back.
    await this.#applyAndRetry();
    return ok(undefined);
  }

  #observe(event: Event): void {
    const { log } = this.#options;
    const { kind, ...fields } = event;
    log[kind === 'dial_failed' ? 'debug' : 'info'](fields, `engine: ${kind}`);
    if (event.kind === 'dial_failed') this.#doubt(event.address);
    // Of a peer that is known by its NodeId the snapshot tells this.
    if (event.kind === 'dial_failed' && event.node_id === null && this.#plan.state.dial.includes(event.address)) {
      this.#unreached.unanswered(event.address, event.reason);
    }
    if (event.kind === 'peer_up' || event.kind === 'peer_pending') this.#unreached.forget(event.address);
    if (event.kind === 'peer_down') this.#doubtPeer(event.node_id);
    // What a peer says of itself comes with its connection; many come at once after an outage.
    if (event.kind === 'peer_up') this.#claimsDue ??= this.#scheduleClaims();
    if (event.kind === 'lease_expired') this.#renewLease();
  }

  #scheduleClaims(): CancelTimer {
    const { clock } = this.#options;
    const gapMs = Math.min(MAX_CLAIMS_GAP_MS, CLAIMS_GAP_PER_PEER_MS * this.#plan.state.peers.length);
    const restMs = this.#claimsLookedMs + gapMs - clock.monotonicMs();
    return clock.setTimer(Math.max(CLAIMS_GATHER_MS, restMs), () => void this.#followClaims());
  }

  #doubt(address: string): void {
    const place = parseHostPort(address);
    if (place.ok) for (const name of this.#names.namesOf(place.value.host)) this.#names.doubt(name);
  }

  #doubtPeer(nodeId: string): void {
    const intent = this.#intent;
    const peers = [...intent.peers, ...this.#acceptedIntents()].filter((peer) => peer.id === nodeId);
    for (const place of peers.flatMap((peer) => peer.addresses)) if (place.isName) this.#names.doubt(place.host);
  }

  /** Takes over what connected peers say their overlay addresses are; whether anything was new. */
  async #learnClaims(): Promise<boolean> {
    this.#snapshot.forget();
    this.#claimsLookedMs = this.#options.clock.monotonicMs();
    const snapshot = await this.snapshot();
    if (!snapshot.ok) return false;
    let isNew = false;
    for (const peer of [...snapshot.value.peers, ...snapshot.value.pending]) {
      const isOurs = 'state' in peer || this.#accepted.some((one) => one.nodeId === peer.node_id);
      if (!isOurs || peer.claimed_addresses.length === 0) continue;
      const before = this.#claims.get(peer.node_id as NodeId);
      if (JSON.stringify(before) === JSON.stringify(peer.claimed_addresses)) continue;
      this.#claims.set(peer.node_id as NodeId, peer.claimed_addresses.slice(0, 8));
      isNew = true;
    }
    if (isNew) this.#isUnsaved = true;
    return isNew;
  }

  async #followClaims(): Promise<void> {
    this.#claimsDue?.();
    this.#claimsDue = undefined;
    if (await this.#learnClaims()) this.#soon(0);
  }

  #remember(): void {
    if (!this.#isUnsaved) return;
    this.#isUnsaved = false;
    const { learnedStore } = this.#options;
    const intent = this.#intent;
    const known = new Set([...intent.peers, ...this.#acceptedIntents()].map(({ id }) => id));
    for (const id of this.#claims.keys()) if (!known.has(id)) this.#claims.delete(id);
    const names = [...namesIn(intent, this.#acceptedIntents())].map(
      (name) => [name, this.#names.addressesOf(name)] as const,
    );
    learnedStore.write({ claims: Object.fromEntries(this.#claims), names: Object.fromEntries(names) });
  }

  #renewLease(): void {
    const { clock, engine } = this.#options;
    this.#lease?.();
    this.#lease = clock.setTimer(LEASE_MS, () => this.#renewLease());
    void engine.call({ call: 'renew_lease' });
    void this.#followClaims();
  }

  #soon(delayMs = GATHER_MS): void {
    if (this.#isStopped) return;
    const { clock } = this.#options;
    const dueMs = clock.monotonicMs() + delayMs;
    // What comes in all the time must not put it off for ever.
    if (this.#gather && this.#gather.dueMs <= dueMs) return;
    this.#gather?.cancel();
    const cancel = clock.setTimer(delayMs, () => {
      this.#gather = undefined;
      void this.#applyAndRetry();
    });
    this.#gather = { dueMs, cancel };
  }

  async #applyAndRetry(): Promise<void> {
    this.#remember();
    const applied = await this.#apply();
    if (applied.ok) {
      this.#retryMs = RETRY_MIN_MS;
      return;
    }
    this.#options.log.warn(applied.error, 'desired state not applied');
    this.#soon(this.#retryMs);
    this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
  }

  // One at a time: two states under way could arrive in the wrong order.
  #apply(): Promise<Result<void>> {
    const applied = this.#applying.then(() => this.#applyNow());
    this.#applying = applied;
    return applied;
  }

  async #applyNow(): Promise<Result<void>> {
    const { engine, log } = this.#options;
    this.#plan = this.#replan();
    const told = this.#toldProblems;
    this.#toldProblems = new Set(this.#plan.problems.map(({ failure }) => failure.message));
    for (const { failure } of this.#plan.problems) if (!told.has(failure.message)) log.warn(failure, failure.message);
    const { hello } = engine;
    if (!hello)
      return fail('engine.not-reachable', 'the engine does not answer', { remedy: 'quicether logs says why' });
    const content = JSON.stringify(this.#plan.state);
    if (this.#applied?.instance === hello.instance && this.#applied.content === content) return ok(undefined);
    this.#generation = Math.max(this.#generation, hello.generation) + 1;
    const params: DesiredState = { generation: this.#generation, ...this.#plan.state };
    const answer = wanted(await engine.call({ call: 'apply', params }), 'applied');
    this.#applyFailure = answer.ok ? undefined : answer.error;
    // Whoever asks from now on sees what this changed.
    this.#snapshot.forget();
    if (!answer.ok) {
      // It may be in force all the same, when only the answer was late.
      this.#applied = undefined;
      return answer;
    }
    this.#applied = { instance: hello.instance, content };
    log.info({ generation: this.#generation, peers: params.peers.length }, 'desired state applied');
    return ok(undefined);
  }

  #replan(): Plan {
    const { derive } = this.#options;
    const intent = this.#intent;
    const knowledge = {
      accepted: this.#acceptedIntents(),
      claims: this.#claims,
      resolve: (name: string) => this.#names.addressesOf(name),
    };
    return planDesiredState(intent, knowledge, derive);
  }

  #acceptedIntents(): PeerIntent[] {
    return this.#accepted.map(({ nodeId, name, addresses }) => ({ id: nodeId, name, addresses, prefixes: [] }));
  }
}
