import { randomBytes } from 'node:crypto';
import type { Appliance } from './appliance.ts';
import { wordsOf } from './rest.ts';
import type { Findings } from './trial.ts';

type Versions = { readonly first: string; readonly second: string };
type System = {
  version: string;
  node_id: string;
  appliance: boolean;
  slots: { slot: string; version: string | null; state: string }[];
};

/** On a quiet machine a fifth of it. */
const BOOT_SEC = 180;
const HEALTHY = /gw-health: OK/;
const PERSON = { user_name: 'anna', password: 'a long sentence for the test' };
/** What the box was before it was updated, broken and reset. */
let before = { nodeId: '', machineId: '' };

const MOUNT_BUNDLES = 'mkdir -p /run/bundles; mountpoint -q /run/bundles || mount -o ro /dev/vdb /run/bundles';

/** From power on to the page of an owner, as somebody with a screen and a browser does it. */
export async function claim(findings: Findings, appliance: Appliance, { first }: Versions): Promise<void> {
  const machine = await appliance.start();
  const seconds = await appliance.pageAnswers(BOOT_SEC);
  findings.check('the pages answer', seconds !== undefined, machine.console.slice(-2000));
  findings.figures['claim_page_sec'] = Math.round((seconds ?? Number.NaN) * 10) / 10;
  const { rest, disk } = appliance;
  const page = await rest.ask('GET', '/claim');
  findings.check(
    'there is a claim page',
    page?.status === 200 && page.text.includes('claim'),
    page?.text.slice(0, 300),
  );
  const code = /Claim code:\s+(\S+)/;
  await machine.until(() => code.test(disk.readEsp('claim.txt') ?? ''), 60);
  const file = disk.readEsp('claim.txt') ?? '';
  const words = await wordsOf(page?.certificate ?? Buffer.alloc(0));
  findings.check("claim.txt has the certificate's words", file.includes(words), `${words} / ${file}`);
  findings.check('the screen has them too', machine.console.includes(words), machine.console.slice(-800));
  const healthy = await machine.said(HEALTHY, BOOT_SEC);
  findings.check('the box finds itself healthy', healthy !== undefined, machine.console.slice(-1000));
  findings.figures['healthy_sec'] = Math.round((healthy ?? Number.NaN) * 10) / 10;
  const claimed = await rest.call<{ session: string }>('POST', '/claim', { code: code.exec(file)?.[1], ...PERSON });
  rest.session = claimed.session;
  const system = await rest.call<System>('GET', '/system');
  findings.check(
    'it is an appliance with the release',
    system.appliance && system.version === first,
    JSON.stringify(system),
  );
  before = { nodeId: system.node_id, machineId: (await machine.shell('cat /etc/machine-id')) ?? '' };
  const again = await rest.ask('POST', '/api/v1/claim', { code: code.exec(file)?.[1], ...PERSON });
  findings.check('the claim code works once', (again?.status ?? 0) >= 400, again?.status);
  const gone = await machine.until(() => disk.readEsp('claim.txt') === undefined, 60);
  findings.check('claim.txt is gone', gone);
  await inside(findings, appliance);
}

/** What only somebody inside sees. */
async function inside(findings: Findings, { machine, disk }: Appliance) {
  const failed = await machine.shell('systemctl --failed --no-legend --plain');
  findings.check('no unit has failed', failed === '', failed);
  const size = Number(await machine.shell('df -m --output=size /data | tail -n1'));
  findings.check('the data partition has grown to the disk', size > 1400, size);
  const root = await machine.shell('touch /x 2>&1; findmnt -no SOURCE,FSTYPE,OPTIONS /; dmsetup status');
  findings.check(
    'the root is verified and read-only',
    /Read-only/.test(root ?? '') && /verity V/.test(root ?? ''),
    root,
  );
  const used = Number(await machine.shell("free -m | awk '/^Mem:/ { print $3 }'"));
  findings.figures['used_mb'] = used;
  findings.check('idle it takes less than 350 MB', used > 0 && used < 350, used);
  const open = await machine.shell("ss -Hltun | awk '{ print $1, $5 }' | sort -u");
  findings.figures['listens'] = (open ?? '').split('\n').join('; ');
  const ssh = await machine.shell(
    "systemctl is-active ssh.service; find /etc/ssh /var/lib/quicether-ssh -name 'ssh_host*'",
  );
  findings.check('SSH is off and has no host keys', ssh === 'inactive', ssh);
  const rights = await machine.shell(
    'stat -c "%a %U" /var/lib/quicether-engine/node.key; passwd -S root; passwd -S admin',
  );
  findings.check(
    'the key is closed, and nobody has a password',
    /^600 quicether-engine\nroot L.*\nadmin L/.test(rights ?? ''),
    rights,
  );
  const releases = disk.releases();
  findings.check('one release can be booted, and it is blessed', /^gw_[^+]+\.efi$/.test(releases.join(' ')), releases);
}

/** Runs `quicether update install` inside; gives what it said and its exit status. */
async function install({ machine }: Appliance, name: string, timeoutSec = 300): Promise<string> {
  const line = `${MOUNT_BUNDLES}; quicether update install /run/bundles/${name}.gwu 2>&1; echo status=$?`;
  return (await machine.shell(line, timeoutSec)) ?? 'no answer';
}

/** Bundles that nobody should be able to install. */
export async function refusals(findings: Findings, appliance: Appliance): Promise<void> {
  const releases = appliance.disk.releases().join(' ');
  const slot = appliance.disk.read('slotB', 1 << 20);
  const refused = async (name: string, reason: RegExp) => {
    const said = await install(appliance, name);
    findings.check(`refused, and why: ${name}`, /status=1/.test(said) && reason.test(said), said);
  };
  await refused('stranger', /sign|key/i);
  await refused('truncated', /trunc|short|incomplete|ends/i);
  await refused('downgrade', /newer|older|downgrade/i);
  findings.check('nothing was changed', appliance.disk.releases().join(' ') === releases, appliance.disk.releases());
  findings.check('the other slot is as it was', appliance.disk.read('slotB', 1 << 20).equals(slot));
  const random = await appliance.rest.ask('POST', '/api/v1/updates', { size_bytes: 2 ** 50 });
  findings.check('a bundle larger than any is refused', (random?.status ?? 0) >= 400, random?.text);
}

const systemOf = (appliance: Appliance) => appliance.rest.call<System>('GET', '/system');

/** Sends a file as REST has it, part by part. */
async function upload({ rest }: Appliance, bytes: Buffer): Promise<string> {
  const { upload_id } = await rest.call<{ upload_id: string }>('POST', '/updates', { size_bytes: bytes.length });
  const part = 384 << 10;
  for (let offset = 0; offset < bytes.length; offset += part) {
    const data = bytes.subarray(offset, offset + part).toString('base64');
    await rest.call('PUT', `/updates/${upload_id}`, { offset, data });
  }
  return upload_id;
}

/** From the first release to the second over REST, as a person from a browser would do it. */
export async function update(findings: Findings, appliance: Appliance, versions: Versions): Promise<void> {
  const { machine, rest, disk } = appliance;
  await rest.call('POST', '/me/password-proof', { password: PERSON.password });
  // Parts over REST are tried with a bundle that is refused in the end; the large one goes by the command line.
  const id = await upload(appliance, Buffer.alloc(1 << 20, 'no bundle'));
  const refused = await rest.ask('POST', `/api/v1/updates/${id}/install`, {});
  findings.check('what is no bundle is refused over REST', (refused?.status ?? 0) >= 400, refused?.text);
  const startMs = performance.now();
  const said = await install(appliance, 'second', 400);
  findings.check('the second release is installed', /status=0/.test(said), said);
  findings.figures['install_sec'] = Math.round((performance.now() - startMs) / 1000);
  const trial = `gw_${versions.second}+3.efi`;
  findings.check('it has three tries', disk.releases().includes(trial), disk.releases());
  await rest.call('POST', '/system/reboot', {});
  const healthy = await machine.said(HEALTHY, BOOT_SEC * 2, 2);
  findings.check('it comes up healthy', healthy !== undefined, machine.console.slice(-1500));
  await machine.until(() => disk.releases().includes(`gw_${versions.second}.efi`), 60);
  const expected = [`gw_${versions.first}.efi`, `gw_${versions.second}.efi`];
  findings.check('it is blessed, the first one stays', disk.releases().join() === expected.join(), disk.releases());
  const signed = await rest.call<{ session: string }>('POST', '/session', PERSON);
  rest.session = signed.session;
  findings.check('the person can still sign in', Boolean(signed.session));
  const system = await systemOf(appliance);
  findings.check('the second release runs', system.version === versions.second, JSON.stringify(system));
  findings.check('the box has kept its key', system.node_id === before.nodeId, system.node_id);
  const machineId = await machine.shell('cat /etc/machine-id');
  findings.check('and its machine id', machineId === before.machineId, machineId);
}

/** A release that does not come up: three tries, then the one before is back without anybody's help. */
export async function broken(findings: Findings, appliance: Appliance, versions: Versions): Promise<void> {
  const { machine, rest, disk } = appliance;
  const said = await install(appliance, 'broken', 400);
  findings.check('the broken release is installed', /status=0/.test(said), said);
  await rest.call('POST', '/system/reboot', {});
  const healthy = await machine.said(HEALTHY, BOOT_SEC * 5, 3);
  findings.check('after it the box is healthy again', healthy !== undefined, machine.console.slice(-1500));
  findings.check('it was tried three times', machine.count(/gw-health: FAIL/) === 3, machine.count(/gw-health: FAIL/));
  findings.check('and has no try left', /\+0-3\.efi/.test(disk.releases().join(' ')), disk.releases());
  const signed = await rest.call<{ session: string }>('POST', '/session', PERSON);
  rest.session = signed.session;
  const system = await systemOf(appliance);
  findings.check('the second release runs', system.version === versions.second, JSON.stringify(system));
  findings.check(
    'the page can say what happened',
    system.slots.some(({ state }) => state === 'failed'),
    JSON.stringify(system),
  );
}

/** The plug is pulled while a slot is written; then a half-written slot is booted on purpose. */
export async function corrupted(findings: Findings, appliance: Appliance, versions: Versions): Promise<void> {
  const { machine, disk, releases } = appliance;
  const line = `${MOUNT_BUNDLES}; (quicether update install /run/bundles/broken.gwu >/run/update.log 2>&1 &) ; echo begun`;
  await machine.shell(line);
  const writing = async () =>
    /"state": "writing"/.test((await machine.shell('quicether update status --json', 30)) ?? '');
  findings.check(
    'a slot is being written',
    await machine.until(writing, 200),
    await machine.shell('cat /run/update.log'),
  );
  await appliance.stop();
  findings.check('nothing half-written can be booted', !disk.releases().join().includes('+3'), disk.releases());
  for (const name of disk.releases().filter((one) => one.includes('+0-3'))) disk.removeRelease(name);
  const uki = releases.broken?.uki ?? '';
  disk.addRelease(uki, `gw_${releases.broken?.release.version}+3.efi`);
  // Whatever the cut left there: its beginning is something else now.
  disk.write('slotA', Buffer.alloc(8 << 20, 0xa5));
  const next = await appliance.start();
  const healthy = await next.said(HEALTHY, BOOT_SEC * 3);
  findings.check('the box comes up with the release that is whole', healthy !== undefined, next.console.slice(-1500));
  findings.check(
    'the corrupted slot was refused',
    next.count(/no slot holds the root/) === 3,
    next.console.slice(-3000),
  );
  const system = await systemOf(appliance);
  findings.check('that is the second release', system.version === versions.second, JSON.stringify(system));
  findings.check('the box has kept its key', system.node_id === before.nodeId, system.node_id);
}

/** The owner gives the box away. */
export async function factoryReset(findings: Findings, appliance: Appliance): Promise<void> {
  const { machine, rest } = appliance;
  const { name } = JSON.parse((await machine.shell('quicether status --json')) ?? '{}') as { name: string };
  await rest.call('POST', '/me/password-proof', { password: PERSON.password });
  const asked = await rest.ask('POST', '/api/v1/system/reset', { site_name: name });
  findings.check('a code from the screen is asked for', /screen/.test(asked?.text ?? ''), asked?.text);
  const shown = /Factory reset was asked for\. Code: (\d{4}) (\d{4})/;
  await machine.said(shown, 20);
  const [, left, right] = shown.exec(machine.console) ?? [];
  await rest.call('POST', '/system/reset', { site_name: name, code: `${left}${right}` });
  const wiped = await machine.said(/FACTORY RESET/, 120);
  findings.check('the data is wiped at the next start', wiped !== undefined, machine.console.slice(-1000));
  const healthy = await machine.said(HEALTHY, BOOT_SEC * 2, 2);
  findings.check('the box comes up healthy', healthy !== undefined, machine.console.slice(-1000));
  rest.session = undefined;
  const state = await rest.call<{ claimed: boolean }>('GET', '/claim');
  findings.check('nobody owns it', !state.claimed, JSON.stringify(state));
  const nodeId = (await machine.shell('quicether status --json')) ?? '';
  const machineId = (await machine.shell('cat /etc/machine-id')) ?? '';
  findings.check('it is another box', !nodeId.includes(before.nodeId) && machineId !== before.machineId, nodeId);
}

/** Data that cannot be read is said, not deleted. */
export async function rescue(findings: Findings, appliance: Appliance): Promise<void> {
  await appliance.stop();
  const { disk } = appliance;
  const damage = randomBytes(32 << 20);
  disk.write('data', damage);
  const machine = await appliance.start();
  const said = await machine.said(/DATA PARTITION UNUSABLE/, BOOT_SEC);
  findings.check('the box says that its data is unusable', said !== undefined, machine.console.slice(-1000));
  const shows = async () => (await appliance.rest.ask('GET', '/', undefined, 5000))?.status === 503;
  findings.check('so does its page', await machine.until(shows, BOOT_SEC), machine.console.slice(-1000));
  const page = await appliance.rest.ask('GET', '/');
  findings.check('nobody can claim it meanwhile', !(page?.text ?? 'claim').includes('claim'), page?.text);
  findings.check('nothing was written to the data', disk.read('data', damage.length).equals(damage));
}
