import { Argument, type Command, Option } from 'commander';
import { fail, ok, type Result } from '../core/result.ts';
import { ROLES, type Role } from '../core/role.ts';
import type { RpcClient } from '../rpc/client.ts';
import type { ResultOf } from '../rpc/methods.ts';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import { reportFailures } from './config-report.ts';
import type { DaemonContext } from './daemon-context.ts';
import { readNewPassword } from './read-secret.ts';
import { table } from './table.ts';

type UserRow = ResultOf<'GetUsers'>['users'][number];

/** `quicether user`: who may sign in on the pages of this box. */
export function register(program: Command, context: DaemonContext): void {
  const user = program.command('user').description('Who may sign in on the pages of this box');
  registerList(user, context);
  registerAdd(user, context);
  registerRole(user, context);
  registerRemove(user, context);
  registerReset(user, context);
  registerClaimCode(user, context);
}

function registerList(user: Command, context: DaemonContext): void {
  addAskFlags(user.command('list').description('Show who may sign in, and as what')).action(async (flags: AskFlags) => {
    const found = await askDaemon(context, flags, (client) => client.call('GetUsers', {}));
    if (!found) return;
    if (flags.json) return printJson(context, found);
    if (found.users.length === 0)
      return context.out('Nobody yet. quicether user claim-code prints the code to claim this box.');
    const rows = found.users.map((one) => [
      one.user_name,
      one.role,
      one.second_factor ? 'yes' : 'no',
      day(one.last_seen_ms),
      day(one.created_ms),
    ]);
    context.out(table(['NAME', 'ROLE', 'SECOND FACTOR', 'LAST SEEN', 'SINCE'], rows));
  });
}

function registerAdd(user: Command, context: DaemonContext): void {
  const command = user
    .command('add')
    .description('Let somebody sign in; asks for the first password, or reads it from standard input')
    .argument('<name>', 'user name')
    .addOption(new Option('--role <role>', 'what he may').choices([...ROLES]).makeOptionMandatory());
  addAskFlags(command).action(async (name: string, flags: AskFlags & { role: Role }) => {
    const password = await readNewPassword({ stdin: process.stdin, ask: (text) => process.stderr.write(text) });
    if (!password.ok) return reportFailures(context, [password.error], flags);
    const params = { user_name: name, role: flags.role, password: password.value };
    const added = await askDaemon(context, flags, (client) => client.call('AddUser', params));
    if (!added) return;
    if (flags.json) printJson(context, added);
    else context.out(`Added ${name} as ${flags.role}.`);
  });
}

function registerRole(user: Command, context: DaemonContext): void {
  const command = user
    .command('role')
    .description('Change what somebody may; he has to sign in again')
    .argument('<name>', 'user name')
    .addArgument(new Argument('<role>', 'what he may').choices([...ROLES]));
  addAskFlags(command).action(async (name: string, role: Role, flags: AskFlags) => {
    const done = await askDaemon(context, flags, async (client) => {
      const found = await findUser(client, name);
      return found.ok ? client.call('SetUserRole', { user_id: found.value.user_id, role }) : found;
    });
    if (!done) return;
    if (flags.json) printJson(context, { user_name: name, role });
    else context.out(`${name} is ${role} from now on.`);
  });
}

function registerRemove(user: Command, context: DaemonContext): void {
  const command = user
    .command('remove')
    .description('Take away that somebody may sign in; his sessions and tokens end')
    .argument('<name>', 'user name');
  addAskFlags(command).action(async (name: string, flags: AskFlags) => {
    const done = await askDaemon(context, flags, async (client) => {
      const found = await findUser(client, name);
      return found.ok ? client.call('RemoveUser', { user_id: found.value.user_id }) : found;
    });
    if (!done) return;
    if (flags.json) printJson(context, { removed: name });
    else context.out(`Removed ${name}.`);
  });
}

function registerReset(user: Command, context: DaemonContext): void {
  const command = user
    .command('reset-password')
    .description('Make a new password for somebody who lost his, and print it; works only on the box itself')
    .argument('<name>', 'user name')
    .option('--drop-second-factor', 'for somebody who lost the telephone and the recovery codes too');
  addAskFlags(command).action(async (name: string, flags: AskFlags & { dropSecondFactor?: boolean }) => {
    const params = { user_name: name, drop_second_factor: flags.dropSecondFactor === true };
    const reset = await askDaemon(context, flags, (client) => client.call('ResetPassword', params));
    if (!reset) return;
    if (flags.json) return printJson(context, reset);
    context.out(
      `The password of ${name} is now:\n\n  ${reset.password}\n\nSign in with it and change it. All sessions of ${name} have ended.`,
    );
  });
}

function registerClaimCode(user: Command, context: DaemonContext): void {
  const command = user
    .command('claim-code')
    .description('Print the code that makes the first owner; works only on the box itself');
  addAskFlags(command).action(async (flags: AskFlags) => {
    const found = await askDaemon(context, flags, (client) => client.call('GetClaimCode', {}));
    if (!found) return;
    if (flags.json) printJson(context, found);
    else context.out(found.code ?? 'This box has an owner already; quicether user list names the people.');
  });
}

async function findUser(client: RpcClient, name: string): Promise<Result<UserRow>> {
  const found = await client.call('GetUsers', {});
  if (!found.ok) return found;
  const wanted = name.trim().toLowerCase();
  const user = found.value.users.find(({ user_name }) => user_name === wanted);
  if (user) return ok(user);
  return fail('people.unknown-user', 'there is no such user on this box', { remedy: 'quicether user list names them' });
}

/** `2026-11-23 00:05`, in UTC as the log has it; a dash for never. */
export function day(ms: number | null): string {
  return ms === null ? '-' : new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}
