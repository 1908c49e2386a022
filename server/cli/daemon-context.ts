import type { ExitStatus } from '../core/failures.ts';
import type { HostPort } from '../core/host-port.ts';
import type { NodeId } from '../core/node-id.ts';
import type { Result } from '../core/result.ts';
import type { ConfigDesk, LoadedConfig } from '../settings/config-desk.ts';
import type { CliContext } from './context.ts';

/** What the verbs about the daemon are handed besides. */
export interface DaemonContext extends CliContext {
  /** Release of this program. */
  readonly version: string;
  /** Its file, to start it again in the background. */
  readonly programPath: string;
  /** Where the daemon is reached when no flag says. */
  readonly defaultSocketPath: string;
  /** Serves the pages. */
  readonly startWeb: (plan: WebPlan) => Promise<Result<StartedWeb>>;
  /** The certificate that the pages in this state directory show. */
  readonly webFingerprint: (stateDir: string) => Promise<Result<Fingerprint>>;
  readonly startDaemon: (options: StartOptions) => Promise<Result<StartedDaemon>>;
}

export interface StartOptions {
  readonly loaded: LoadedConfig;
  readonly desk: ConfigDesk;
  /** `--socket`. */
  readonly socketPath: string | undefined;
  /** `--engine-socket`: somebody else runs the engine there. */
  readonly engineSocket: string | undefined;
  /** Nobody reads standard error. */
  readonly isBackground: boolean;
}

/** A daemon that is up. */
export interface StartedDaemon {
  readonly nodeId: NodeId;
  readonly socketPath: string;
  /** Resolves when it has ended, by {@link stop} or because it was asked to. */
  readonly ended: Promise<ExitStatus>;
  stop(): Promise<void>;
}

/** Where the pages are served, and whom they ask. */
export interface WebPlan {
  readonly listen: readonly HostPort[];
  readonly hosts: readonly string[];
  readonly stateDir: string;
  readonly socketPath: string;
  readonly logLevel: string;
}

/** How a person recognises a certificate. */
export interface Fingerprint {
  readonly words: readonly string[];
  /** SHA-256, `9C:41:...`. */
  readonly fingerprint: string;
}

/** Pages that are served. */
export interface StartedWeb extends Fingerprint {
  readonly addresses: readonly HostPort[];
  close(): void;
}
