import { systemClock } from '../adapters/system-clock.ts';
import { OfficeWatch } from '../operations/watch-offices.ts';
import type { EnginePort, Steering } from '../operations/world.ts';
import type { Undo } from './undo.ts';

/** Begins to probe the offices. */
export function openHealth(steering: Steering, engine: EnginePort, undo: Undo): OfficeWatch {
  const health = new OfficeWatch({ clock: systemClock, steering, lastGood: () => undefined, onSample: () => {} });
  engine.onEvent(({ kind }) => {
    if (kind === 'peer_up' || kind === 'peer_down') health.lookSoon();
  });
  undo.add(() => health.stop());
  health.start();
  return health;
}
