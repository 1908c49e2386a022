import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeLine, encodeLine, GENESIS, seqOf } from './chain.ts';
import { ChainCheck } from './chain-check.ts';
import type { AuditEvent } from './event.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const event = (detail: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
  event: 'peer.accept',
  who: 'anna',
  source: '192.0.2.7',
  surface: 'page',
  outcome: 'done',
  detail,
  ...more,
});

function chain(events: readonly AuditEvent[]): string[] {
  const lines: string[] = [];
  let prev = GENESIS;
  for (const [at, one] of events.entries()) {
    const line = encodeLine(one, { seq: at + 1, tsMs: 1_000 * at, prev });
    prev = digest(line);
    lines.push(line);
  }
  return lines;
}

function check(lines: readonly string[], noted?: { seq: number; hash: string }) {
  const read = new ChainCheck(digest, noted);
  for (const [at, line] of lines.entries()) read.push(line, `audit.json:${at + 1}`);
  return read.finish();
}

const ten = chain(Array.from({ length: 10 }, (_, n) => event(`accepted box ${n}`)));

describe('an unbroken chain', () => {
  test('is intact, and says how far it goes', () => {
    const head = digest(ten[9] ?? '');
    expect(check(ten)).toEqual({ isIntact: true, events: 10, firstSeq: 1, lastSeq: 10, head, problem: undefined });
    expect(check([])).toMatchObject({ isIntact: true, events: 0, head: GENESIS });
  });

  test('may begin later when it says so itself', () => {
    const forgotten = event('events 1 to 3 are no longer kept', { event: 'audit.forgotten', facts: { up_to: 3 } });
    const lines = chain([...Array.from({ length: 5 }, () => event('x')), forgotten]);
    expect(check(lines.slice(3))).toMatchObject({ isIntact: true, firstSeq: 4 });
    expect(check(lines.slice(4)).problem).toContain('events 1 to 4 are missing');
  });
});

describe('a chain that somebody touched', () => {
  test.each(ten.map((_, at) => at).slice(0, -1))('line %i changed', (at) => {
    const changed = ten.with(at, (ten[at] ?? '').replace('anna', 'eve'));
    expect(check(changed).problem).toBe(
      `audit.json:${at + 2}: event ${at + 2} does not continue event ${at + 1}: that one was changed`,
    );
  });

  test.each(ten.map((_, at) => at).slice(1, -1))('line %i removed', (at) => {
    expect(check(ten.toSpliced(at, 1)).problem).toContain(`event ${at + 1} is missing before event ${at + 2}`);
  });

  test('the first line removed', () => {
    expect(check(ten.slice(1)).problem).toContain('events 1 to 1 are missing');
  });

  test('a piece cut out of the middle', () => {
    expect(check(ten.toSpliced(3, 4)).problem).toContain('events 4 to 7 are missing before event 8');
  });

  test('two lines in the other order', () => {
    const swapped = ten.with(4, ten[5] ?? '').with(5, ten[4] ?? '');
    expect(check(swapped).problem).toContain('event 5 is missing before event 6');
  });

  test('a line twice, and one that was added', () => {
    expect(check(ten.toSpliced(4, 0, ten[3] ?? '')).problem).toContain('event 4 stands where event 5 belongs');
    expect(check(ten.toSpliced(4, 0, 'hello')).problem).toContain('audit.json:5: is not an event');
  });

  test('the last line changed, cut off, or everything written anew: a noted head tells', () => {
    const noted = { seq: 10, hash: digest(ten[9] ?? '') };
    expect(check(ten.with(9, (ten[9] ?? '').replace('anna', 'eve')), noted).problem).toContain(
      'is not the one whose hash',
    );
    expect(check(ten.slice(0, 7), noted).problem).toContain('events 8 to 10 are missing at the end');
    const anew = chain(Array.from({ length: 12 }, () => event('nothing happened')));
    expect(check(anew).isIntact).toBe(true);
    expect(check(anew, noted).problem).toContain('event 10');
    expect(check(ten, noted).isIntact).toBe(true);
  });

  test('any change of any one byte in any line but the last is found', () => {
    const bytes = ten.map((line) => line.length);
    const place = fc
      .nat(8)
      .chain((at) => fc.tuple(fc.constant(at), fc.nat((bytes[at] ?? 1) - 1), fc.integer({ min: 32, max: 126 })));
    fc.assert(
      fc.property(place, ([at, column, code]) => {
        const line = ten[at] ?? '';
        const char = String.fromCharCode(code);
        if (line[column] === char) return;
        const changed = ten.with(at, line.slice(0, column) + char + line.slice(column + 1));
        expect(check(changed).isIntact).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a line', () => {
  test('says everything and comes back as it was', () => {
    const facts = { src_node: 'qe1a', bytes_sent: 5, duration_ms: 9 };
    const line = encodeLine(event('hello', { facts }), { seq: 7, tsMs: 0, prev: GENESIS });
    expect(line).toMatch(/^\{"seq":7,"ts":"1970-01-01T00:00:00\.000Z","event":"peer\.accept",/);
    expect(decodeLine(line)).toEqual({ ...event('hello', { facts }), seq: 7, tsMs: 0, prev: GENESIS });
    expect(seqOf(line)).toBe(7);
  });

  test('whatever a name holds it stays one line of plain characters, bounded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
        const line = encodeLine(event(text, { who: text, source: text }), { seq: 1, tsMs: 0, prev: GENESIS });
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/);
        expect(line.length).toBeLessThan(6_000);
        const back = decodeLine(line);
        if (text.length <= 64) expect(back).toMatchObject({ detail: text, who: text, source: text });
        else expect(back?.source).toHaveLength(64);
      }),
    );
  });

  test.each(['', '{}', '[]', 'null', '{"seq":0}', '{"seq":1,"ts":"never"}'])('%j is none', (text) => {
    expect(decodeLine(text)).toBeUndefined();
  });
});
