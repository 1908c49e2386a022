import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Running } from './command.ts';
import { until } from './command.ts';
import type { Host } from './host.ts';

/** How a line treats packets, the same in each direction. */
export interface LineQuality {
  /** Ethernet bytes count, with preamble and gap; 0 is the speed of the machine. */
  readonly rateMbps: number;
  /** One way. */
  readonly delayMs: number;
  /** Added to the delay, evenly from 0; never reorders. */
  readonly jitterMs: number;
  readonly lossPercent: number;
  /** Share of frames that others overtake. */
  readonly reorderPercent: number;
  /** How much later an overtaken frame comes. */
  readonly reorderMs: number;
  /** Longest a frame waits for its turn; beyond, it is dropped. */
  readonly queueMs: number;
  /** Everything disappears without a sign, as in a dead modem. */
  readonly blackhole: boolean;
}

const PERFECT: LineQuality = {
  rateMbps: 0,
  delayMs: 0,
  jitterMs: 0,
  lossPercent: 0,
  reorderPercent: 0,
  reorderMs: 0,
  queueMs: 100,
  blackhole: false,
};

/** Lines people have, by name. */
export const LINES = {
  'office-fibre': { ...PERFECT, rateMbps: 300, delayMs: 4, queueMs: 50 },
  cable: { ...PERFECT, rateMbps: 80, delayMs: 12, jitterMs: 2, queueMs: 150 },
  'weak-4g': { ...PERFECT, rateMbps: 10, delayMs: 40, jitterMs: 15, lossPercent: 0.5, queueMs: 400 },
  satellite: { ...PERFECT, rateMbps: 50, delayMs: 280, jitterMs: 5, lossPercent: 0.2, queueMs: 300 },
} as const satisfies Record<string, LineQuality>;

export type LineName = keyof typeof LINES;

/** A name, qualities, or `lan`: a plain cable at the speed of the machine. */
export type LineChoice = LineName | 'lan' | Partial<LineQuality>;

export function qualityOf(choice: Exclude<LineChoice, 'lan'>): LineQuality {
  return typeof choice === 'string' ? LINES[choice] : { ...PERFECT, ...choice };
}

/** Program that emulates lines, attacks ports and captures packets. */
export const LAB_PROGRAM = fileURLToPath(new URL('../../dataplane/target/release/quicether-lab', import.meta.url));

/** An emulated line between interfaces `a` and `b` of a host of its own; changeable while it runs. */
export class Line {
  readonly host: Host;
  #quality: LineQuality;
  readonly #emulator: Running;
  #questions = 0;

  private constructor(host: Host, quality: LineQuality, emulator: Running) {
    this.host = host;
    this.#quality = quality;
    this.#emulator = emulator;
  }

  static async start(host: Host, quality: LineQuality): Promise<Line> {
    if (!existsSync(LAB_PROGRAM)) throw new Error(`${LAB_PROGRAM} is not built; run: npm run setup`);
    const line = new Line(host, quality, host.start('line', [LAB_PROGRAM, 'line', 'a', 'b']));
    await line.#set({ both: encodeQuality(quality) });
    return line;
  }

  get quality(): LineQuality {
    return this.#quality;
  }

  /** Changes what is named and leaves the rest; in force when it returns. */
  async change(changes: Partial<LineQuality>): Promise<void> {
    this.#quality = { ...this.#quality, ...changes };
    await this.#set({ both: encodeQuality(changes) });
  }

  /** Pulls the plug, so that both ends lose the carrier, or puts it back. */
  async setLinkUp(isUp: boolean): Promise<void> {
    await this.#set({ link: isUp ? 'up' : 'down' });
  }

  async #set(change: object): Promise<void> {
    const wanted = ++this.#questions;
    this.#emulator.write(`${JSON.stringify({ set: change })}\n`);
    const answer = await until(`the emulator of ${this.host.name}`, 5000, async () => {
      if (this.#emulator.hasEnded()) throw new Error(`it ended: ${this.#output()}`);
      return this.#output()
        .split('\n')
        .filter((line) => line.startsWith('{"ok"'))[wanted - 1];
    });
    const { ok, error } = JSON.parse(answer) as { ok: boolean; error?: string };
    if (!ok) throw new Error(`the emulator of ${this.host.name} refused: ${error}`);
  }

  #output(): string {
    return readFileSync(this.#emulator.logFile, 'utf8');
  }
}

function encodeQuality(quality: Partial<LineQuality>): Record<string, number | boolean> {
  const words = Object.entries(quality).map(([name, value]) => {
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return [snake, value] as const;
  });
  return Object.fromEntries(words);
}
