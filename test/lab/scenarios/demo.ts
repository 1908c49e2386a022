import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { outcomeOf, start, until } from '../command.ts';
import { namespaces, removeLeftovers } from '../namespace.ts';
import type { Scenario, Verdict } from '../scenario.ts';

const DEMO = fileURLToPath(new URL('../demo.ts', import.meta.url));

/** The demo as a newcomer sees it: started, its own suggestions typed, ended with Ctrl-C. */
export const scenario: Scenario = {
  name: 'demo',
  promise: 'the demo ends in three offices that reach each other, what it suggests works, and Ctrl-C removes all of it',
  sabotages: [],
  timeLimitMs: 120_000,
  fullTimeLimitMs: 120_000,

  async run(world, verdict) {
    const home = await world.host('home');
    const log = home.logFile('demo');
    const demo = start([process.execPath, DEMO], log);
    const said = (): string => readFileSync(log, 'utf8');
    try {
      await until('the demo to say what to try', 60_000, async () => {
        if (demo.hasEnded()) throw new Error(`it ended: ${said().slice(-1000)}`);
        return said().includes('Ctrl-C') ? true : undefined;
      });
      const commands = said().match(/^ {2}\/\S+ .*$/gm) ?? [];
      verdict.promise('it suggests a ping, a file copy and more', commands.length >= 4, said().slice(-1500));
      for (const command of commands) {
        const outcome = await outcomeOf(['sh', '-c', command.trim()], { timeoutMs: 40_000 });
        verdict.promise(
          `what it suggests works: ${command.trim().split(' ').slice(1, 3).join(' ')}`,
          outcome.status === 0,
          outcome,
        );
      }
      const places = said().match(/https:\/\/\S+/g) ?? [];
      const titles = await Promise.all(places.map((url) => outcomeOf(['curl', '-skL', url])));
      const claimPages = titles.filter(({ stdout }) => stdout.includes('<title>Set up this box')).length;
      verdict.promise('four boxes wait to be claimed in a browser of this machine', claimPages === 4, places);
      await verdict.attempt('it shows all six links as connected', async () => {
        await until('six connected links', 5000, async () => {
          const last = said().trim().split('\n').at(-1) ?? '';
          return last.split(', ').filter((link) => link.endsWith(' connected')).length === 6 ? true : undefined;
        });
      });
    } finally {
      demo.kill('SIGINT');
      const killer = setTimeout(() => demo.kill('SIGKILL'), 15_000);
      const status = await demo.ended;
      clearTimeout(killer);
      verdict.promise('Ctrl-C ends it', status === 130, { status, said: said().slice(-500) });
    }
    verdict.promise('nothing of it is left', (await leftOf(demo.pid)).length === 0, await leftOf(demo.pid));
    await checkKilled(verdict, log);
  },
};

/** What `kill -9` leaves is removed by whatever lab runs next. */
async function checkKilled(verdict: Verdict, log: string): Promise<void> {
  const demo = start([process.execPath, DEMO], log);
  await until('the first namespaces', 20_000, async () => ((await leftOf(demo.pid)).length > 4 ? true : undefined));
  demo.kill('SIGKILL');
  await demo.ended;
  const before = await leftOf(demo.pid);
  await removeLeftovers();
  const after = await leftOf(demo.pid);
  verdict.promise(
    'what a killed demo leaves is removed by the next run',
    before.length > 0 && after.length === 0,
    after,
  );
}

async function leftOf(pid: number): Promise<string[]> {
  return (await namespaces()).filter((name) => name.startsWith(`qe-lab${pid}-`));
}
