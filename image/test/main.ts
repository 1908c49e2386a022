import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { work } from '../compose/places.ts';
import { Appliance } from './appliance.ts';
import { type Emulator, findEmulator } from './emulator.ts';
import { makeReleases, type Sources, type TestReleases } from './releases.ts';
import { Findings } from './trial.ts';
import { tryPorts } from './trial-ports.ts';
import * as trials from './trials.ts';

export type TestOptions = {
  /** First boot and refusals alone. */
  readonly quick: boolean;
  /** Only the trials with this word in their name, after the first boot. */
  readonly only: string | undefined;
};

/** Boots the image in an emulated machine and tries what it promises; gives the exit status. */
export async function testImage(sources: Sources, { quick, only }: TestOptions): Promise<number> {
  const folder = join(work, 'test');
  mkdirSync(folder, { recursive: true });
  const emulator = await findEmulator();
  const wanted = (name: string) => only === undefined || name.includes(only);
  const isLife = wanted('refused bundles, updates, reset');
  const releases = await makeReleases(sources, quick || !isLife);
  const findings = new Findings();
  if (isLife) await tryOnePort(findings, emulator, folder, releases, quick);
  if (!quick && wanted('two ports')) {
    await findings.trial('two ports', () => tryPorts(findings, emulator, folder, releases.disk));
  }
  const result = { passed: findings.passed, failed: findings.failed, seconds: findings.seconds, ...findings.figures };
  process.stdout.write(`${JSON.stringify({ image: { ...result, ok: findings.failed === 0 } })}\n`);
  return findings.failed === 0 ? 0 : 1;
}

/** The life of one box, from its first boot to the day it is given away. */
async function tryOnePort(
  findings: Findings,
  emulator: Emulator,
  folder: string,
  releases: TestReleases,
  quick: boolean,
): Promise<void> {
  const appliance = new Appliance(emulator, folder, releases);
  const versions = { first: releases.first.release.version, second: releases.second?.release.version ?? '' };
  try {
    await findings.trial('first boot and claim', () => trials.claim(findings, appliance, versions));
    await findings.trial('what must be refused', () => trials.refusals(findings, appliance));
    if (quick) return;
    await findings.trial('update', () => trials.update(findings, appliance, versions));
    await findings.trial('broken release', () => trials.broken(findings, appliance, versions));
    await findings.trial('power cut and corrupted slot', () => trials.corrupted(findings, appliance, versions));
    await findings.trial('factory reset', () => trials.factoryReset(findings, appliance));
    await findings.trial('unusable data', () => trials.rescue(findings, appliance));
  } finally {
    await appliance.stop();
  }
}
