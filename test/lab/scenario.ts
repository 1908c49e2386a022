import type { World } from './world.ts';

export interface ScenarioOptions {
  /** Full sizes and the figures that only a quiet machine can hold. */
  readonly bounds: boolean;
}

/** How a scenario is made to fail, by really breaking what it watches. */
export interface Sabotage {
  /** Value of QUICETHER_SABOTAGE in every box. */
  readonly mechanism: string;
  /** One sentence. */
  readonly breaks: string;
}

export interface Scenario {
  readonly name: string;
  /** What a user may rely on, in one sentence. */
  readonly promise: string;
  /** The first is what `--sabotage` does. */
  readonly sabotages: readonly Sabotage[];
  /** Longest it may take, plain and with `--bounds`. */
  readonly timeLimitMs: number;
  readonly fullTimeLimitMs: number;
  run(world: World, verdict: Verdict, options: ScenarioOptions): Promise<void>;
}

export type Figure = number | string | boolean;

/** What a scenario found: figures, and promises that were not kept. */
export class Verdict {
  readonly figures: Record<string, Figure> = {};
  readonly broken: string[] = [];
  kept = 0;
  readonly #say: (text: string) => void;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  /** Notes a figure; `name` carries the unit and is snake_case, as it goes into JSON. */
  figure(name: string, value: Figure): void {
    this.figures[name] = typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
    this.#say(`  ${name} = ${this.figures[name]}`);
  }

  /** Notes whether a promise holds; a broken one does not end the scenario. */
  promise(sentence: string, isKept: boolean, found?: unknown): void {
    if (isKept) {
      this.kept++;
      this.#say(`  kept: ${sentence}`);
      return;
    }
    const broken = found === undefined ? sentence : `${sentence} (found: ${describe(found)})`;
    this.broken.push(broken);
    this.#say(`  BROKEN: ${broken}`);
  }

  /** The same for something that throws when it does not work. */
  async attempt(sentence: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.promise(sentence, true);
    } catch (error) {
      this.promise(sentence, false, error instanceof Error ? error.message : error);
    }
  }
}

function describe(value: unknown): string {
  const text =
    typeof value === 'string'
      ? value
      : JSON.stringify(value, (key, part) => (key === 'answeredAtMs' ? undefined : part));
  return (text ?? String(value)).slice(0, 600);
}
