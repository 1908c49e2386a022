import { failureLine, surfaceOf } from '../core/failures.ts';
import type { Failure } from '../core/result.ts';
import type { CliContext } from './context.ts';

export interface JsonFlag {
  readonly json?: boolean;
}

/** Prints failures (to standard error, as JSON to standard output) and sets the exit status. */
export function reportFailures(context: CliContext, failures: readonly Failure[], { json }: JsonFlag): void {
  if (json) {
    context.out(JSON.stringify({ errors: failures.map(plainFailure) }, null, 2));
  } else {
    for (const failure of failures) context.err(failureLine(failure));
  }
  for (const failure of failures) context.exit(surfaceOf(failure.code).exit);
}

/** A failure as JSON shows it: code, message, and file, line, column and remedy when there are. */
export function plainFailure({ code, message, where, remedy }: Failure): Record<string, unknown> {
  return { code, message, ...where, ...(remedy === undefined ? {} : { remedy }) };
}
