import type { Failure, Result } from '../core/result.ts';

/** What needs root on the appliance: `quicether-system` as operations see it. */
export interface SystemPort {
  state(): Promise<Result<SystemState>>;
  /** Installs the staged bundle; `report` is told how far it is, from the moment it is accepted. */
  install(report: (progress: InstallProgress) => void): Promise<Result<{ readonly version: string }>>;
  reboot(): Promise<Result<void>>;
  /** Without a code one is shown on the box's screen, and the call fails with `system.presence`. */
  reset(code: string | undefined): Promise<Result<void>>;
  setSsh(on: boolean, authorizedKeys: readonly string[] | undefined): Promise<Result<void>>;
}

export interface SystemState {
  readonly version: string;
  readonly slots: readonly SystemSlot[];
  readonly isSshOn: boolean;
  /** A bundle is being installed, whoever asked for it. */
  readonly isUpdating: boolean;
}

export interface SystemSlot {
  readonly slot: 'a' | 'b';
  readonly version: string | undefined;
  readonly state: 'running' | 'idle' | 'trial' | 'failed';
}

export interface InstallProgress {
  readonly step: 'checking' | 'writing' | 'ready';
  readonly percent: number;
  readonly version: string;
}

/** The file that a bundle is collected in; `quicether-system` reads it there. */
export interface StagingFile {
  /** Makes it anew and empty; fails when the disk has no room for `sizeBytes`. */
  begin(sizeBytes: number): Promise<Result<void>>;
  append(bytes: Uint8Array): Promise<Result<void>>;
  /** Nothing more comes; whoever opens it now finds all of it. */
  finish(): Promise<Result<void>>;
  remove(): Promise<void>;
}

/** How far an update is. */
export interface UpdateView {
  readonly state: 'none' | 'receiving' | 'checking' | 'writing' | 'ready' | 'failed';
  readonly percent: number;
  readonly version: string | undefined;
  readonly failure: Failure | undefined;
}
