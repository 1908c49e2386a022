import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { groupId, groupsOf, observePeerCredentials } from './peer-credentials.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-cred-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const program = (text: string): string => {
  const path = join(folder, 'engine');
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
};

/** What is said about a client when the engine's program does `text`. */
async function observe(text: string) {
  const path = join(folder, 's.sock');
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer(accepted.resolve).listen(path);
  const client = connect(path);
  const result = await observePeerCredentials(program(text), await accepted.promise);
  client.destroy();
  server.close();
  return result;
}

describe('who is calling', () => {
  test('is what the program says of its descriptor 3', async () => {
    const said = await observe(`[ -S /proc/self/fd/3 ] && echo '{"pid":5,"uid":6,"gid":7}'`);
    expect(said).toEqual({ ok: true, value: { pid: 5, uid: 6, gid: 7 } });
  });

  test.each([
    ['nothing', 'exit 1'],
    ['nonsense', 'echo hello'],
    ['a negative user', `echo '{"pid":5,"uid":-1,"gid":7}'`],
    ['a user that is a text', `echo '{"pid":5,"uid":"0","gid":7}'`],
    ['too much', 'head -c 100000 /dev/zero'],
  ])('%s is nobody', async (_, text) => {
    expect(await observe(text)).toMatchObject({ ok: false, error: { code: 'permission.unknown-peer' } });
  });
});

test("groups come from the system's files", () => {
  const passwd = join(folder, 'passwd');
  const group = join(folder, 'group');
  writeFileSync(passwd, 'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n');
  writeFileSync(group, 'root:x:0:\nann:x:1000:\nquicether:x:990:bob,ann\nannex:x:991:annex\n');
  expect(groupsOf(1000, { passwd, group })).toEqual([1000, 990]);
  expect(groupsOf(5, { passwd, group })).toEqual([]);
  expect(groupId('quicether', group)).toBe(990);
  expect(groupId('nobody-has-this', group)).toBe(undefined);
  expect(groupsOf(1000, { passwd: '/nowhere', group })).toEqual([]);
});
