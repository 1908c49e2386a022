import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RpcClient } from '../../server/rpc/client.ts';
import { ApplianceFolder, hasSystem, makeKey } from './appliance-box.ts';
import { ContractBox, canRun } from './contract-box.ts';

/* The whole way of an update: command line, daemon, staging file, root helper, partition. */
describe.runIf(canRun && hasSystem)('an appliance', () => {
  const box = new ContractBox('appliance/var/lib/quicether');
  const appliance = new ApplianceFolder(join(box.folder, 'appliance'));
  const ukis = () => readdirSync(join(appliance.root, 'efi/EFI/Linux')).sort();
  const commands = () => readFileSync(join(appliance.root, 'commands.log'), 'utf8');
  const askAudit = async () => {
    const client = await RpcClient.connect(box.socket, 'test');
    if (!client.ok) throw new Error(client.error.message);
    const answer = await client.value.call('GetAudit', {});
    client.value.close();
    return answer.ok ? answer.value.events : [];
  };
  const staged = () => {
    try {
      return readdirSync(join(box.stateDir, 'update'));
    } catch {
      return [];
    }
  };

  beforeAll(async () => {
    await appliance.start();
    process.env['QUICETHER_SYSTEM_SOCKET'] = appliance.socket;
    await box.start(['--listen', '127.0.0.1:9000']);
  });
  afterAll(() => {
    delete process.env['QUICETHER_SYSTEM_SOCKET'];
    appliance.stop();
    box.remove();
  });

  test('says what is on it', async () => {
    const system = await box.json<object>('update', 'status');
    expect(system).toMatchObject({ appliance: true, version: '1.4.0', ssh: false, update: { state: 'none' } });
    expect((await box.run(['update', 'status'])).out).toMatch(/a +1\.4\.0 +running/);
  });

  test.each([
    ['an older release', '1.3.0', /1\.3\.0, older than the running release 1\.4\.0/],
    ['the same release', '1.4.0', /the same as the running release 1\.4\.0/],
  ])('refuses %s and says both', async (_, version, said) => {
    const { file } = await appliance.bundle(version);
    const { status, err } = await box.run(['update', 'install', file]);
    expect(err).toMatch(said);
    expect([status, ukis(), staged()]).toEqual([1, ['gw_1.4.0.efi'], []]);
  });

  test('refuses what a stranger signed, and what is cut off', async () => {
    const strange = await appliance.bundle('1.5.0', makeKey());
    expect((await box.run(['update', 'install', strange.file])).err).toMatch(/none of this box's release keys/);
    const cut = await appliance.bundle('1.5.0');
    truncateSync(cut.file, 2_000_000);
    expect((await box.run(['update', 'install', cut.file])).err).toMatch(/ends before root\.img does/);
    expect((await box.run(['update', 'install', join(appliance.root, 'nothing')])).status).toBe(2);
    expect(await box.json('update', 'status')).toMatchObject({ update: { state: 'failed' } });
    expect([ukis(), staged()]).toEqual([['gw_1.4.0.efi'], []]);
  });

  test('installs a newer one as the build makes it, and has it tried', async () => {
    const { file, uki, rootImage } = await appliance.bundle('1.5.0');
    const { status, out, err } = await box.run(['update', 'install', file, '--reboot', '--json']);
    expect([status, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toEqual({ version: '1.5.0', rebooting: true });
    expect(readFileSync(join(appliance.root, 'efi/EFI/Linux/gw_1.5.0+3.efi'))).toEqual(uki);
    expect(readFileSync(join(appliance.root, 'dev/vda3')).subarray(0, rootImage.length)).toEqual(rootImage);
    expect(await box.json('update', 'status')).toMatchObject({
      slots: [
        { slot: 'a', version: '1.4.0', state: 'running' },
        { slot: 'b', version: '1.5.0', state: 'trial' },
      ],
      update: { state: 'ready', version: '1.5.0' },
    });
    expect([commands(), staged()]).toEqual(['/usr/bin/systemctl --no-block reboot\n', []]);
    const audit = await askAudit();
    expect(audit.filter(({ event }) => event === 'update.installed').map(({ outcome }) => outcome)).toEqual(['done']);
    expect(audit.filter(({ event }) => event === 'update.send')).toEqual([]);
  });

  test('is reset by the code on its screen, and by nothing else', async () => {
    const { name } = await box.json<{ name: string }>('status');
    const reset = (...more: string[]) => box.run(['system', 'reset', '--site-name', name, ...more]);
    expect(await box.run(['system', 'reset', '--site-name', 'other'])).toMatchObject({ status: 1 });
    expect(readFileSync(join(appliance.root, 'dev/ttyS0'), 'utf8')).toBe('');
    const asked = await reset();
    expect(asked).toMatchObject({ status: 4, err: expect.stringContaining('on its screen') });
    expect(await reset('--code', '0000')).toMatchObject({ status: 4 });
    const code = /Code: (\d{4} \d{4})/.exec(readFileSync(join(appliance.root, 'dev/ttyS0'), 'utf8'))?.[1] ?? '';
    expect(await reset('--code', code)).toMatchObject({ status: 0 });
    expect(readdirSync(join(appliance.root, 'data'))).toEqual(['.factory-reset']);
  });

  test('lets the administrator in by a key, and by no option', async () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ anna';
    appliance.put('build/bad.pub', `command="sh" ${key}\n`);
    appliance.put('build/good.pub', `# of Anna\n${key}\n`);
    const on = (file: string) => box.run(['system', 'ssh', 'on', '--keys', join(appliance.root, file)]);
    expect((await on('build/bad.pub')).err).toMatch(/key 1: .*type of key/);
    expect(await box.json('update', 'status')).toMatchObject({ ssh: false });
    expect(await on('build/good.pub')).toMatchObject({ status: 0 });
    expect(await box.json('update', 'status')).toMatchObject({ ssh: true });
    expect(await box.run(['system', 'ssh', 'off'])).toMatchObject({ status: 0 });
    expect(commands()).toMatch(/start ssh\.service\n.*stop ssh\.service\n$/s);
  });

  test('says so when its root helper is away, and the rest goes on', async () => {
    appliance.stop();
    expect((await box.run(['system', 'reboot'])).err).toMatch(/does not answer/);
    expect(await box.json('update', 'status')).toMatchObject({ appliance: true, slots: [] });
  });
});
