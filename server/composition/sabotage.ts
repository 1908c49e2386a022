import { systemClock } from '../adapters/system-clock.ts';
import { ok } from '../core/result.ts';
import type { World } from '../operations/world.ts';

/**
 * The world with mechanisms taken out that the lab watches, so that a scenario which passes anyway is
 * found out. For the lab only; the names come from QUICETHER_SABOTAGE, which the engine reads as well.
 */
export function sabotage(world: World, names: readonly string[]): World {
  const broken = (name: string, make: () => Partial<World>): Partial<World> => (names.includes(name) ? make() : {});
  return {
    ...world,
    ...broken('ignore-accept', () => ({ steering: instead(world.steering, 'accept', async () => ok(undefined)) })),
    ...broken('lying-probe', () => ({ health: instead(world.health, 'of', () => alwaysWorking()) })),
    ...broken('no-roles', () => ({ people: withoutRoles(world.people) })),
  };
}

/** The same object with one member replaced. */
function instead<T extends object, K extends keyof T>(whole: T, name: K, member: T[K]): T {
  return new Proxy(whole, {
    get: (target, key) => {
      if (key === name) return member;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function alwaysWorking(): ReturnType<World['health']['of']> {
  const nowMs = systemClock.nowMs();
  const nothing = { problem: undefined, remedy: undefined, sentBps: 0, receivedBps: 0, lossRatio: 0 };
  return { state: 'working', sinceMs: nowMs, rttMs: 1, lastGoodMs: nowMs, ...nothing };
}

/** Every token is an owner's. */
function withoutRoles(people: World['people']): World['people'] {
  const tokens = instead(people.tokens, 'find', (secret, source) => {
    const found = people.tokens.find(secret, source);
    return found.ok && found.value ? ok({ ...found.value, role: 'owner' as const }) : found;
  });
  return instead(people, 'tokens', tokens);
}
