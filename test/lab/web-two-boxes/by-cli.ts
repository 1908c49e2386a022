import { PORT } from '../box.ts';
import { until } from '../command.ts';
import type { Verdict } from '../scenario.ts';
import { checkPing, type Pair } from './pair.ts';

/** Two boxes set up with `quicether` alone, as over SSH. */
export async function byCli(pair: Pair, verdict: Verdict): Promise<void> {
  const { here, there } = pair;
  const { node_id: hereId } = await here.box.ask<{ node_id: string }>('status');
  const { node_id: thereId } = await there.box.ask<{ node_id: string }>('status');
  await here.box.ask('peers', 'add', `${there.ipv4}:${PORT}`, '--id', thereId, '--name', 'York');
  await verdict.attempt('the other box shows who asks, and accepts it', async () => {
    await until('the one to ask', 10_000, () => there.box.isPending(hereId));
    await there.box.ask('peers', 'accept', hereId);
  });
  await checkPing(pair, verdict, 'command line');
  const { code } = await here.box.ask<{ code: string | null }>('user', 'claim-code');
  verdict.promise('the console tells the claim code', /^[0-9A-Z]{4}-/.test(code ?? ''), code);
  const added = await here.box.outcomeOf(['user', 'add', 'anna', '--role', 'owner'], 20_000, 'four quiet words here\n');
  verdict.promise('a person can be let in', added.status === 0, added);
  const users = await here.box.ask<{ users: readonly { user_name: string; role: string }[] }>('user', 'list');
  verdict.promise(
    'she is an owner',
    users.users.some(({ user_name: name, role }) => name === 'anna' && role === 'owner'),
    users,
  );
  const audit = await here.box.outcomeOf(['audit', 'verify', '--json']);
  verdict.promise('what was done stands in an intact chain', /"intact": ?true/.test(audit.stdout), audit);
}
