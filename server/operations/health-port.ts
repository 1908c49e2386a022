import type { NodeId } from '../core/node-id.ts';
import type { OfficeState } from '../lines/office-state.ts';

/** How one office is, as last decided. */
export interface OfficeHealth {
  readonly state: OfficeState;
  /** Wall clock, when it became so. */
  readonly sinceMs: number;
  /** Round trip through the tunnel to its engine and back. */
  readonly rttMs: number | undefined;
  /** Wall clock of the last answer, also of an earlier run. */
  readonly lastGoodMs: number | undefined;
  readonly problem: string | undefined;
  readonly remedy: string | undefined;
  /** Somebody there has to accept this box; nothing is wrong. */
  readonly isWaiting?: boolean;
  readonly sentBps: number | undefined;
  readonly receivedBps: number | undefined;
  /** Of the outer packets sent in about the last half minute; undefined while there are too few to say. */
  readonly lossRatio: number | undefined;
}

/** One measurement, for the history. */
export interface HealthSample {
  readonly rttMs: number | undefined;
  readonly sentBps: number | undefined;
  readonly receivedBps: number | undefined;
  readonly lossRatio: number | undefined;
}

/** "Is it working?", answered from probes. */
export interface HealthPort {
  /** Wall clock of the last look; undefined before the first. */
  readonly checkedMs: number | undefined;
  /** Interfaces that offices were last reached over. */
  readonly usedLines?: readonly string[];
  of(nodeId: NodeId): OfficeHealth | undefined;
  /** The same for one path. */
  pathLoss(nodeId: NodeId, path: { readonly local: string; readonly remote: string }): number | undefined;
}
