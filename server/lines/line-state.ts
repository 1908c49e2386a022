import type { OfficeState } from './office-state.ts';

/** A path that nothing was heard on for longer is suspect: the engine keeps a quiet one alive every 5 s. */
export const SUSPECT_MS = 6_000;
const DEGRADED_LOSS = 0.05;

/** One path to an office over a line. */
export interface LinePath {
  readonly silentMs: number;
  /** Of the packets sent lately; undefined when none were. */
  readonly lossRatio: number | undefined;
  readonly office: string;
}

/** A line as the system has it. */
export interface LineFacts {
  readonly isLinkUp: boolean | undefined;
  readonly paths: readonly LinePath[];
}

/** Whether a line works: it does when something came over it lately; without traffic nobody knows. */
export function decideLine({ isLinkUp, paths }: LineFacts): OfficeState {
  if (isLinkUp === false) return 'failed';
  if (paths.length === 0) return 'unknown';
  const heard = paths.filter((path) => path.silentMs < SUSPECT_MS);
  // One silent office may have its own line cut; when all are silent it is ours.
  if (heard.length === 0) return new Set(paths.map(({ office }) => office)).size > 1 ? 'failed' : 'unknown';
  if (heard.some((path) => path.lossRatio !== undefined && path.lossRatio >= DEGRADED_LOSS)) return 'degraded';
  return heard.length < paths.length / 2 ? 'degraded' : 'working';
}
