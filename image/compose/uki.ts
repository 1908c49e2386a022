import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { run } from './step.ts';

export type UkiParts = {
  /** systemd's boot stub, which finds the other parts in itself. */
  readonly stub: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  readonly osRelease: string;
  readonly kernelVersion: string;
};

const MIN_ALIGNMENT = 4096;

export type PeLayout = { readonly base: number; readonly end: number; readonly alignment: number };

/** Where the stub is loaded, where its sections end from there, and on what they are aligned. */
export function peLayout(bytes: Buffer): PeLayout {
  const header = bytes.readUInt32LE(0x3c);
  if (bytes.toString('latin1', header, header + 4) !== 'PE\0\0') throw new Error('the boot stub is no PE file');
  const sections = bytes.readUInt16LE(header + 6);
  const optional = header + 24;
  const alignment = Math.max(bytes.readUInt32LE(optional + 32), MIN_ALIGNMENT);
  const table = optional + bytes.readUInt16LE(header + 20);
  let end = 0;
  for (let index = 0; index < sections; index++) {
    const at = table + index * 40;
    end = Math.max(end, bytes.readUInt32LE(at + 8) + bytes.readUInt32LE(at + 12));
  }
  return { base: Number(bytes.readBigUInt64LE(optional + 24)), end, alignment };
}

/** One EFI program of kernel, initrd and command line, which is what a signature would cover. */
export async function makeUki(parts: UkiParts, file: string, epochSec: number): Promise<void> {
  const own = { osrel: `${file}.osrel`, cmdline: `${file}.cmdline`, uname: `${file}.uname` };
  writeFileSync(own.osrel, parts.osRelease);
  writeFileSync(own.cmdline, parts.commandLine);
  writeFileSync(own.uname, parts.kernelVersion);
  const { base, end, alignment } = peLayout(readFileSync(parts.stub));
  const args: string[] = ['--preserve-dates'];
  let address = end;
  const sections = { ...own, initrd: parts.initrd, linux: parts.kernel };
  for (const [name, content] of Object.entries(sections)) {
    address = Math.ceil(address / alignment) * alignment;
    const place = `.${name}=0x${(base + address).toString(16)}`;
    args.push('--add-section', `.${name}=${content}`, '--change-section-vma', place);
    address += statSync(content).size;
  }
  await run('objcopy', [...args, parts.stub, file], { env: { SOURCE_DATE_EPOCH: String(epochSec) } });
  await run('rm', ['-f', ...Object.values(own)]);
}
