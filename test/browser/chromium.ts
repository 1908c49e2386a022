import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import type { Host } from '../lab/host.ts';

const EXECUTABLE = '/usr/bin/chromium';

/** Debian's Chromium on a machine of the lab: it reaches what that machine reaches. */
export function launchChromium(host: Host): Promise<Browser> {
  const home = join(host.directory, 'browser');
  mkdirSync(home, { recursive: true });
  const executablePath = join(host.directory, 'chromium');
  writeFileSync(executablePath, `#!/bin/sh\nexec ${host.inside([EXECUTABLE]).join(' ')} "$@" 2>/dev/null\n`);
  chmodSync(executablePath, 0o700);
  // The lab is root, for whom Chromium has no sandbox; the pages it opens are our own.
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];
  const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']));
  return chromium.launch({ executablePath, args, env: { ...env, HOME: home }, handleSIGINT: false });
}
