import type * as z from 'zod';
import type { Result } from '../core/result.ts';
import type { Actor, Right } from './actor.ts';
import type { World } from './world.ts';

/** Where an operation can be reached from. */
export const SURFACES = ['rpc', 'cli', 'rest', 'page'] as const;
export type Surface = (typeof SURFACES)[number];

/** Where REST has an operation, below `/api/v1`; what stands in braces is a field of the input. */
export interface RestRoute {
  readonly verb: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `/peers/{node_id}/accept` */
  readonly path: string;
}

/** One thing that can be done with a box, declared once for all surfaces. */
export interface Operation<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  /** `domain.what`, as in the audit: `peer.accept`. */
  readonly name: string;
  /** Its JSON-RPC method: `AcceptPeer`. */
  readonly method: string;
  /** What it is for, in one sentence; the reference is made of these. */
  readonly summary: string;
  /** Who may; `anyone` is for what comes before signing in. */
  readonly role: Right;
  /** A person has to have given the password within the last minutes; a token never may. */
  readonly needsPassword?: boolean;
  /** Only for a Unix user at the socket, whatever session or token a front has. */
  readonly onlyLocal?: boolean;
  /** Answered even to somebody who has yet to set up the second factor that the box asks for. */
  readonly beforeSecondFactor?: boolean;
  readonly input: Input;
  readonly output: Output;
  /** What the audit says of it; null for what only reads, nothing for a part of what was said before. Never a secret. */
  readonly audit: ((input: z.output<Input>, world: World) => string | undefined) | null;
  /** What else the audit says once it is done: who it turned out to be that asked, and how far it went. */
  auditDone?(output: z.output<Output>): { readonly who?: string; readonly note?: string };
  /** Left out when {@link omitted} says why there is none. */
  readonly rest?: RestRoute;
  /** Surfaces that do not have it, each with the reason. */
  readonly omitted: Readonly<Partial<Record<Surface, string>>>;
  run(input: z.output<Input>, world: World, actor: Actor): Promise<Result<z.output<Output>>>;
}

/** Keeps the types of one declaration together. */
export function operation<const Method extends string, Input extends z.ZodType, Output extends z.ZodType>(
  declared: Operation<Input, Output> & { readonly method: Method },
): Operation<Input, Output> & { readonly method: Method } {
  return declared;
}
