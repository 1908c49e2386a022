import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Answer, Call, Counters, DesiredState, Event, Message, Request, Snapshot } from './engine-messages.ts';

const COUNTERS: Counters = {
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
};

/** An engine for tests: speaks the messages, keeps what it was told, carries nothing. */
export class FakeEngine {
  readonly nodeId: string;
  readonly applied: DesiredState[] = [];
  readonly calls: string[] = [];
  instance: string;
  pid = process.pid;
  pending: Snapshot['pending'] = [];
  claims: Record<string, string[]> = {};
  /** Answers that are failures instead, by call. */
  failures: Partial<Record<Call['call'], { code: string; message: string }>> = {};
  /** Calls that are never answered. */
  readonly silent = new Set<string>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #path: string;

  private constructor(path: string, nodeId: string, instance: string) {
    this.#path = path;
    this.nodeId = nodeId;
    this.instance = instance;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async listen(path: string, nodeId: string, instance = 'first'): Promise<FakeEngine> {
    rmSync(path, { force: true });
    const engine = new FakeEngine(path, nodeId, instance);
    await new Promise<void>((resolve) => engine.#server.listen(path, resolve));
    return engine;
  }

  /** Ends as `kill -9` would end it. */
  async die(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    rmSync(this.#path, { force: true });
  }

  emit(event: Event, droppedEvents = 0): void {
    this.#send({ type: 'event', event, dropped_events: droppedEvents });
  }

  /** Sends bytes as they are. */
  sendRaw(text: string): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  get connections(): number {
    return this.#sockets.size;
  }

  #send(message: Message): void {
    this.sendRaw(`${JSON.stringify(message)}\n`);
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let held = '';
    socket.on('data', (chunk) => {
      const lines = (held + chunk.toString()).split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) this.#answer(socket, JSON.parse(line) as Request);
    });
  }

  #answer(socket: Socket, request: Request): void {
    this.calls.push(request.call);
    if (this.silent.has(request.call)) return;
    const failure = this.failures[request.call];
    const message: Message = failure
      ? { type: 'failure', id: request.id, ...failure }
      : { type: 'answer', id: request.id, answer: this.#answerTo(request) };
    socket.write(`${JSON.stringify(message)}\n`);
    if (request.call === 'shutdown') void this.die();
  }

  #answerTo(request: Request): Answer {
    const generation = this.applied.at(-1)?.generation ?? 0;
    switch (request.call) {
      case 'hello':
        return {
          kind: 'hello',
          protocol: 1,
          version: '0.0.0',
          node_id: this.nodeId,
          pid: this.pid,
          instance: this.instance,
          generation,
        };
      case 'apply':
        this.applied.push(request.params);
        return { kind: 'applied', generation: request.params.generation };
      case 'snapshot':
        return { kind: 'snapshot', ...this.#snapshot(generation) };
      case 'ping':
        return { kind: 'ping', rtt_us: 210 };
      default:
        return { kind: 'done' };
    }
  }

  #snapshot(generation: number): Snapshot {
    const state = this.applied.at(-1);
    const peers = (state?.peers ?? []).map((peer) => ({
      node_id: peer.node_id,
      name: '',
      state: 'up' as const,
      problem: null,
      claimed_addresses: this.claims[peer.node_id] ?? [],
      connected_ms: 1_000,
      sent_bytes: 0,
      received_bytes: 0,
      sent_packets: 0,
      received_packets: 0,
      queue_bytes: 0,
      queue_drops: 0,
      queue_marks: 0,
      paths: [],
    }));
    return {
      generation,
      uptime_ms: 5_000,
      lease_remaining_ms: 900_000,
      tun_name: state?.tun.name ?? '',
      listen: state?.listen ?? [],
      peers,
      pending: this.pending,
      routes: (state?.peers ?? []).flatMap((peer) =>
        peer.prefixes.map((destination) => ({ destination, node_id: peer.node_id, installed: true, problem: null })),
      ),
      counters: COUNTERS,
    };
  }
}
