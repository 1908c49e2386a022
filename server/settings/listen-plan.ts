import { type HostPort, parseHostPort } from '../core/host-port.ts';
import type { Settings } from './settings.ts';

/** Which addresses the tunnel's sockets take, and whether strangers get an answer there. */
export interface ListenPlan {
  readonly addresses: readonly HostPort[];
  readonly answerStrangers: boolean;
}

/** `discovery.listen` answers strangers; without it every address is used, silently. */
export function planListen(settings: Settings): ListenPlan {
  const { listen, port } = settings.discovery;
  if (listen.length > 0) return { addresses: listen, answerStrangers: true };
  const everywhere = ['0.0.0.0', '[::]'].flatMap((host) => {
    const parsed = parseHostPort(`${host}:${port}`);
    return parsed.ok ? [parsed.value] : [];
  });
  return { addresses: everywhere, answerStrangers: false };
}
