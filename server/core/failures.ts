import type { Failure } from './result.ts';

/** Exit statuses of the program; `restart` is for the unit that starts the daemon again. */
export const EXIT = { ok: 0, error: 1, usage: 2, daemonNotReachable: 3, permission: 4, restart: 75 } as const;
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

interface Surface {
  readonly exit: ExitStatus;
  /** JSON-RPC 2.0 error code; ours lie in -32000..-32099, which the standard leaves to servers. */
  readonly rpc: number;
  /** HTTP status. */
  readonly http: number;
}

/** What is well asked and still not possible as things are. */
const PLAIN: Surface = { exit: EXIT.error, rpc: -32000, http: 409 };

/** What a code, or all codes of its domain (`settings.*`), looks like from outside. */
const SURFACES: Readonly<Record<string, Surface>> = {
  'usage.*': { exit: EXIT.usage, rpc: -32602, http: 400 },
  'rpc.parse': { exit: EXIT.error, rpc: -32700, http: 400 },
  'rpc.bad-request': { exit: EXIT.error, rpc: -32600, http: 400 },
  'rpc.unknown-method': { exit: EXIT.error, rpc: -32601, http: 404 },
  'rpc.bad-params': { exit: EXIT.usage, rpc: -32602, http: 422 },
  'rpc.internal': { exit: EXIT.error, rpc: -32603, http: 500 },
  'rpc.too-long': { exit: EXIT.error, rpc: -32001, http: 500 },
  'rpc.busy': { exit: EXIT.error, rpc: -32000, http: 503 },
  'rpc.timeout': { exit: EXIT.error, rpc: -32000, http: 504 },
  'rpc.version': { exit: EXIT.error, rpc: -32002, http: 503 },
  'database.*': { exit: EXIT.error, rpc: -32000, http: 503 },
  'daemon.not-reachable': { exit: EXIT.daemonNotReachable, rpc: -32003, http: 503 },
  'permission.signed-out': { exit: EXIT.permission, rpc: -32004, http: 401 },
  'permission.*': { exit: EXIT.permission, rpc: -32004, http: 403 },
  'engine.permission': { exit: EXIT.permission, rpc: -32004, http: 503 },
  'engine.*': { exit: EXIT.error, rpc: -32005, http: 503 },
  'state.full': { exit: EXIT.error, rpc: -32000, http: 507 },
  'state.*': { exit: EXIT.error, rpc: -32000, http: 500 },
  'settings.*': { exit: EXIT.error, rpc: -32006, http: 422 },
  'node-id.*': { exit: EXIT.error, rpc: -32602, http: 422 },
  'ip.*': { exit: EXIT.error, rpc: -32602, http: 422 },
  'web.bad-form': { exit: EXIT.error, rpc: -32000, http: 400 },
  'web.forged': { exit: EXIT.error, rpc: -32000, http: 403 },
  'web.not-found': { exit: EXIT.error, rpc: -32000, http: 404 },
  'web.too-large': { exit: EXIT.error, rpc: -32000, http: 413 },
  'system.not-an-appliance': { exit: EXIT.error, rpc: -32009, http: 501 },
  'system.unknown-upload': { exit: EXIT.error, rpc: -32009, http: 404 },
  'system.too-large': { exit: EXIT.error, rpc: -32009, http: 413 },
  'system.offset': { exit: EXIT.error, rpc: -32009, http: 409 },
  'system.busy': { exit: EXIT.error, rpc: -32009, http: 503 },
  'system.not-supervised': { exit: EXIT.error, rpc: -32009, http: 409 },
  'system.not-reachable': { exit: EXIT.error, rpc: -32009, http: 503 },
  'system.timeout': { exit: EXIT.error, rpc: -32009, http: 504 },
  'system.io': { exit: EXIT.error, rpc: -32009, http: 500 },
  'system.presence': { exit: EXIT.permission, rpc: -32004, http: 403 },
  'system.*': { exit: EXIT.error, rpc: -32009, http: 422 },
  'peer.unknown': { exit: EXIT.error, rpc: -32007, http: 404 },
  'peer.address': { exit: EXIT.error, rpc: -32602, http: 422 },
  'listen.address': { exit: EXIT.error, rpc: -32602, http: 422 },
  'peer.*': { exit: EXIT.error, rpc: -32008, http: 409 },
  'people.throttled': { exit: EXIT.error, rpc: -32000, http: 429 },
  'people.busy': { exit: EXIT.error, rpc: -32000, http: 503 },
  'people.wrong-credentials': { exit: EXIT.error, rpc: -32000, http: 403 },
  'people.wrong-password': { exit: EXIT.error, rpc: -32000, http: 403 },
  'people.wrong-code': { exit: EXIT.error, rpc: -32000, http: 403 },
  'people.wrong-claim-code': { exit: EXIT.error, rpc: -32000, http: 403 },
  'people.ticket': { exit: EXIT.error, rpc: -32000, http: 403 },
  'people.not-a-person': { exit: EXIT.error, rpc: -32000, http: 403 },
  'people.unknown-user': { exit: EXIT.error, rpc: -32000, http: 404 },
  'people.unknown-token': { exit: EXIT.error, rpc: -32000, http: 404 },
  'people.unknown-session': { exit: EXIT.error, rpc: -32000, http: 404 },
  'people.needs-code': { exit: EXIT.error, rpc: -32000, http: 422 },
  'people.weak-password': { exit: EXIT.error, rpc: -32000, http: 422 },
  'people.user-name': { exit: EXIT.error, rpc: -32000, http: 422 },
  'people.token-name': { exit: EXIT.error, rpc: -32000, http: 422 },
  'idempotency.other-request': { exit: EXIT.error, rpc: -32602, http: 422 },
  'idempotency.anonymous': { exit: EXIT.usage, rpc: -32602, http: 400 },
  'rest.unknown': { exit: EXIT.error, rpc: -32000, http: 404 },
  'rest.unknown-path': { exit: EXIT.error, rpc: -32000, http: 404 },
  'rest.cross-site': { exit: EXIT.permission, rpc: -32004, http: 403 },
  'rest.method': { exit: EXIT.usage, rpc: -32602, http: 405 },
  'rest.changed': { exit: EXIT.error, rpc: -32000, http: 412 },
  'rest.too-large': { exit: EXIT.usage, rpc: -32602, http: 413 },
  'rest.media-type': { exit: EXIT.usage, rpc: -32602, http: 415 },
  'rest.value': { exit: EXIT.usage, rpc: -32602, http: 422 },
  'rest.unknown-field': { exit: EXIT.usage, rpc: -32602, http: 422 },
  'rest.if-match-needed': { exit: EXIT.usage, rpc: -32602, http: 428 },
  'rest.too-many': { exit: EXIT.error, rpc: -32000, http: 429 },
  'rest.*': { exit: EXIT.usage, rpc: -32602, http: 400 },
};

/** Exit status, JSON-RPC code and HTTP status of a failure; an unlisted code is a plain error. */
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
