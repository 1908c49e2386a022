import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { readNewPassword } from './read-secret.ts';

/** Standard input in the hands of a test; what was asked, and whether the terminal would have shown the keys. */
class Input extends EventEmitter {
  readonly asked: string[] = [];
  isRaw = false;
  isTTY: boolean;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }
  setRawMode(isRaw: boolean): this {
    this.isRaw = isRaw;
    return this;
  }
  resume(): this {
    return this;
  }
  pause(): this {
    return this;
  }
  /** Keys pressed, once somebody waits for them. */
  async press(keys: string): Promise<void> {
    for (let i = 0; i < 10; i++) await Promise.resolve();
    this.emit('data', Buffer.from(keys));
  }
}

const read = (input: Input) => readNewPassword({ stdin: input as never, ask: (text) => input.asked.push(text) });

test('on a terminal it is typed twice and never shown', async () => {
  const input = new Input(true);
  const reading = read(input);
  await input.press('wrong\u0015corrext\u007f\u007fct h\u00f6rse\r');
  await input.press('correct h\u00f6rse\r');
  expect(await reading).toEqual({ ok: true, value: 'correct h\u00f6rse' });
  expect(input.isRaw).toBe(false);
  expect(input.asked.join('')).toBe('New password: \nOnce more: \n');
});

test('two that differ are refused, and Ctrl-C ends it with the terminal as it was', async () => {
  const differing = new Input(true);
  const reading = read(differing);
  await differing.press('one\r');
  await differing.press('two\r');
  expect(await reading).toMatchObject({ ok: false, error: { code: 'usage.password' } });
  const interrupted = new Input(true);
  const stopping = read(interrupted);
  await interrupted.press('on\u0003');
  expect(await stopping).toMatchObject({ ok: false });
  expect(interrupted.isRaw).toBe(false);
});

test('piped in, it is the first line, in however many parts it comes', async () => {
  const input = new Input(false);
  const reading = read(input);
  const bytes = Buffer.from('zw\u00f6lf W\u00f6rter\nand more\n');
  for (const at of bytes.keys()) input.emit('data', bytes.subarray(at, at + 1));
  expect(await reading).toEqual({ ok: true, value: 'zw\u00f6lf W\u00f6rter' });
});

test.each([
  ['nothing', ''],
  ['an empty line', '\n'],
  ['a file that is no password', 'x'.repeat(5_000)],
])('%s piped in is refused', async (_, text) => {
  const input = new Input(false);
  const reading = read(input);
  input.emit('data', Buffer.from(text));
  input.emit('end');
  expect(await reading).toMatchObject({ ok: false, error: { code: 'usage.password' } });
});
