import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import type { Scenario } from './scenario.ts';

const FOLDER = new URL('./scenarios/', import.meta.url);

/** Every scenario there is, by file name. */
export function scenarioNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => basename(file, '.ts'))
    .sort();
}

/** The scenario that the file of this name exports. */
export async function loadScenario(name: string): Promise<Scenario> {
  const { scenario } = (await import(new URL(`${name}.ts`, FOLDER).href)) as { scenario: Scenario };
  if (scenario.name !== name) throw new Error(`scenarios/${name}.ts calls itself ${scenario.name}`);
  return scenario;
}
