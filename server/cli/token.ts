import { type Command, InvalidArgumentError, Option } from 'commander';
import { fail, ok, type Result } from '../core/result.ts';
import { ROLES, type Role } from '../core/role.ts';
import type { RpcClient } from '../rpc/client.ts';
import type { ResultOf } from '../rpc/methods.ts';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import type { DaemonContext } from './daemon-context.ts';
import { wholeNumber } from './ping.ts';
import { table } from './table.ts';
import { day } from './user.ts';

const MAX_DAYS = 365;

interface AddFlags extends AskFlags {
  readonly role: Role;
  readonly days: number;
  readonly from?: string[];
}

type TokenRow = ResultOf<'GetTokens'>['tokens'][number];

/** `quicether token`: keys of programs that use the REST API. */
export function register(program: Command, context: DaemonContext): void {
  const token = program.command('token').description('Keys of programs that use the REST API');
  addAskFlags(token.command('list').description('Show the tokens, without their secrets')).action(
    async (flags: AskFlags) => {
      const found = await askDaemon(context, flags, (client) => client.call('GetTokens', {}));
      if (!found) return;
      if (flags.json) return printJson(context, found);
      context.out(found.tokens.length === 0 ? 'No tokens.' : describe(found.tokens));
    },
  );
  registerAdd(token, context);
  addAskFlags(
    token.command('remove').description('End a token at once').argument('<token>', 'its name, or its id in the list'),
  ).action(async (wanted: string, flags: AskFlags) => {
    const removed = await askDaemon(context, flags, async (client) => {
      const found = await findToken(client, wanted);
      if (!found.ok) return found;
      const done = await client.call('RemoveToken', { token_id: found.value.token_id });
      return done.ok ? found : done;
    });
    if (!removed) return;
    if (flags.json) printJson(context, { removed: removed.token_id });
    else context.out(`Removed ${removed.name}.`);
  });
}

function registerAdd(token: Command, context: DaemonContext): void {
  const command = token
    .command('add')
    .description('Make a token and print it, once')
    .argument('<name>', 'what it is for')
    .addOption(new Option('--role <role>', 'what it may').choices([...ROLES]).makeOptionMandatory())
    .requiredOption('--days <n>', 'how long it works, 1 to 365', wholeNumber(1, MAX_DAYS))
    .option('--from <cidr>', 'network that it works from, as in 192.0.2.0/24; may be repeated', collect);
  addAskFlags(command).action(async (name: string, flags: AddFlags) => {
    const params = { name, role: flags.role, expires_days: flags.days, sources: flags.from ?? [] };
    const added = await askDaemon(context, flags, (client) => client.call('AddToken', params));
    if (!added) return;
    if (flags.json) return printJson(context, added);
    // Alone on standard output, so that a script can keep it without a terminal seeing it.
    context.err(`Token ${name}, shown only now:`);
    context.out(added.token);
  });
}

function collect(value: string, before: string[] = []): string[] {
  if (value === '') throw new InvalidArgumentError('It is a network, as in 192.0.2.0/24.');
  return [...before, value];
}

async function findToken(client: RpcClient, wanted: string): Promise<Result<TokenRow>> {
  const found = await client.call('GetTokens', {});
  if (!found.ok) return found;
  const token = found.value.tokens.find(({ token_id, name }) => token_id === wanted || name === wanted);
  if (token) return ok(token);
  return fail('people.unknown-token', 'there is no such token', { remedy: 'quicether token list names them' });
}

function describe(tokens: readonly TokenRow[]): string {
  const rows = tokens.map((one) => [
    one.name,
    one.role,
    one.sources.join(' ') || 'anywhere',
    day(one.expires_ms),
    day(one.used_ms),
    one.token_id,
  ]);
  return table(['NAME', 'ROLE', 'FROM', 'ENDS', 'LAST USED', 'ID'], rows);
}
