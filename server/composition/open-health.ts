import type { Database } from '../adapters/database.ts';
import { openHistoryStore } from '../adapters/history-store.ts';
import { systemClock } from '../adapters/system-clock.ts';
import type { Result } from '../core/result.ts';
import { HistoryBook, type HistoryStore } from '../lines/history-book.ts';
import { OfficeWatch } from '../operations/watch-offices.ts';
import type { EnginePort, Steering } from '../operations/world.ts';
import type { Undo } from './undo.ts';

const FLUSH_MS = 60_000;

interface HealthParts {
  readonly steering: Steering;
  readonly engine: EnginePort;
  readonly database: Result<Database>;
  readonly log: { warn(fields: object, text: string): void };
  readonly undo: Undo;
}

/** Begins to probe the offices and to remember how they were. */
export function openHealth({ steering, engine, database, log, undo }: HealthParts) {
  const store = database.ok ? openHistoryStore(database.value) : closedStore(database);
  const history = new HistoryBook(systemClock, store, (message) => log.warn({}, message));
  const health = new OfficeWatch({
    clock: systemClock,
    steering,
    lastGood: (nodeId) => history.lastGood(nodeId),
    onSample: (subject, { rttMs, sentBps, receivedBps, lossRatio }) =>
      history.record(subject, { rtt_ms: rttMs, sent_bps: sentBps, received_bps: receivedBps, loss_ratio: lossRatio }),
  });
  engine.onEvent(({ kind }) => {
    if (kind === 'peer_up' || kind === 'peer_down') health.lookSoon();
  });
  const flush = (): void => {
    history.flush();
    cancel = systemClock.setTimer(FLUSH_MS, flush);
  };
  let cancel = systemClock.setTimer(FLUSH_MS, flush);
  undo.add(() => {
    cancel();
    health.stop();
    history.flush(true);
  });
  health.start();
  return { health, history };
}

/** Without a database there are the last minutes, in memory. */
function closedStore(why: Result<never> | Result<Database>): HistoryStore {
  const closed = why as Result<never>;
  return { write: () => closed, read: () => closed, lastGood: () => closed };
}
