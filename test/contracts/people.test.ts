import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Result } from '../../server/core/result.ts';
import { OPERATIONS } from '../../server/operations/all.ts';
import type { Operation } from '../../server/operations/operation.ts';
import { RpcClient } from '../../server/rpc/client.ts';
import type { MethodName } from '../../server/rpc/methods.ts';
import { ContractBox, canRun, ended } from './contract-box.ts';

const PASSWORD = 'correct horse staple nine';
const NEW_PASSWORD = 'seven blue bicycles sleep';
const all: readonly Operation[] = OPERATIONS;

interface Shown {
  readonly session?: string;
  readonly token?: string;
}

describe.skipIf(!canRun)('people, through the socket of a real daemon', () => {
  let box: ContractBox;
  const clients: RpcClient[] = [];
  beforeEach(() => {
    box = new ContractBox();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
    box.remove();
  });

  async function front(): Promise<(method: MethodName, params?: object, shown?: Shown) => Promise<Result<Answer>>> {
    const client = await RpcClient.connect(box.socket, 'test front', { front: true });
    if (!client.ok) throw new Error(client.error.message);
    clients.push(client.value);
    return (method, params = {}, shown = {}) =>
      client.value.call(method, params as never, {
        onBehalf: { ...shown, source: '192.0.2.7', surface: 'page' },
      }) as Promise<Result<Answer>>;
  }

  /** Whatever came back, by name; a test says what it expects of it. */
  type Answer = Record<string, never> & {
    session: string;
    token: string;
    ticket: string;
    code: string;
    password: string;
  };

  async function claim(ask: Awaited<ReturnType<typeof front>>): Promise<string> {
    const { code } = await box.json<{ code: string }>('user', 'claim-code');
    return must(await ask('Claim', { code, user_name: 'Anna', password: PASSWORD })).session;
  }

  test('a box is claimed, signed in to, and remembers it after a restart', async () => {
    const daemon = await box.start();
    const ask = await front();
    expect(must(await ask('GetClaimState'))).toMatchObject({ claimed: false });
    const session = await claim(ask);
    expect(must(await ask('GetMe', {}, { session }))).toMatchObject({
      kind: 'person',
      user_name: 'anna',
      role: 'owner',
    });
    expect(await box.json('user', 'claim-code')).toEqual({ code: null });
    daemon.kill('SIGTERM');
    await ended(daemon);
    await box.start();
    const again = await front();
    expect(must(await again('GetMe', {}, { session }))).toMatchObject({ user_name: 'anna' });
    expect(must(await again('SignIn', { user_name: 'anna', password: PASSWORD }))).toMatchObject({ needs_code: false });
    must(await again('SignOut', {}, { session }));
    expect(codeOf(await again('GetMe', {}, { session }))).toBe('permission.signed-out');
  });

  test('a front has no rights: every operation refuses it, and says which way in there is', async () => {
    await box.start();
    const ask = await front();
    for (const { method, role, onlyLocal, omitted } of all) {
      if (role === 'anyone') continue;
      const wanted = onlyLocal || 'page' in omitted ? 'permission.surface' : 'permission.signed-out';
      for (const shown of [{}, { session: 'made-up' }, { token: 'qet_made-up' }]) {
        expect([method, codeOf(await ask(method as MethodName, {}, shown))]).toEqual([method, wanted]);
      }
    }
    // Nor does it get any by leaving out for whom it asks, and a Unix user cannot ask for another.
    const [bare, local] = await Promise.all([
      RpcClient.connect(box.socket, 'bare front', { front: true }),
      RpcClient.connect(box.socket, 'local'),
    ]);
    if (!bare.ok || !local.ok) throw new Error('no connection');
    clients.push(bare.value, local.value);
    expect(codeOf(await bare.value.call('GetStatus', {}))).toBe('permission.signed-out');
    expect(codeOf(await bare.value.call('Shutdown', {}))).toBe('permission.signed-out');
    const onBehalf = { session: 'x', source: '192.0.2.7', surface: 'page' as const };
    expect(codeOf(await local.value.call('GetStatus', {}, { onBehalf }))).toBe('permission.front');
  });

  test('where people need a second factor, one without it can do nothing but set it up', async () => {
    const claimFile = join(box.folder, 'claim.txt');
    await withEnv({ QUICETHER_SECURITY_REQUIRE_2FA: 'true', QUICETHER_CLAIM_FILE: claimFile }, () => box.start());
    const { code } = await box.json<{ code: string }>('user', 'claim-code');
    expect([readFileSync(claimFile, 'utf8'), statSync(claimFile).mode & 0o777]).toEqual([`${code}\n`, 0o600]);
    const ask = await front();
    const session = await claim(ask);
    await expect.poll(() => existsSync(claimFile), { timeout: 10_000 }).toBe(false);
    expect(must(await ask('GetMe', {}, { session }))).toMatchObject({ must_enrol: true });
    expect(codeOf(await ask('GetStatus', {}, { session }))).toBe('permission.second-factor');
    must(await ask('ProvePassword', { password: PASSWORD }, { session }));
    expect(codeOf(await ask('AddUser', {}, { session }))).toBe('permission.second-factor');
    const { secret } = must(await ask('BeginSecondFactor', {}, { session })) as unknown as { secret: string };
    must(await ask('ConfirmSecondFactor', { code: totp(secret) }, { session }));
    expect(codeOf(await ask('GetStatus', {}, { session }))).toBe('ok');
  });

  test('what asks for the password again gets it, with the second factor, and a token never does', async () => {
    await box.start();
    const ask = await front();
    let session = await claim(ask);
    expect(codeOf(await ask('AddUser', { user_name: 'bob', role: 'viewer', password: PASSWORD }, { session }))).toBe(
      'permission.password',
    );
    expect(codeOf(await ask('ProvePassword', { password: 'wrong' }, { session }))).toBe('people.wrong-password');
    session = must(await ask('ProvePassword', { password: PASSWORD, rotate: true }, { session })).session;
    must(await ask('AddUser', { user_name: 'bob', role: 'viewer', password: NEW_PASSWORD }, { session }));
    const { token } = must(await ask('AddToken', { name: 'robot', role: 'owner', expires_days: 1 }, { session }));
    expect(must(await ask('GetMe', {}, { token }))).toMatchObject({
      kind: 'token',
      user_name: 'token robot',
      role: 'owner',
    });
    expect(codeOf(await ask('AddToken', { name: 'more', role: 'viewer', expires_days: 1 }, { token }))).toBe(
      'permission.password',
    );
    const { secret, uri } = must(await ask('BeginSecondFactor', {}, { session })) as unknown as Record<string, string>;
    expect(uri).toContain(secret);
    const used = totp(secret ?? '');
    const confirmed = must(await ask('ConfirmSecondFactor', { code: used }, { session }));
    const [recovery = ''] = (confirmed as unknown as { recovery_codes: string[] }).recovery_codes;
    const { ticket } = must(await ask('SignIn', { user_name: 'anna', password: PASSWORD }));
    expect(codeOf(await ask('SignInCode', { ticket, code: used }))).toBe('people.wrong-code');
    must(await ask('SignInCode', { ticket, code: recovery }));
    expect(codeOf(await ask('ProvePassword', { password: PASSWORD }, { session }))).toBe('people.needs-code');
  });

  test('no secret stands in a log, in the audit, in the diagnostics or readable in the database', async () => {
    await box.start();
    const ask = await front();
    const secrets = [PASSWORD, NEW_PASSWORD, 'typed into the wrong field'];
    const { code: claimCode } = await box.json<{ code: string }>('user', 'claim-code');
    let session = await claim(ask);
    secrets.push(session);
    await ask('SignIn', { user_name: 'typed into the wrong field', password: 'oops' });
    await ask(
      'AddUser',
      { user_name: 'typed into the wrong field', role: 'owner', password: NEW_PASSWORD },
      { session },
    );
    session = must(await ask('ProvePassword', { password: PASSWORD, rotate: true }, { session })).session;
    await ask(
      'AddUser',
      { user_name: 'typed into the wrong field', role: 'owner', password: NEW_PASSWORD },
      { session },
    );
    secrets.push(
      session,
      must(await ask('AddToken', { name: 'r', role: 'viewer', expires_days: 1 }, { session })).token,
    );
    const factor = must(await ask('BeginSecondFactor', {}, { session })) as unknown as { secret: string };
    secrets.push(factor.secret);
    const confirmed = must(await ask('ConfirmSecondFactor', { code: totp(factor.secret) }, { session }));
    secrets.push(...(confirmed as unknown as { recovery_codes: string[] }).recovery_codes);
    secrets.push(must(await ask('SignIn', { user_name: 'anna', password: PASSWORD })).ticket);
    secrets.push((await box.json<{ password: string }>('user', 'reset-password', 'anna')).password);
    const local = await RpcClient.connect(box.socket, 'test');
    if (!local.ok) throw new Error(local.error.message);
    clients.push(local.value);
    const { files } = must(await local.value.call('GetDiagnostics', {}));
    writeFileSync(join(box.folder, 'diagnostics'), JSON.stringify(files));
    const written = filesBelow(box.folder).filter((path) => statSync(path).isFile());
    expect(written.map((path) => path.slice(box.stateDir.length + 1))).toEqual(
      expect.arrayContaining(['box.db', 'quicether.log']),
    );
    for (const path of written) {
      const text = readFileSync(path, 'latin1');
      // The database has to tell the claim code again; once it is spent it is worth nothing.
      const banned = path.includes('box.db') ? secrets : [...secrets, claimCode];
      expect(banned.filter((secret) => text.includes(secret)).map((secret) => `${path}: ${secret}`)).toEqual([]);
    }
  });

  test('passwords come from standard input or a terminal, never from the command line', async () => {
    await box.start();
    const added = execFileSync(
      'sh',
      [
        '-c',
        `printf '%s\\n' "$SECRET" | "$0" user add anna --role owner --socket ${box.socket}`,
        join(import.meta.dirname, '../../scripts/quicether'),
      ],
      { env: { ...process.env, SECRET: PASSWORD, QUICETHER_CONFIG: '' }, encoding: 'utf8' },
    );
    expect(added).toBe('Added anna as owner.\n');
    const ask = await front();
    expect(must(await ask('SignIn', { user_name: 'anna', password: PASSWORD })).session).toBeTruthy();
    expect((await box.run(['user', 'add', 'bob', 'a password on the command line', '--role', 'viewer'])).status).toBe(
      2,
    );
    expect((await box.run(['user', 'remove', 'anna'])).err).toContain('last owner');
    expect((await box.run(['user', 'role', 'nobody', 'viewer'])).status).toBe(1);
    const token = await box.run(['token', 'add', 'backup', '--role', 'viewer', '--days', '7', '--from', '10.0.0.0/8']);
    expect(token.out.trim()).toMatch(/^qet_[A-Za-z0-9_-]{43}$/);
    expect(codeOf(await ask('GetMe', {}, { token: token.out.trim() }))).toBe('permission.signed-out');
    expect((await box.run(['session', 'list'])).out).toContain('192.0.2.7');
  });

  test('checking passwords costs the daemon no memory for good', async () => {
    await box.start();
    const ask = await front();
    await claim(ask);
    const params = { user_name: 'anna', password: PASSWORD };
    for (let i = 0; i < 5; i++) await Promise.all([1, 2, 3, 4].map(() => ask('SignIn', params)));
    const daemon = box.pids().find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('main.ts'));
    const status = readFileSync(`/proc/${daemon}/status`, 'utf8');
    expect(Number(/VmRSS:\s+([0-9]+) kB/.exec(status)?.[1])).toBeLessThan(130_000);
  });

  test('a database that is damaged is kept and named, the tunnel runs, and its copy brings people back', async () => {
    const first = await box.start();
    const session = await claim(await front());
    first.kill('SIGTERM');
    await ended(first);
    const path = join(box.stateDir, 'box.db');
    const good = readFileSync(path);
    const bad = Buffer.concat([good.subarray(0, 4096), Buffer.alloc(4096, 0x41), good.subarray(8192)]);
    writeFileSync(path, bad);
    const second = await box.start();
    expect(box.inside('ip', '-o', 'link', 'show')).toContain('quicether0');
    const { problems } = await box.json<{ problems: { code: string; remedy: string }[] }>('status');
    expect(problems).toMatchObject([{ code: 'database.damaged', remedy: expect.stringContaining('kept') }]);
    const ask = await front();
    expect(codeOf(await ask('GetMe', {}, { session }))).toBe('database.damaged');
    expect(codeOf(await ask('SignIn', { user_name: 'anna', password: PASSWORD }))).toBe('database.damaged');
    expect((await box.run(['user', 'list'])).err).toContain('damaged');
    second.kill('SIGTERM');
    await ended(second);
    expect(readFileSync(path).equals(bad)).toBe(true);
    writeFileSync(path, good);
    await box.start();
    expect(must(await (await front())('GetMe', {}, { session }))).toMatchObject({ user_name: 'anna' });
  });
});

/** Runs `work` with these in the environment, which what it starts inherits. */
async function withEnv<T>(env: Record<string, string>, work: () => Promise<T>): Promise<T> {
  Object.assign(process.env, env);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
  }
}

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

function codeOf(result: Result<unknown>): string {
  return result.ok ? 'ok' : result.error.code;
}

/** The code of an authenticator app, made apart from ours. */
function totp(secret: string): string {
  const bits = [...secret].map((one) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(one).toString(2).padStart(5, '0'));
  const key = Buffer.from((bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac('sha1', key).update(message).digest();
  const at = (hash.at(-1) ?? 0) & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
}
