import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ContractBox, canRun } from './contract-box.ts';

const root = join(import.meta.dirname, '../..');
const document = readFileSync(join(root, 'docs/rest.md'), 'utf8');

/** The shell lines of the walk-through, as somebody would type them one after the other. */
const script = [...document.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, lines]) => lines ?? '').join('\n');

interface Office {
  readonly box: ContractBox;
  readonly address: string;
}

describe.skipIf(!canRun)('the walk-through of docs/rest.md', () => {
  let offices: readonly Office[] = [];
  let children: ChildProcess[] = [];

  beforeEach(async () => {
    const boxes = [new ContractBox(), new ContractBox()];
    offices = boxes.map((box, at) => ({ box, address: `192.0.2.${at + 1}` }));
    joinNamespaces(offices);
    await Promise.all(offices.map(({ box }) => box.start()));
    children = await Promise.all(offices.map(startWeb));
  }, 60_000);
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    for (const { box } of offices) box.remove();
  });

  test('run literally, it claims two boxes, makes tokens, connects them, and the probe comes back', async () => {
    const [here, there] = offices;
    if (!here || !there) throw new Error('two offices');
    const places = {
      HERE: `https://${here.address}:8443`,
      THERE: `https://${there.address}:8443`,
      PLACE_THERE: `${there.address}:9000`,
      CODE_HERE: await claimCode(here.box),
      CODE_THERE: await claimCode(there.box),
    };
    const { out, err, status } = await runScript(here.box, places);
    expect(`${out}${err}`).toContain('York: working');
    expect(status).toBe(0);
    expect(err).not.toContain('curl:');
    const words = (await here.box.run(['ping', 'York', '-c', '1'])).out;
    expect(words).toMatch(/ms/);
    const { tokens } = JSON.parse((await there.box.run(['token', 'list', '--json'])).out) as { tokens: object[] };
    expect(tokens).toMatchObject([{ name: 'set-up', role: 'admin' }]);
    const { sessions } = JSON.parse((await there.box.run(['session', 'list', '--json'])).out) as { sessions: object[] };
    expect(sessions).toEqual([]);
  }, 120_000);
});

function joinNamespaces([here, there]: readonly Office[]): void {
  if (!here || !there) return;
  const run = (...words: string[]) => execFileSync('ip', words);
  run('link', 'add', 'line', 'netns', here.box.namespace, 'type', 'veth', 'peer', 'line', 'netns', there.box.namespace);
  for (const { box, address } of [here, there]) {
    run('-n', box.namespace, 'addr', 'add', `${address}/24`, 'dev', 'line');
    run('-n', box.namespace, 'link', 'set', 'line', 'up');
  }
}

function startWeb({ box, address }: Office): Promise<ChildProcess> {
  const stateDir = join(box.folder, 'web');
  const web = ['web', '--listen', `${address}:8443`, '--socket', box.socket, '--state-dir', stateDir, '--json'];
  const child = spawn('ip', ['netns', 'exec', box.namespace, join(root, 'scripts/quicether'), ...web], {
    env: { ...process.env, QUICETHER_CONFIG: '', QUICETHER_STATE_DIR: box.stateDir },
    cwd: box.folder,
  });
  return new Promise((resolve, reject) => {
    let err = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.stdout?.once('data', () => resolve(child));
    child.once('exit', (status) => reject(new Error(`quicether web ended with ${status}: ${err}`)));
  });
}

async function claimCode(box: ContractBox): Promise<string> {
  const { code } = await box.json<{ code: string }>('user', 'claim-code');
  return code;
}

function runScript(box: ContractBox, env: Readonly<Record<string, string>>) {
  const cwd = join(box.folder, 'typed');
  mkdirSync(cwd);
  return new Promise<{ status: number | null; out: string; err: string }>((resolve) => {
    const words = ['netns', 'exec', box.namespace, 'sh', '-euc', script];
    const child = execFile('ip', words, { cwd, env: { ...process.env, ...env } }, (_, out, err) =>
      resolve({ status: child.exitCode, out, err }),
    );
  });
}
