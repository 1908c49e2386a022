/*
 * `npm run lab -- NAME [--bounds] [--sabotage[=MECHANISM]] [--keep]`, `npm run lab -- list`.
 *
 * Progress goes to stderr; the last line of stdout is the result as one JSON object.
 */
import { parseArgs } from 'node:util';
import { runScenario } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';
import { loadScenario, scenarioNames } from './scenario-list.ts';

const USAGE = `usage: npm run lab -- NAME... [--bounds] [--sabotage[=MECHANISM]] [--keep]
       npm run lab -- all | list
  --bounds    full sizes, and the figures that only a quiet machine can hold
  --sabotage  breaks the mechanism that the scenario watches; it must then fail
  --keep      leaves everything in place; the next run removes it
`;

function stop(text: string): never {
  process.stderr.write(text);
  process.exit(2);
}

function parseWords(words: readonly string[]) {
  // parseArgs knows no flag with an optional value: a bare one means the scenario's first.
  const args = words.map((word) => (word === '--sabotage' ? '--sabotage=first' : word));
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        bounds: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        sabotage: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return stop(`lab: ${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

function chooseSabotage({ name, sabotages }: Scenario): string | undefined {
  if (values.sabotage === undefined) return undefined;
  const mechanisms = sabotages.map(({ mechanism }) => mechanism);
  const chosen = values.sabotage === 'first' ? mechanisms[0] : values.sabotage;
  if (chosen !== undefined && mechanisms.includes(chosen)) return chosen;
  return stop(`lab: ${name} has no sabotage ${values.sabotage}; it has ${mechanisms.join(', ') || 'none'}\n`);
}

async function list(): Promise<void> {
  for (const name of scenarioNames()) {
    const { promise, sabotages } = await loadScenario(name);
    process.stdout.write(`${name.padEnd(14)} ${promise}\n`);
    for (const { mechanism, breaks } of sabotages) {
      process.stdout.write(`${''.padEnd(14)}   --sabotage=${mechanism}: ${breaks}\n`);
    }
  }
}

// `lab list | head` is not an error of ours.
process.stdout.on('error', () => process.exit(1));
const { values, positionals } = parseWords(process.argv.slice(2));
if (values.help || positionals.length === 0) stop(USAGE);
if (positionals[0] === 'list') {
  await list();
} else {
  const known = scenarioNames();
  const wanted = positionals.includes('all') ? known : positionals;
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) stop(`lab: no scenario ${unknown.join(', ')}; there are ${known.join(', ')}\n`);
  let isAllKept = true;
  for (const name of wanted) {
    const scenario = await loadScenario(name);
    const result = await runScenario(scenario, { ...values, sabotage: chooseSabotage(scenario) });
    isAllKept &&= result.ok;
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
  // With --keep the processes of the lab are still there and would hold this one.
  process.exit(isAllKept ? 0 : 1);
}
