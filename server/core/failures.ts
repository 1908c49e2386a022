import type { Failure } from './result.ts';

/** Exit statuses of the program. */
export const EXIT = { ok: 0, error: 1, usage: 2, daemonNotReachable: 3, permission: 4 } as const;
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

interface Surface {
  readonly exit: ExitStatus;
  /** JSON-RPC 2.0 error code; ours lie in -32000..-32099, which the standard leaves to servers. */
  readonly rpc: number;
}

const PLAIN: Surface = { exit: EXIT.error, rpc: -32000 };

/** What a code, or all codes of its domain (`settings.*`), looks like from outside. */
const SURFACES: Readonly<Record<string, Surface>> = {
  'usage.*': { exit: EXIT.usage, rpc: -32602 },
  'rpc.parse': { exit: EXIT.error, rpc: -32700 },
  'rpc.bad-request': { exit: EXIT.error, rpc: -32600 },
  'rpc.unknown-method': { exit: EXIT.error, rpc: -32601 },
  'rpc.bad-params': { exit: EXIT.usage, rpc: -32602 },
  'rpc.internal': { exit: EXIT.error, rpc: -32603 },
  'rpc.too-long': { exit: EXIT.error, rpc: -32001 },
  'rpc.version': { exit: EXIT.error, rpc: -32002 },
  'daemon.not-reachable': { exit: EXIT.daemonNotReachable, rpc: -32003 },
  'permission.*': { exit: EXIT.permission, rpc: -32004 },
  'engine.permission': { exit: EXIT.permission, rpc: -32004 },
  'engine.*': { exit: EXIT.error, rpc: -32005 },
  'settings.*': { exit: EXIT.error, rpc: -32006 },
  'node-id.*': { exit: EXIT.error, rpc: -32602 },
  'ip.*': { exit: EXIT.error, rpc: -32602 },
  'peer.unknown': { exit: EXIT.error, rpc: -32007 },
  'peer.*': { exit: EXIT.error, rpc: -32008 },
};

/** Exit status and JSON-RPC code of a failure; an unlisted code is a plain error. */
export function surfaceOf(code: string): Surface {
  const domain = `${code.slice(0, code.indexOf('.'))}.*`;
  return SURFACES[code] ?? SURFACES[domain] ?? PLAIN;
}

/** The line people see: place first, as compilers print it, so that editors can jump there. */
export function failureLine(failure: Failure): string {
  const { where, message, remedy } = failure;
  const place = where ? `${where.file}:${where.line}:${where.column}: ` : '';
  return `${place}${message}${remedy ? ` (${remedy})` : ''}`;
}
