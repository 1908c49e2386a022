import type * as z from 'zod';
import type { OPERATIONS } from '../operations/all.ts';

type Declared = (typeof OPERATIONS)[number];

/** Every method of the daemon. */
export type MethodName = Declared['method'];

type Of<M extends MethodName> = Extract<Declared, { readonly method: M }>;

/** What a caller sends; what has a default may be left out. */
export type ParamsOf<M extends MethodName> = z.input<Of<M>['input']>;

/** What the daemon answers. */
export type ResultOf<M extends MethodName> = z.output<Of<M>['output']>;
