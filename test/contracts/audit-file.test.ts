import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditFile, type AuditFileOptions } from '../../server/adapters/audit-file.ts';
import type { AuditEvent } from '../../server/audit/event.ts';
import { AUDIT_RULES } from '../../server/audit/rules.ts';
import { SimulatedClock } from '../../server/core/clock.ts';

let folder = '';
let path = '';
let clock = new SimulatedClock();
const open: AuditFile[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-audit-'));
  path = join(folder, 'log', 'audit.json');
  clock = new SimulatedClock(Date.UTC(2026, 10, 23));
});
afterEach(() => {
  for (const audit of open.splice(0)) audit.close();
  rmSync(folder, { recursive: true });
});

async function openAudit(more: Partial<AuditFileOptions> = {}): Promise<AuditFile> {
  const opened = await AuditFile.open({
    path,
    headPath: join(folder, 'audit.head'),
    clock,
    rules: AUDIT_RULES,
    log: { warn: () => {} },
    ...more,
  });
  if (!opened.ok) throw new Error(opened.error.message);
  open.push(opened.value);
  return opened.value;
}

/** Ends as `kill -9` would: nothing is written any more. */
function abandon(audit: AuditFile): void {
  open.splice(open.indexOf(audit), 1);
}

function close(audit: AuditFile): void {
  abandon(audit);
  audit.close();
}

const event = (detail: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
  event: 'peer.accept',
  who: 'anna',
  source: '192.0.2.7',
  surface: 'page',
  outcome: 'done',
  detail,
  ...more,
});

async function verify(audit: AuditFile) {
  const state = await audit.verify();
  if (!state.ok) throw new Error(state.error.message);
  return state.value;
}

async function details(audit: AuditFile, filter = {}, limit = 50): Promise<string[]> {
  const page = await audit.query(filter, limit);
  if (!page.ok) throw new Error(page.error.message);
  return page.value.events.map(({ detail }) => detail);
}

describe('writing', () => {
  test('every event is a line at once, readable by owner and group', async () => {
    const audit = await openAudit();
    audit.append(event('one'));
    audit.append(event('two'));
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { detail: string }).detail)).toEqual(['one', 'two']);
    expect(statSync(path).mode & 0o007).toBe(0);
    expect(await verify(audit)).toMatchObject({ isIntact: true, events: 2, lastSeq: 2, problem: undefined });
    expect(await details(audit)).toEqual(['two', 'one']);
  });

  test('after a restart, and after kill -9, the chain goes on', async () => {
    const first = await openAudit();
    first.append(event('one'));
    close(first);
    const second = await openAudit();
    second.append(event('two'));
    abandon(second);
    const third = await openAudit();
    third.append(event('three'));
    expect(await verify(third)).toMatchObject({ isIntact: true, events: 3, lastSeq: 3 });
    expect(await details(third)).toEqual(['three', 'two', 'one']);
  });

  test('a line that a crash cut short is taken off, and said', async () => {
    const first = await openAudit();
    first.append(event('one'));
    abandon(first);
    appendFileSync(path, '{"seq":2,"ts":"2026-11-23T00:0');
    const second = await openAudit();
    second.append(event('two'));
    expect(await verify(second)).toMatchObject({ isIntact: true, events: 3 });
    expect(await details(second, { event: 'audit' })).toEqual([
      'the last line was not written to its end (30 bytes); it was no event yet and was taken off',
    ]);
  });

  test('a place that cannot be written is refused with place and remedy', async () => {
    writeFileSync(join(folder, 'log'), 'a file, not a folder');
    const opened = await AuditFile.open({
      path,
      headPath: join(folder, 'h'),
      clock,
      rules: AUDIT_RULES,
      log: { warn: () => {} },
    });
    expect(opened).toMatchObject({ ok: false, error: { message: expect.stringContaining(path) } });
  });
});

describe('putting aside', () => {
  const limits = { fileBytes: 2_000, fileAgeMs: 86_400_000, files: 3 };

  test('by size, the chain going on across the files and across a restart', async () => {
    const first = await openAudit({ limits: { ...limits, files: 100 } });
    for (let n = 0; n < 50; n++) first.append(event(`event ${n}`));
    expect(readdirSync(join(folder, 'log')).length).toBeGreaterThan(5);
    close(first);
    const second = await openAudit({ limits: { ...limits, files: 100 } });
    second.append(event('event 50'));
    expect(await verify(second)).toMatchObject({ isIntact: true, events: 51, firstSeq: 1, lastSeq: 51 });
    expect(await details(second, {}, 100)).toHaveLength(51);
  });

  test('by age', async () => {
    const audit = await openAudit({ limits });
    audit.append(event('old'));
    clock.advance(limits.fileAgeMs + 1);
    audit.append(event('new'));
    expect(readdirSync(join(folder, 'log'))).toEqual(['audit.json', 'audit.json.000000000001']);
    expect(await verify(audit)).toMatchObject({ isIntact: true, events: 2 });
  });

  test('the oldest goes, the audit says so, and the rest is still intact', async () => {
    const audit = await openAudit({ limits });
    for (let n = 0; n < 60; n++) audit.append(event(`event ${n}`));
    const state = await verify(audit);
    expect(state).toMatchObject({ isIntact: true, lastSeq: audit.lastSeq });
    expect(state.firstSeq).toBeGreaterThan(1);
    expect(readdirSync(join(folder, 'log'))).toHaveLength(4);
    expect((await details(audit, { event: 'audit.forgotten' }))[0]).toMatch(/^events 1 to \d+ are no longer kept/);
  });

  test('one that is removed by hand is missed', async () => {
    const audit = await openAudit({ limits: { ...limits, files: 100 } });
    for (let n = 0; n < 30; n++) audit.append(event(`event ${n}`));
    const [, , second = ''] = readdirSync(join(folder, 'log'));
    rmSync(join(folder, 'log', second));
    expect((await verify(audit)).problem).toMatch(/events \d+ to \d+ are missing/);
  });
});

describe('a disk that is full', () => {
  test('stops nothing; what was lost is an event with its count, in the chain', async () => {
    let isFull = false;
    const write = (file: number, bytes: Uint8Array): void => {
      // Half of it gets there, as on a real disk.
      if (isFull) writeSync(file, bytes, 0, 10);
      if (isFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      writeSync(file, bytes);
    };
    const audit = await openAudit({ write });
    audit.append(event('before'));
    isFull = true;
    for (let n = 0; n < 7; n++) audit.append(event('lost'));
    expect(await verify(audit)).toMatchObject({ isIntact: true, events: 1 });
    isFull = false;
    audit.append(event('after'));
    expect(await details(audit)).toEqual([
      'after',
      '7 events since 2026-11-23T00:00:00.000Z could not be written: the disk was full or broken',
      'before',
    ]);
    expect(await verify(audit)).toMatchObject({ isIntact: true, events: 3, lastSeq: 3 });
  });
});

describe('what somebody did to the files', () => {
  async function written(): Promise<string[]> {
    const audit = await openAudit();
    for (let n = 0; n < 10; n++) audit.append(event(`event ${n}`));
    close(audit);
    return readFileSync(path, 'utf8').trimEnd().split('\n');
  }

  test.each([
    [
      'changed',
      (lines: string[]) => lines.with(4, (lines[4] ?? '').replace('anna', 'eve')),
      /event 5: that one was changed/,
    ],
    [
      'the last one changed',
      (lines: string[]) => lines.with(9, (lines[9] ?? '').replace('anna', 'eve')),
      /event 10\b.*(is not the one|was changed)/,
    ],
    ['removed', (lines: string[]) => lines.toSpliced(4, 1), /event 5 is missing/],
    ['swapped', (lines: string[]) => lines.with(4, lines[5] ?? '').with(5, lines[4] ?? ''), /event 5 is missing/],
    ['cut in the middle', (lines: string[]) => lines.toSpliced(3, 4), /events 4 to 7 are missing/],
    ['cut at the end', (lines: string[]) => lines.slice(0, 8), /events 9 to 10 are missing/],
    ['emptied', () => [], /events 1 to 10 are missing/],
  ])('%s: found now and after the next start, and the chain goes on', async (_, change, problem) => {
    const lines = await written();
    writeFileSync(
      path,
      change(lines)
        .map((line) => `${line}\n`)
        .join(''),
    );
    const audit = await openAudit();
    audit.append(event('goes on'));
    expect((await verify(audit)).problem).toMatch(problem);
    close(audit);
    const again = await openAudit();
    expect((await verify(again)).problem).toMatch(problem);
    expect(again.lastSeq).toBeGreaterThanOrEqual(10);
  });

  test('a file that ends in something else is left as it is, and the chain goes on behind it', async () => {
    await written();
    appendFileSync(path, 'not ours\n');
    const audit = await openAudit();
    audit.append(event('goes on'));
    expect(readFileSync(path, 'utf8')).toContain('not ours\n');
    expect((await verify(audit)).problem).toContain('audit.json:11: is not an event');
    expect(await details(audit, {}, 1)).toEqual(['goes on']);
  });

  test('moved away while it is written to: what comes then is in a new file within a minute', async () => {
    const audit = await openAudit();
    audit.append(event('one'));
    rmSync(path);
    clock.advance(60_000);
    audit.append(event('two'));
    expect(readFileSync(path, 'utf8')).toContain('two');
    expect((await verify(audit)).isIntact).toBe(false);
  });

  test('shortened while it is written to', async () => {
    const audit = await openAudit();
    for (let n = 0; n < 5; n++) audit.append(event(`event ${n}`));
    truncateSync(path, 0);
    audit.append(event('five'));
    expect((await verify(audit)).isIntact).toBe(false);
  });
});

describe('reading', () => {
  test('by person, event, words, and page by page through files and memory', async () => {
    const limits = { fileBytes: 100_000, fileAgeMs: 1e12, files: 100 };
    const audit = await openAudit({ limits });
    for (let n = 1; n <= 3_000; n++) {
      const who = n % 3 === 0 ? 'Anna' : 'ben';
      audit.append(event(`box ${n}`, { who, event: n % 2 === 0 ? 'peer.accept' : 'people.sign-in' }));
    }
    const seen: number[] = [];
    for (let before: number | undefined; ; ) {
      const page = await audit.query({ who: 'anna', event: 'peer', before }, 200);
      if (!page.ok) throw new Error(page.error.message);
      seen.push(...page.value.events.map(({ seq }) => seq));
      before = page.value.nextBefore;
      if (before === undefined) break;
    }
    expect(seen).toEqual(Array.from({ length: 500 }, (_, n) => 3_000 - 6 * n));
    expect(await details(audit, { text: 'BOX 17' }, 3)).toEqual(['box 1799', 'box 1798', 'box 1797']);
    expect(await details(audit, { after: 2_998 })).toEqual(['box 3000', 'box 2999']);
  });

  test('as lines, in order, from any number on', async () => {
    const audit = await openAudit({ limits: { fileBytes: 3_000, fileAgeMs: 1e12, files: 100 } });
    for (let n = 1; n <= 40; n++) audit.append(event(`box ${n}`));
    const lines: string[] = [];
    for (let after: number | undefined = 5; after !== undefined; ) {
      const page: Awaited<ReturnType<AuditFile['lines']>> = await audit.lines(after, 7);
      if (!page.ok) throw new Error(page.error.message);
      lines.push(...page.value.lines);
      after = page.value.next;
    }
    expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual(
      Array.from({ length: 35 }, (_, n) => n + 6),
    );
  });

  test('whoever waits is woken by the next event, or by the time', async () => {
    const audit = await openAudit();
    const woken: string[] = [];
    void audit.wait(0, 1_000).then(() => woken.push('event'));
    audit.append(event('one'));
    await Promise.resolve();
    void audit.wait(1, 1_000).then(() => woken.push('time'));
    clock.advance(1_000);
    await Promise.resolve();
    expect(woken).toEqual(['event', 'time']);
  });
});

test('a flood of refusals is counted, and the count is in the chain', async () => {
  const audit = await openAudit();
  for (let n = 0; n < 2_000; n++)
    audit.append(event('wrong password', { outcome: 'refused', event: 'people.sign-in' }));
  expect(audit.lastSeq).toBe(300);
  clock.advance(60_000);
  expect((await details(audit, {}, 1))[0]).toContain('1700 more events');
  expect(await verify(audit)).toMatchObject({ isIntact: true });
});
