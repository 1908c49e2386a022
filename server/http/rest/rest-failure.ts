import type { Failure } from '../../core/result.ts';

/** Which part of a request is meant. */
export interface RequestPlace {
  readonly in: 'path' | 'query' | 'header' | 'body';
  /** `limit`, `/addresses/0`, `If-Match`. */
  readonly field: string;
}

/** A failure that may lie in the request itself. */
export interface RestFailure extends Omit<Failure, 'where'> {
  readonly where?: Failure['where'] | RequestPlace;
}

/** A value, or what is wrong with the request. */
export type RestResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: RestFailure };

/** A failed result that names the part of the request. */
export function refuse(
  code: string,
  message: string,
  more: Pick<RestFailure, 'where' | 'remedy'> = {},
): { readonly ok: false; readonly error: RestFailure } {
  return { ok: false, error: { code, message, ...more } };
}
