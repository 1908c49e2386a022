import type { Figure, Scenario } from './scenario.ts';
import { Verdict } from './scenario.ts';
import { withWorld } from './world.ts';

export interface RunScenarioOptions {
  readonly bounds: boolean;
  readonly keep: boolean;
  /** The mechanism to break. */
  readonly sabotage?: string | undefined;
}

/** What goes out as JSON. */
export interface Result {
  readonly scenario: string;
  /** Every promise was kept. */
  readonly ok: boolean;
  readonly kept: number;
  readonly broken: readonly string[];
  readonly sabotage: string | null;
  readonly bounds: boolean;
  readonly duration_ms: number;
  readonly figures: Readonly<Record<string, Figure>>;
}

/** Runs one scenario in a world of its own; whatever goes wrong is a broken promise. */
export async function runScenario(scenario: Scenario, options: RunScenarioOptions): Promise<Result> {
  const { sabotage } = options;
  const startedMs = performance.now();
  const say = (text: string): void => {
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds} ${text}\n`);
  };
  say(`${scenario.name}: ${scenario.promise}`);
  if (sabotage !== undefined) say(`sabotage: ${sabotage}`);
  const verdict = new Verdict(say);
  try {
    await withWorld({ sabotage, keep: options.keep, say }, (world) =>
      withinTime(scenario, options.bounds, () => scenario.run(world, verdict, { bounds: options.bounds })),
    );
  } catch (error) {
    verdict.promise('the scenario runs to its end', false, error instanceof Error ? error.message : error);
  }
  const isOk = verdict.broken.length === 0 && verdict.kept > 0;
  say(`${scenario.name}: ${isOk ? 'ok' : 'FAILED'}, ${verdict.kept} kept, ${verdict.broken.length} broken`);
  return {
    scenario: scenario.name,
    ok: isOk,
    kept: verdict.kept,
    broken: verdict.broken,
    sabotage: sabotage ?? null,
    bounds: options.bounds,
    duration_ms: Math.round(performance.now() - startedMs),
    figures: verdict.figures,
  };
}

async function withinTime(scenario: Scenario, isFull: boolean, work: () => Promise<void>): Promise<void> {
  const limitMs = isFull ? scenario.fullTimeLimitMs : scenario.timeLimitMs;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${limitMs / 1000} s`)), limitMs);
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
