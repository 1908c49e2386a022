import type { ExitStatus } from '../core/failures.ts';
import type { KeyTool } from '../identity/key-tool.ts';
import type { ConfigDesk } from '../settings/config-desk.ts';

/** What a command may touch of the process it runs in; tests hand in their own. */
export interface CliContext {
  /** Writes one line (or several) to standard output; the newline is added. */
  readonly out: (text: string) => void;
  /** The same to standard error. */
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether standard output is a terminal. */
  readonly isTty: boolean;
  /** Sets the status that the process ends with; returns, never throws. The highest one set counts. */
  readonly exit: (status: ExitStatus) => void;
  /** Reading and checking configuration: `openConfigDesk({ files: configFiles, env, hostName })`. */
  readonly config: ConfigDesk;
  /** The node key, through the engine's program: `keyTool(env, programPath)`. */
  readonly keys: KeyTool;
}
