/*
 * `npm start -- --demo`: three offices on this machine, what to try, and how they are, until
 * Ctrl-C takes all of it away.
 */

import { sleep } from './command.ts';
import type { Demo } from './demo/build.ts';
import { buildDemo } from './demo/build.ts';
import { observeLinks, renderLine, renderTable } from './demo/status-table.ts';
import { World } from './world.ts';

const REFRESH_MS = 1000;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function printIntroduction({ offices, unpacked, tries }: Demo): void {
  print('\nThree offices, joined by QuicEther:\n');
  for (const { title, lineName, lan } of offices) {
    print(
      `  ${title.padEnd(9)} ${lan.prefixes.join(', ').padEnd(34)} computer ${lan.ipv4}, ${lan.ipv6}; line: ${lineName}`,
    );
  }
  print('\nTheir pages, in a browser on this machine (it warns of a certificate that nobody else vouches for:');
  print('compare the six words on the page):\n');
  for (const { title, pages } of offices) {
    print(`  ${title.padEnd(9)} ${pages.url}   claim code ${pages.claimCode}`);
    print(`  ${''.padEnd(9)} ${pages.words}`);
  }
  const [first] = offices;
  print(
    `\nA fourth box, in ${unpacked.title}, has just been unpacked. Join it in the browser: claim it and ${first?.title},`,
  );
  print(
    `add ${unpacked.title} on the page of ${first?.title} (its address is ${unpacked.address}), accept it on both:\n`,
  );
  print(`  ${unpacked.title.padEnd(9)} ${unpacked.pages.url}   claim code ${unpacked.pages.claimCode}`);
  print(`  ${''.padEnd(9)} ${unpacked.pages.words}`);
  print('\nTry in another terminal, as root:\n');
  for (const { shows, command } of tries) print(`  # ${shows}\n  ${command}\n`);
  print('Ctrl-C ends the demo and removes all of it.\n');
}

/** Redraws the table in place on a terminal; elsewhere prints a line when something changes. */
async function watch({ offices }: Demo): Promise<void> {
  let drawn = 0;
  let lastLine = '';
  for (;;) {
    const links = await observeLinks(offices);
    // Boxes that are being taken down do not answer, and need not.
    if (isEnding) return;
    if (process.stdout.isTTY) {
      const table = renderTable(links);
      const up = drawn > 0 ? `\x1b[${drawn}A` : '';
      process.stdout.write(`${up}${table.map((line) => `\x1b[2K${line}\n`).join('')}`);
      drawn = table.length;
    } else {
      const line = renderLine(links);
      if (line !== lastLine) print(line);
      lastLine = line;
    }
    await sleep(REFRESH_MS);
  }
}

let isEnding = false;
let world: World | undefined;
try {
  world = await World.create({
    say: print,
    onSignal() {
      // The terminal sends Ctrl-C to the whole group, and npm passes it on once more.
      if (isEnding) return;
      isEnding = true;
      print('\nremoving the demo');
    },
  });
  const demo = await buildDemo(world);
  printIntroduction(demo);
  await watch(demo);
} catch (error) {
  // What fails while everything is being taken down fails because of that.
  if (!isEnding) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : error}\n`);
    await world?.remove();
    process.exitCode = 1;
  }
}
