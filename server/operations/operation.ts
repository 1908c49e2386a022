import type * as z from 'zod';
import type { Result } from '../core/result.ts';
import type { World } from './world.ts';

/** Where an operation can be reached from. */
export const SURFACES = ['rpc', 'cli', 'rest', 'page'] as const;
export type Surface = (typeof SURFACES)[number];

/** Rising rights; a role may do what the ones before it may. */
export const ROLES = ['viewer', 'operator', 'admin', 'owner'] as const;
export type Role = (typeof ROLES)[number];

/** One thing that can be done with a box, declared once for all surfaces. */
export interface Operation<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  /** `domain.what`, as in the audit: `peer.accept`. */
  readonly name: string;
  /** Its JSON-RPC method: `AcceptPeer`. */
  readonly method: string;
  /** What it is for, in one sentence; the reference is made of these. */
  readonly summary: string;
  readonly role: Role;
  readonly input: Input;
  readonly output: Output;
  /** What the audit says of it; null for what only reads. */
  readonly audit: ((input: z.output<Input>) => string) | null;
  /** Surfaces that do not have it, each with the reason. */
  readonly omitted: Readonly<Partial<Record<Surface, string>>>;
  run(input: z.output<Input>, world: World): Promise<Result<z.output<Output>>>;
}

/** Reason for surfaces that this release does not have at all. */
export const NOT_BUILT_YET = { rest: 'not built yet', page: 'not built yet' } as const;

/** Keeps the types of one declaration together. */
export function operation<const Method extends string, Input extends z.ZodType, Output extends z.ZodType>(
  declared: Operation<Input, Output> & { readonly method: Method },
): Operation<Input, Output> & { readonly method: Method } {
  return declared;
}
