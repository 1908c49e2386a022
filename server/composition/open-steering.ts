import { join } from 'node:path';
import type { EngineSupervisor } from '../adapters/engine-supervisor.ts';
import { openLearnedStore, openPeerStore } from '../adapters/peer-store.ts';
import { resolveName } from '../adapters/resolver.ts';
import { openSoughtStore } from '../adapters/sought-store.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { parseNodeId } from '../core/node-id.ts';
import { ok, type Result } from '../core/result.ts';
import { overlayAddresses } from '../identity/overlay-address.ts';
import { readIntent } from '../operations/read-intent.ts';
import { Steer } from '../operations/steer.ts';
import type { SteerOptions } from '../operations/steer-options.ts';
import type { Intent } from '../routing/intent.ts';
import { isInForce, type ListenState } from '../settings/confirmed-listen.ts';
import type { Settings } from '../settings/settings.ts';
import { readListenState } from './open-trials.ts';
import type { Undo } from './undo.ts';

interface SteeringParts {
  readonly settings: Settings;
  readonly supervisor: EngineSupervisor;
  readonly log: SteerOptions['log'];
  readonly undo: Undo;
}

/** Tells the engine what is wanted: settings, and what people accepted and added since. */
export async function openSteering({
  settings,
  supervisor,
  log,
  undo,
}: SteeringParts): Promise<Result<{ steering: Steer; intent: Intent; found: ListenState }>> {
  const { stateDir } = settings.node;
  const peerStore = openPeerStore(join(stateDir, 'peers.json'));
  const accepted = peerStore.read();
  if (!accepted.ok) return accepted;
  const soughtStore = openSoughtStore(join(stateDir, 'sought.json'));
  const sought = soughtStore.read();
  if (!sought.ok) return sought;
  const nodeId = parseNodeId(supervisor.hello?.node_id ?? '');
  if (!nodeId.ok) return nodeId;
  const intent = readIntent(nodeId.value, settings);
  const found = readListenState(stateDir, log);
  const listen = found.confirmed && isInForce(found.confirmed, intent.listen) ? found.confirmed.addresses : undefined;
  const options: SteerOptions = {
    clock: systemClock,
    engine: supervisor,
    intent,
    accepted: accepted.value,
    peerStore,
    sought: sought.value,
    soughtStore,
    learnedStore: openLearnedStore(join(stateDir, 'learned.json'), (message) => log.warn({}, message)),
    resolve: resolveName,
    derive: overlayAddresses,
    log,
  };
  const steered = await start({ ...options, listen }, undo);
  if (steered.ok || !listen) return steered.ok ? ok({ steering: steered.value, intent, found }) : steered;
  // An address that this box has lost must not keep the tunnel down.
  log.warn(steered.error, 'the confirmed listen addresses cannot be used: those of the configuration are');
  const configured = await start(options, undo);
  const without = { ...found, confirmed: undefined };
  return configured.ok ? ok({ steering: configured.value, intent, found: without }) : configured;
}

async function start(options: SteerOptions, undo: Undo): Promise<Result<Steer>> {
  const steering = new Steer(options);
  const started = await steering.start();
  if (!started.ok) {
    steering.stop();
    return started;
  }
  undo.add(() => steering.stop());
  return ok(steering);
}
