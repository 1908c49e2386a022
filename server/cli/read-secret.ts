import type { ReadStream } from 'node:tty';
import { fail, ok, type Result } from '../core/result.ts';

/** Far more than a password may have; what is longer is some other file. */
const MAX_BYTES = 4_096;

/** What this reads from and asks on; the process's own, or a test's. */
export interface SecretSource {
  readonly stdin: Pick<ReadStream, 'isTTY' | 'setRawMode' | 'on' | 'off' | 'resume' | 'pause'>;
  /** Standard error: standard output may be read by a program. */
  readonly ask: (text: string) => void;
}

/**
 * A new password: typed twice on a terminal, unseen, or the first line of what is piped in.
 *
 * Never an argument: those stand in the list of processes and in the shell's history.
 */
export async function readNewPassword(source: SecretSource): Promise<Result<string>> {
  if (!source.stdin.isTTY) return readPiped(source);
  const first = await readUnseen(source, 'New password: ');
  if (!first.ok) return first;
  const second = await readUnseen(source, 'Once more: ');
  if (!second.ok) return second;
  if (first.value === second.value) return first;
  return fail('usage.password', 'the two passwords differ; nothing was changed', { remedy: 'try again' });
}

function readPiped({ stdin }: SecretSource): Promise<Result<string>> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const settle = (): void => {
      stdin.off('data', take);
      stdin.off('end', settle);
      stdin.pause();
      const [line = ''] = bytes.toString('utf8').split(/\r?\n/);
      if (line === '' || bytes.length > MAX_BYTES) {
        resolve(
          fail('usage.password', 'no password came on standard input', {
            remedy: 'pipe one line in, or use a terminal',
          }),
        );
      } else resolve(ok(line));
    };
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.includes('\n') || bytes.length > MAX_BYTES) settle();
    };
    stdin.on('data', take);
    stdin.on('end', settle);
    stdin.resume();
  });
}

const ENTER = ['\r', '\n', '\u0004'];
const INTERRUPT = '\u0003';
const ERASE = ['\u007f', '\b'];
const ERASE_LINE = '\u0015';

function readUnseen({ stdin, ask }: SecretSource, prompt: string): Promise<Result<string>> {
  ask(prompt);
  return new Promise((resolve) => {
    let typed: string[] = [];
    const settle = (result: Result<string>): void => {
      stdin.off('data', take);
      stdin.setRawMode(false);
      stdin.pause();
      ask('\n');
      resolve(result);
    };
    const take = (chunk: Buffer): void => {
      for (const character of chunk.toString('utf8')) {
        if (character === INTERRUPT || ENTER.includes(character)) {
          const isEntered = character !== INTERRUPT;
          settle(isEntered ? ok(typed.join('')) : fail('usage.password', 'interrupted; nothing was changed'));
          return;
        }
        if (ERASE.includes(character)) typed.pop();
        else if (character === ERASE_LINE) typed = [];
        else if (typed.length < MAX_BYTES) typed.push(character);
      }
    };
    stdin.setRawMode(true);
    stdin.on('data', take);
    stdin.resume();
  });
}
