import { expect, test } from 'vitest';
import type { AuditEvent } from '../audit/event.ts';
import { SimulatedClock } from '../core/clock.ts';
import { LOCAL_OWNER } from './actor.ts';
import { getAudit } from './get-audit.ts';
import { SimulatedAudit } from './simulated-audit.ts';
import { settle, simulateWorld } from './simulated-world.ts';

const event = (name: string): AuditEvent => ({
  event: name,
  who: 'anna',
  source: '',
  surface: 'page',
  outcome: 'done',
  detail: '',
});

/** An audit whose waits end with an event or with time. */
class WaitingAudit extends SimulatedAudit {
  readonly clock = new SimulatedClock();
  queries = 0;
  readonly #wakes = new Set<() => void>();

  override append(one: AuditEvent): void {
    super.append(one);
    for (const wake of this.#wakes) wake();
  }
  override query(...asked: Parameters<SimulatedAudit['query']>): ReturnType<SimulatedAudit['query']> {
    this.queries++;
    return super.query(...asked);
  }
  override wait(_?: number, timeoutMs = 0): Promise<void> {
    return new Promise((resolve) => {
      this.#wakes.add(resolve);
      this.clock.setTimer(timeoutMs, resolve);
    });
  }
}

function asking(params: object) {
  const audit = new WaitingAudit();
  const world = { ...simulateWorld().world, audit, clock: audit.clock };
  let answered: { events: readonly unknown[] } | undefined;
  void getAudit.run(getAudit.input.parse(params), world, LOCAL_OWNER).then((result) => {
    if (result.ok) answered = result.value;
  });
  return { audit, answer: () => answered };
}

test('whoever waits gets what he looks for as soon as it happens, and not what he does not', async () => {
  const { audit, answer } = asking({ event: 'peer', wait_ms: 10_000 });
  await settle();
  audit.append(event('people.sign-in'));
  await settle();
  expect(answer()).toBeUndefined();
  audit.append(event('peer.up'));
  await settle();
  expect(answer()).toMatchObject({ events: [{ seq: 2, event: 'peer.up' }], next_before: null });
  expect(audit.queries).toBe(3);
});

test('nothing happens: an empty answer when the time is over, without asking again and again', async () => {
  const { audit, answer } = asking({ wait_ms: 10_000 });
  await settle();
  expect(answer()).toBeUndefined();
  audit.clock.advance(10_000);
  await settle();
  expect(answer()).toEqual({ events: [], next_before: null });
  expect(audit.queries).toBe(1);
});
