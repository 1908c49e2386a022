import * as z from 'zod';
import { surfaceOf } from '../core/failures.ts';
import { type Failure, failWith, ok, type Result } from '../core/result.ts';

/** Version of the conversation; methods and fields are only ever added under one number. */
export const RPC_PROTOCOL = 1;
/** Longest line a client may send. */
export const MAX_REQUEST_BYTES = 1 << 20;
/** Longest line the daemon sends: the peers of a full gateway (10,000) fit. */
export const MAX_RESPONSE_BYTES = 16 << 20;
/** The first call on a connection; anything else before it is refused. */
export const HELLO = 'Hello';

export type CallId = string | number;

/** One call as it came off the wire; `params` are not checked yet. */
export interface RpcCall {
  readonly id: CallId;
  readonly method: string;
  readonly params: unknown;
  /** Whom a front passes the call on for; only on a connection that is a front. */
  readonly onBehalf?: OnBehalf | undefined;
}

/** On the wire: `on_behalf` beside `params`. Of session and token at most one. */
const OnBehalfShape = z
  .strictObject({
    session: z.string().min(1).max(128).optional(),
    token: z.string().min(1).max(128).optional(),
    /** Address as the front saw it. */
    source: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[\x21-\x7e]+$/, 'is an address'),
    surface: z.enum(['page', 'rest']),
    /** REST repeats a call under the same key without it being done twice. */
    idempotency_key: z
      .string()
      .regex(/^[\x21-\x7e]{1,128}$/, 'is 1 to 128 visible characters of ASCII')
      .optional(),
    /** Asked by a page by itself and not by a person: does not keep the session from going idle. */
    is_background: z.boolean().optional(),
  })
  .refine((one) => one.session === undefined || one.token === undefined, 'has a session or a token, not both');
export type OnBehalf = z.output<typeof OnBehalfShape>;

/** A call that cannot be carried out, with the id to answer under when it had one. */
export interface BadCall {
  readonly id: CallId | null;
  readonly failure: Failure;
}

/** What the daemon says to {@link HELLO}. */
export interface HelloAnswer {
  readonly protocol: number;
  readonly version: string;
  readonly methods: readonly string[];
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads one line of a client. */
export function decodeCall(line: Uint8Array): Result<RpcCall, BadCall> {
  const bad = (code: string, message: string, id: CallId | null = null): Result<RpcCall, BadCall> =>
    failWith({ id, failure: { code, message } });
  let value: unknown;
  try {
    value = JSON.parse(strictUtf8.decode(line));
  } catch {
    return bad('rpc.parse', 'the line is not JSON in UTF-8');
  }
  if (Array.isArray(value)) return bad('rpc.bad-request', 'batches are not supported: send one call a line');
  if (typeof value !== 'object' || value === null) return bad('rpc.bad-request', 'a call is a JSON object');
  const { jsonrpc, id, method, params, on_behalf } = value as Record<string, unknown>;
  const isId = (typeof id === 'string' && id.length <= 64) || (typeof id === 'number' && Number.isFinite(id));
  if (!isId) return bad('rpc.bad-request', 'a call has an "id", a number or a string of at most 64 characters');
  if (jsonrpc !== '2.0') return bad('rpc.bad-request', '"jsonrpc" must be "2.0"', id);
  if (typeof method !== 'string') return bad('rpc.bad-request', '"method" must be a string', id);
  if (on_behalf === undefined) return ok({ id, method, params: params ?? {} });
  const onBehalf = OnBehalfShape.safeParse(on_behalf);
  if (onBehalf.success) return ok({ id, method, params: params ?? {}, onBehalf: onBehalf.data });
  const [issue] = onBehalf.error.issues;
  return bad('rpc.bad-request', `"on_behalf" ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`, id);
}

/** The line that answers a call; newline included. */
export function encodeAnswer(id: CallId, result: unknown): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`;
}

/** The line that says why a call was not carried out; `data.code` is the stable part. */
export function encodeFailure(id: CallId | null, failure: Failure): string {
  const { code, message, where, remedy } = failure;
  const error = { code: surfaceOf(code).rpc, message, data: { code, where, remedy } };
  return `${JSON.stringify({ jsonrpc: '2.0', id, error })}\n`;
}

/** A client's line for a call; newline included. */
export function encodeCall({ onBehalf, ...call }: RpcCall): string {
  return `${JSON.stringify({ jsonrpc: '2.0', ...call, on_behalf: onBehalf })}\n`;
}

/** Reads the daemon's line: the id and what came of the call, or undefined for what is no answer. */
export function decodeAnswer(line: Uint8Array): { id: CallId | null; result: Result<unknown> } | undefined {
  try {
    const { id, result, error } = JSON.parse(strictUtf8.decode(line)) as Record<string, unknown>;
    if (id !== null && typeof id !== 'string' && typeof id !== 'number') return undefined;
    return { id, result: error === undefined ? ok(result) : failWith(decodeFailure(error)) };
  } catch {
    return undefined;
  }
}

function decodeFailure(error: unknown): Failure {
  const { message, data } = (error ?? {}) as { message?: unknown; data?: Partial<Failure> };
  return {
    code: typeof data?.code === 'string' ? data.code : 'rpc.internal',
    message: typeof message === 'string' ? message : 'the daemon failed without saying why',
    ...(data?.where ? { where: data.where } : {}),
    ...(typeof data?.remedy === 'string' ? { remedy: data.remedy } : {}),
  };
}
