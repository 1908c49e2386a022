import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RpcClient } from '../../server/rpc/client.ts';
import { ContractBox, canRun } from './contract-box.ts';

const PASSWORD = 'correct horse staple nine';

describe.skipIf(!canRun)('a disk that is full', () => {
  let box: ContractBox;
  let client: RpcClient | undefined;
  beforeEach(() => {
    box = new ContractBox();
    mkdirSync(box.stateDir, { mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=700', 'qe-contract', box.stateDir]);
  });
  afterEach(() => {
    client?.close();
    for (const pid of box.pids()) process.kill(pid, 'SIGKILL');
    execFileSync('umount', ['--lazy', box.stateDir]);
    box.remove();
  });

  test('keeps nobody out who is in, says what is the matter, and loses nothing', async () => {
    await box.start();
    const opened = await RpcClient.connect(box.socket, 'test', { front: true });
    if (!opened.ok) throw new Error(opened.error.message);
    const rpc = opened.value;
    client = rpc;
    const from = { source: '192.0.2.7', surface: 'page' } as const;
    const { code } = await box.json<{ code: string }>('user', 'claim-code');
    const params = { code, user_name: 'anna', password: PASSWORD };
    const claimed = await rpc.call('Claim', params, { onBehalf: from });
    let session: string | null = claimed.ok ? claimed.value.session : '';
    const signIn = () => rpc.call('SignIn', { user_name: 'anna', password: PASSWORD }, { onBehalf: from });

    const filler = join(box.stateDir, 'filler');
    for (let size = 1 << 20; size >= 512; size /= 2) fill(filler, size);
    // What room there is in pages that were allotted before is used up first.
    let refused = await signIn();
    for (let i = 0; i < 200 && refused.ok; i++) {
      session = refused.value.session;
      refused = await signIn();
    }
    expect(refused).toMatchObject({ ok: false, error: { code: 'state.full', remedy: 'make room and try again' } });
    const me = await rpc.call('GetMe', {}, { onBehalf: { ...from, session: session ?? '' } });
    expect(me).toMatchObject({ ok: true, value: { user_name: 'anna' } });
    expect((await box.run(['status'])).status).toBe(0);
    expect((await box.run(['user', 'list'])).out).toContain('anna');

    rmSync(filler);
    expect((await signIn()).ok).toBe(true);
    expect((await box.run(['user', 'list'])).out).toContain('anna');
  });
});

/** Appends blocks until none fits. */
function fill(path: string, size: number): void {
  try {
    for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
