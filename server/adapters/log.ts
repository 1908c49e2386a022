import { pino } from 'pino';

/** What the daemon logs with; `fields` first, as pino has it. */
export interface Log {
  trace(fields: object, text: string): void;
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
  fatal(fields: object, text: string): void;
}

/** A log of JSON lines: `{"level":"info","time":"2026-11-22T21:00:00.000Z",...,"msg":"..."}`. */
export function createLog(level: string, destination: { write(line: string): void }): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Nothing that is logged should hold one; this is for the day somebody adds it by mistake.
      redact: { paths: ['key', 'secret', 'password', 'token', '*.key', '*.secret', '*.password', '*.token'] },
    },
    destination,
  );
}
