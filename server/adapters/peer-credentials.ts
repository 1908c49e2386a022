import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fail, ok, type Result } from '../core/result.ts';

const TIMEOUT_MS = 2_000;
const MAX_ANSWER_LENGTH = 1_024;

/** Process, user and group at the other end of a Unix socket. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Asks the kernel who is at the other end.
 *
 * Node has no SO_PEERCRED, so the engine's program is run for a moment with the socket.
 */
export function observePeerCredentials(engineBinary: string, socket: Socket): Promise<Result<PeerCredentials>> {
  return new Promise((resolve) => {
    const child = spawn(engineBinary, ['peer-credentials'], {
      stdio: ['ignore', 'pipe', 'ignore', socket],
      timeout: TIMEOUT_MS,
    });
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      if (said.length < MAX_ANSWER_LENGTH) said += chunk.toString();
    });
    child.once('error', (error) => resolve(unknownPeer(error.message)));
    child.once('close', () => resolve(decodeCredentials(said)));
  });
}

function decodeCredentials(text: string): Result<PeerCredentials> {
  try {
    const { pid, uid, gid } = JSON.parse(text) as Record<string, unknown>;
    const isId = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;
    if (isId(pid) && isId(uid) && isId(gid)) return ok({ pid, uid, gid });
  } catch {
    // Said below.
  }
  return unknownPeer('the kernel did not say');
}

function unknownPeer(why: string): Result<never> {
  return fail('permission.unknown-peer', `cannot tell who is calling: ${why}`);
}

/** Groups that a user is a member of, besides the one in its login, from the system's files. */
export function groupsOf(uid: number, files = { passwd: '/etc/passwd', group: '/etc/group' }): number[] {
  const user = rowsOf(files.passwd).find((row) => row[2] === String(uid));
  if (!user) return [];
  const member = rowsOf(files.group).filter((row) => row[3]?.split(',').includes(user[0] ?? ''));
  return [user[3], ...member.map((row) => row[2])].map(Number).filter(Number.isInteger);
}

/** Login name of a user; undefined when there is none. */
export function userName(uid: number, path = '/etc/passwd'): string | undefined {
  return rowsOf(path).find((row) => row[2] === String(uid))?.[0];
}

/** Number of a user by its name, or the number that the name is; undefined when there is none. */
export function userId(nameOrNumber: string, path = '/etc/passwd'): number | undefined {
  if (/^[0-9]{1,9}$/.test(nameOrNumber)) return Number(nameOrNumber);
  const row = rowsOf(path).find((one) => one[0] === nameOrNumber);
  return row?.[2] === undefined ? undefined : Number(row[2]);
}

function rowsOf(path: string): string[][] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}

/** Number of a group by its name; undefined when there is none. */
export function groupId(name: string, path = '/etc/group'): number | undefined {
  const row = rowsOf(path).find((one) => one[0] === name);
  return row?.[2] === undefined ? undefined : Number(row[2]);
}
