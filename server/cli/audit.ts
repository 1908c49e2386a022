import type { Command } from 'commander';
import { EXIT } from '../core/failures.ts';
import { ok, type Result } from '../core/result.ts';
import type { RpcClient } from '../rpc/client.ts';
import type { ResultOf } from '../rpc/methods.ts';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import type { DaemonContext } from './daemon-context.ts';
import { wholeNumber } from './ping.ts';
import { visible } from './terminal-text.ts';

/** The daemon holds the call open for so long when there is nothing new. */
const WAIT_MS = 25_000;
const PAGE = 200;
const EXPORT_PAGE = 2_000;
const MAX_DETAIL_LENGTH = 1_000;

type AuditEvent = ResultOf<'GetAudit'>['events'][number];

interface TailFlags extends AskFlags {
  readonly follow?: boolean;
  readonly lines: number;
  readonly who?: string;
  readonly event?: string;
  readonly text?: string;
}

/** `quicether audit tail|verify|export`: who did what, and whether the record is whole. */
export function register(program: Command, context: DaemonContext): void {
  const audit = program.command('audit').description('Show who did what, check that the record is whole, export it');
  addAskFlags(
    audit
      .command('tail')
      .description('Print the last events')
      .option('-f, --follow', 'go on printing what is new')
      .option('-n, --lines <n>', 'how many of the last events', wholeNumber(1, PAGE), 50)
      .option('--who <name>', 'of this person or program only')
      .option('--event <name>', 'this event only, or all of a domain: peer.accept, peer')
      .option('--text <words>', 'with these words only'),
  ).action(async (flags: TailFlags) => {
    await askDaemon(context, flags, (client) => tail(context, client, flags));
  });
  addAskFlags(
    audit.command('verify').description('Say whether any event was changed, removed or put in another order'),
  ).action(async (flags: AskFlags) => verify(context, flags));
  addAskFlags(
    audit
      .command('export')
      .description('Print every line exactly as it is kept, oldest first')
      .option('--after <seq>', 'begin behind this event', wholeNumber(0, Number.MAX_SAFE_INTEGER), 0),
  ).action(async (flags: AskFlags & { after: number }) => {
    await askDaemon(context, flags, (client) => exportLines(context, client, flags.after));
  });
}

async function tail(context: DaemonContext, client: RpcClient, flags: TailFlags): Promise<Result<void>> {
  const { who, event, text } = flags;
  const filter = { ...(who && { who }), ...(event && { event }), ...(text && { text }) };
  const first = await client.call('GetAudit', { ...filter, limit: flags.lines });
  if (!first.ok) return first;
  print(context, first.value.events, flags);
  let after = first.value.events[0]?.seq ?? 0;
  while (flags.follow) {
    const found: AuditEvent[] = [];
    for (let before: number | undefined; ; ) {
      const params = { ...filter, limit: PAGE, after, ...(before === undefined ? { wait_ms: WAIT_MS } : { before }) };
      const page = await client.call('GetAudit', params);
      if (!page.ok) return page;
      found.push(...page.value.events);
      if (page.value.next_before === null) break;
      before = page.value.next_before;
    }
    print(context, found, flags);
    after = found[0]?.seq ?? after;
  }
  return ok(undefined);
}

function print(context: DaemonContext, newestFirst: readonly AuditEvent[], flags: AskFlags): void {
  for (const event of newestFirst.toReversed()) context.out(flags.json ? JSON.stringify(event) : describe(event));
}

/** `2026-11-23T00:12:01Z #17 refused people.sign-in anna from 192.0.2.7 (page): wrong password` */
function describe({ seq, ts_ms, event, who, source, surface, outcome, detail }: AuditEvent): string {
  const time = new Date(ts_ms).toISOString().replace(/\.\d+Z$/, 'Z');
  const from = source === '' ? '' : ` from ${source} (${surface})`;
  const head = `${time} #${seq} ${outcome === 'done' ? '' : `${outcome} `}${event} ${who}${from}`;
  return visible(detail === '' ? head : `${head}: ${detail}`, MAX_DETAIL_LENGTH);
}

async function verify(context: DaemonContext, flags: AskFlags): Promise<void> {
  // Reading hundreds of megabytes takes its time.
  const state = await askDaemon(context, flags, (client) => client.call('VerifyAudit', {}, { timeoutMs: 120_000 }));
  if (!state) return;
  if (flags.json) printJson(context, state);
  else if (state.intact) {
    context.out(
      `Intact: ${state.events} events, ${state.first_seq} to ${state.last_seq}; the last has the hash ${state.head}.`,
    );
  } else context.err(`Not intact: ${visible(state.problem ?? '', MAX_DETAIL_LENGTH)}`);
  if (!state.intact) context.exit(EXIT.error);
}

async function exportLines(context: DaemonContext, client: RpcClient, from: number): Promise<Result<void>> {
  for (let after: number | null = from; after !== null; ) {
    const page: Result<ResultOf<'ExportAudit'>> = await client.call('ExportAudit', { after, limit: EXPORT_PAGE });
    if (!page.ok) return page;
    for (const line of page.value.lines) context.out(line);
    after = page.value.next;
  }
  return ok(undefined);
}
