import * as z from 'zod';
import { formatHostPort } from '../core/host-port.ts';
import { fail, ok } from '../core/result.ts';
import { isThroughTunnel, MAX_LISTEN, missingListen, parseListen } from './listen-plan.ts';
import { operation } from './operation.ts';
import { TrialView, viewTrial } from './trial-view.ts';

/** Until it is undone, and for whoever comes through the tunnel and has to come back first. */
const TRIAL_MS = 60_000;
const TRIAL_THROUGH_TUNNEL_MS = 180_000;

/** Changes where the tunnel listens, for a minute; for good when the same person confirms. */
export const tryListen = operation({
  name: 'listen.try',
  method: 'TryListen',
  summary: 'Changes where the tunnel listens; undone by itself unless the same person confirms in time.',
  role: 'admin',
  needsPassword: true,
  input: z.object({ addresses: z.array(z.string().min(1).max(300)).min(1).max(MAX_LISTEN) }),
  output: TrialView,
  audit: ({ addresses }) => `tries to listen on ${addresses.join(', ')}`,
  rest: { verb: 'POST', path: '/trial/listen' },
  omitted: {},

  async run({ addresses }, world, actor) {
    const wanted = parseListen(addresses);
    if (!wanted.ok) return wanted;
    const before = await world.steering.snapshot();
    if (!before.ok) return before;
    if (
      missingListen(wanted.value, before.value.listen).length === 0 &&
      before.value.listen.length === wanted.value.length
    ) {
      return fail('listen.same', `the tunnel listens on ${addresses.join(', ')} already`, {
        remedy: 'nothing has to be done',
      });
    }
    const routes = before.value.routes.map(({ destination }) => destination);
    const durationMs = isThroughTunnel(actor.source, routes) ? TRIAL_THROUGH_TUNNEL_MS : TRIAL_MS;
    const trial = await world.trials.begin(wanted.value, actor, durationMs);
    if (!trial.ok) return trial;
    // The engine leaves out a socket of a family that the machine lacks; who asks for one by name wants it.
    const after = await world.steering.snapshot();
    const [missing] = after.ok ? missingListen(wanted.value, after.value.listen) : [];
    if (missing) {
      await world.trials.revert(trial.value.trialId, actor);
      return fail(
        'listen.address',
        `addresses: "${formatHostPort(missing)}" cannot be used: this box has no such address`,
        {
          remedy: 'give an address of this box; nothing was changed',
        },
      );
    }
    return ok(viewTrial(trial.value, actor));
  },
});
