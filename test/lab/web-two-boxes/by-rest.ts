import { readFileSync } from 'node:fs';
import type { Host } from '../host.ts';
import type { Verdict } from '../scenario.ts';
import { originOf } from '../web.ts';
import { checkPing, type Pair } from './pair.ts';

const PAGE = new URL('../../../docs/rest.md', import.meta.url);

/** The commands of the walk-through, as somebody would paste them one after the other. */
export function walkThrough(text: string): string {
  const [, section = ''] = /^## [^\n]*walk-through\n(.*?)^## /ms.exec(text) ?? [];
  return [...section.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block).join('\n');
}

/** Two boxes set up with curl alone, by the very lines of `docs/rest.md`; then what a token may not. */
export async function byRest(from: Host, pair: Pair, verdict: Verdict): Promise<void> {
  const { here, there } = pair;
  const env = {
    HERE: originOf(here),
    THERE: originOf(there),
    CODE_HERE: await here.box.web.claimCode(),
    CODE_THERE: await there.box.web.claimCode(),
    PLACE_THERE: `${there.ipv4}:9000`,
  };
  const script = `set -eu\n${walkThrough(readFileSync(PAGE, 'utf8'))}\n${REFUSALS}`;
  const { status, stdout, stderr } = await from.outcomeOf(['sh'], { input: script, env, timeoutMs: 50_000 });
  verdict.promise('the walk-through of docs/rest.md runs to its end', status === 0, { status, stdout, stderr });
  verdict.promise('REST says that the other office works', stdout.includes('York: working'), stdout);
  verdict.promise('a token to look with may look', stdout.includes('look: 200'), stdout);
  verdict.promise('a token to look with may change nothing', stdout.includes('change: 403'), stdout);
  verdict.promise('nobody may do nothing', stdout.includes('nobody: 401'), stdout);
  await checkPing(pair, verdict, 'REST');
}

/** The administrator's token may make one that only looks; it is tried on something it must not do. */
const REFUSALS = `
status() { curl -s -o /dev/null -w '%{http_code}' --cacert here.pem "$@"; }
curl -sS --fail-with-body --cacert here.pem -H 'Content-Type: application/json' "$HERE/api/v1/session" -d @- <<END >session.json
{"user_name":"anna","password":"$PASSWORD"}
END
echo "Authorization: Bearer $(field session <session.json)" >here.auth
here "$HERE/api/v1/me/password-proof" -d @- >/dev/null <<END
{"password":"$PASSWORD"}
END
looker=$(here "$HERE/api/v1/tokens" -d '{"name":"look","role":"viewer","expires_days":1,"sources":[]}' | field token)
echo "Authorization: Bearer $looker" >look.auth
echo "look: $(status -H @look.auth "$HERE/api/v1/offices")"
echo "change: $(status -H @look.auth -X DELETE "$HERE/api/v1/peers/$node_there")"
echo "nobody: $(status "$HERE/api/v1/offices")"
`;
