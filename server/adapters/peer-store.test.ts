import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type NodeId, nodeIdFromBytes } from '../core/node-id.ts';
import { ok } from '../core/result.ts';
import { openLearnedStore, openPeerStore } from './peer-store.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-peers-'));
  path = join(folder, 'peers.json');
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

const york: NodeId = nodeIdFromBytes(new Uint8Array(20));
const peer = {
  nodeId: york,
  name: 'York',
  addresses: [{ host: 'york.example', port: 9000, isName: true }],
  acceptedAtMs: Date.UTC(2026, 10, 22),
};

describe('accepted peers', () => {
  test('are read as they were written, from a file of ours alone', () => {
    const store = openPeerStore(path);
    expect(store.read()).toEqual(ok([]));
    expect(store.write([peer])).toEqual(ok(undefined));
    expect(openPeerStore(path).read()).toEqual(ok([peer]));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['peers.json']);
  });

  test.each([
    ['half a file', '{"version":1,"peers":[{"node_i'],
    ['another version', '{"version":2,"peers":[]}'],
    ['a NodeId with a wrong letter', '{"version":1,"peers":[{"node_id":"qe1x","accepted_at":"2026-11-22T00:00:00Z"}]}'],
    [
      'an address that is none',
      `{"version":1,"peers":[{"node_id":"${york}","addresses":["nowhere"],"accepted_at":"2026-11-22T00:00:00Z"}]}`,
    ],
    ['nothing', ''],
  ])('%s is damage that is explained, and the file stays as it is', (_, text) => {
    writeFileSync(path, text);
    expect(openPeerStore(path).read()).toMatchObject({
      ok: false,
      error: {
        code: 'state.damaged',
        message: expect.stringContaining('peers.json'),
        remedy: expect.stringContaining('backup'),
      },
    });
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  test('a write that fails keeps the old file and leaves no half one', () => {
    const store = openPeerStore(path);
    store.write([peer]);
    const gone = openPeerStore(join(folder, 'nowhere', 'peers.json'));
    expect(gone.write([])).toMatchObject({ ok: false });
    expect(store.read()).toEqual(ok([peer]));
  });
});

test('what was learned may be lost: a damaged file is a warning', () => {
  const warnings: string[] = [];
  const store = openLearnedStore(path, (message) => warnings.push(message));
  writeFileSync(path, '{"claims":5}');
  expect(store.read()).toEqual({ claims: {}, names: {} });
  expect(warnings).toHaveLength(1);
  store.write({ claims: { [york]: ['100.64.0.1'] }, names: {} });
  expect(store.read().claims[york]).toEqual(['100.64.0.1']);
});
