/** Where in a text a problem is; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** An expected failure: a stable code for programs, one sentence for people. */
export interface Failure {
  /** `domain.what`, stable: `settings.unknown-key`. */
  readonly code: string;
  /** Place, value and what is wrong with it, in one sentence. */
  readonly message: string;
  readonly where?: Place;
  /** What to do about it, when the message does not say. */
  readonly remedy?: string;
}

/** A value, or why there is none. */
export type Result<T, E = Failure> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** A failure with code and sentence; `more` adds place and remedy. */
export function fail(
  code: string,
  message: string,
  more: Pick<Failure, 'where' | 'remedy'> = {},
): { readonly ok: false; readonly error: Failure } {
  return { ok: false, error: { code, message, ...more } };
}

/** A failed result of any error type; {@link fail} is the short form for a {@link Failure}. */
export function failWith<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}
