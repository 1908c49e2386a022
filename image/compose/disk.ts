import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { BuildStop, run, shell } from './step.ts';

const MIB = 1 << 20;
export const ESP_MIB = 256;
export const SLOT_MIB = 1024;
/** What the data partition has in the image; it grows to the disk on the first boot. */
const DATA_MIB = 128;
export const START_MIB = {
  esp: 1,
  slotA: 1 + ESP_MIB,
  slotB: 1 + ESP_MIB + SLOT_MIB,
  data: 1 + ESP_MIB + 2 * SLOT_MIB,
};

const ID = '6757474f-532d-4757-4f53-00000000000';
const TYPES = {
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  root: '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
  data: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
};

/** The partition table, in sfdisk's words; the same in every image. */
export function partitionTable(): string {
  const line = (sizeMib: number, type: string, name: string, index: number, start = '') =>
    `${start}size=${sizeMib}MiB, type=${type}, name=${name}, uuid=${ID}${index}`;
  return [
    'label: gpt',
    `label-id: ${ID}1`,
    'first-lba: 2048',
    line(ESP_MIB, TYPES.esp, 'gw-esp', 2, `start=${START_MIB.esp}MiB, `),
    line(SLOT_MIB, TYPES.root, 'gw-root-a', 3),
    line(SLOT_MIB, TYPES.root, 'gw-root-b', 4),
    line(DATA_MIB, TYPES.data, 'gw-data', 5),
    '',
  ].join('\n');
}

export type DiskParts = {
  readonly version: string;
  readonly bootLoader: string;
  readonly uki: string;
  readonly rootImage: string;
  readonly epochSec: number;
};

/** Writes the image of a whole disk to `file`, without loop devices or mounts. */
export async function makeDisk(parts: DiskParts, file: string): Promise<void> {
  const { size } = statSync(parts.rootImage);
  if (size > SLOT_MIB * MIB) throw new BuildStop(`the root has ${size} bytes and does not fit into ${SLOT_MIB} MiB`);
  rmSync(file, { force: true });
  writeFileSync(file, '');
  truncateSync(file, (START_MIB.data + DATA_MIB + 1) * MIB);
  await shell('sfdisk -q "$1" <<< "$2"', [file, partitionTable()]);
  await addEsp(parts, file);
  await run('dd', [`if=${parts.rootImage}`, `of=${file}`, 'bs=1M', `seek=${START_MIB.slotA}`, 'conv=notrunc,sparse']);
  await addData(file, parts.epochSec);
}

const LOADER = 'timeout 0\neditor no\nauto-firmware no\nconsole-mode keep\nrandom-seed-mode off\n';

async function addEsp(parts: DiskParts, disk: string) {
  const esp = `${disk}.esp`;
  writeFileSync(esp, '');
  truncateSync(esp, ESP_MIB * MIB);
  writeFileSync(`${esp}.conf`, LOADER);
  const env = { SOURCE_DATE_EPOCH: String(parts.epochSec), MTOOLS_SKIP_CHECK: '1' };
  await run('mkfs.vfat', ['--invariant', '-F32', '-i', '51454250', '-n', 'GW-ESP', esp], { env });
  const folders = ['::/EFI', '::/EFI/BOOT', '::/EFI/Linux', '::/EFI/systemd', '::/loader', '::/loader/entries'];
  await run('mmd', ['-i', esp, ...folders], { env });
  const copy = (from: string, to: string) => run('mcopy', ['-i', esp, from, to], { env });
  await copy(parts.bootLoader, '::/EFI/BOOT/BOOTX64.EFI');
  await copy(parts.bootLoader, '::/EFI/systemd/systemd-bootx64.efi');
  // Without a counter: what is flashed is blessed, because there is nothing to go back to.
  await copy(parts.uki, `::/EFI/Linux/gw_${parts.version}.efi`);
  await copy(`${esp}.conf`, '::/loader/loader.conf');
  await run('dd', [`if=${esp}`, `of=${disk}`, 'bs=1M', `seek=${START_MIB.esp}`, 'conv=notrunc,sparse']);
  rmSync(esp);
  rmSync(`${esp}.conf`);
}

async function addData(disk: string, epochSec: number) {
  const data = `${disk}.data`;
  writeFileSync(data, '');
  truncateSync(data, DATA_MIB * MIB);
  const identity = ['-L', 'gw-data', '-U', `${ID}6`, '-E', `hash_seed=${ID}7`];
  await run('mke2fs', ['-q', '-t', 'ext4', '-b', '4096', ...identity, data], {
    env: { E2FSPROGS_FAKE_TIME: String(epochSec) },
  });
  await run('dd', [`if=${data}`, `of=${disk}`, 'bs=1M', `seek=${START_MIB.data}`, 'conv=notrunc,sparse']);
  rmSync(data);
}
