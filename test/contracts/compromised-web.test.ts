import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../server/operations/all.ts';
import type { Operation } from '../../server/operations/operation.ts';
import { RpcClient } from '../../server/rpc/client.ts';
import { ContractBox, canRun } from './contract-box.ts';

/** In nobody's files, as the web's user has to be. */
const WEB = { uid: 64_724, gid: 64_724 };
const all: readonly Operation[] = OPERATIONS;

interface Findings {
  readonly asItself: Record<string, string>;
  readonly asFront: Record<string, string>;
  readonly asLocalFor: Record<string, string>;
  readonly forOwner: Record<string, string>;
  readonly files: Record<string, string>;
  readonly folder: string;
  readonly engine: string;
}

describe.skipIf(!canRun)('a web process in the hands of somebody else', () => {
  let box: ContractBox;
  beforeEach(() => {
    box = new ContractBox();
  });
  afterEach(() => box.remove());

  test('has no key, no engine, no right of its own, and with an owner signed in nothing that asks for the password', async () => {
    chmodSync(box.folder, 0o755);
    const socket = join(box.folder, 'run', 'quicether.sock');
    mkdirSync(join(box.folder, 'run'), { mode: 0o755 });
    process.env['QUICETHER_SECURITY_WEB_USER'] = String(WEB.uid);
    try {
      await box.start(['--socket', socket]);
    } finally {
      delete process.env['QUICETHER_SECURITY_WEB_USER'];
    }
    // As the package does with the socket's group; a member of it would be an administrator.
    chownSync(socket, 0, WEB.gid);
    const found = takeOver(socket, box.stateDir, await ownersSession(socket));

    for (const codes of [found.asItself, found.asFront]) {
      for (const { method, role, onlyLocal, omitted } of all) {
        if (role === 'anyone') continue;
        const isLeftOut = onlyLocal || 'rpc' in omitted;
        expect([method, codes[method]]).toEqual([method, isLeftOut ? 'permission.surface' : 'permission.signed-out']);
      }
    }
    const done = Object.keys(found.asLocalFor).filter((method) => found.asLocalFor[method] === 'ok');
    expect(done.filter((method) => all.some((one) => one.method === method && one.role !== 'anyone'))).toEqual([]);
    for (const { method, needsPassword, onlyLocal, omitted } of all) {
      const isLeftOut = onlyLocal === true || 'page' in omitted;
      if (!needsPassword && !isLeftOut) continue;
      const code = isLeftOut ? 'permission.surface' : 'permission.password';
      expect([method, found.forOwner[method]]).toEqual([method, code]);
    }
    expect(found.forOwner['GetStatus']).toBe('ok');
    expect(new Set(Object.values(found.files))).toEqual(new Set(['EACCES']));
    expect([found.folder, found.engine]).toEqual(['EACCES', 'EACCES']);
  });
});

/** The session of an owner who signed in through the process, which therefore knows it. */
async function ownersSession(socket: string): Promise<string> {
  const [local, front] = await Promise.all([
    RpcClient.connect(socket, 'test'),
    RpcClient.connect(socket, 'test', { front: true }),
  ]);
  if (!local.ok || !front.ok) throw new Error('no connection');
  const claimCode = await local.value.call('GetClaimCode', {});
  const code = (claimCode.ok && claimCode.value.code) || '';
  const onBehalf = { source: '192.0.2.7', surface: 'page' } as const;
  const params = { code, user_name: 'anna', password: 'correct horse staple nine' };
  const claimed = await front.value.call('Claim', params, { onBehalf });
  local.value.close();
  front.value.close();
  if (!claimed.ok) throw new Error(claimed.error.message);
  return claimed.value.session;
}

function takeOver(socket: string, stateDir: string, session: string): Findings {
  const script = join(import.meta.dirname, 'compromised-web-process.ts');
  const said = execFileSync(process.execPath, [script, socket, stateDir, session], {
    ...WEB,
    cwd: '/',
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '' },
  });
  return JSON.parse(said) as Findings;
}
