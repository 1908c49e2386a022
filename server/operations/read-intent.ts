import type { NodeId } from '../core/node-id.ts';
import type { Intent } from '../routing/intent.ts';
import { planListen } from '../settings/listen-plan.ts';
import type { Settings } from '../settings/settings.ts';

/** What the settings ask of the box with this identity. */
export function readIntent(id: NodeId, settings: Settings): Intent {
  const { network, node, performance } = settings;
  const listen = planListen(settings);
  return {
    id,
    name: node.name,
    tunName: network.tunName,
    mtu: network.mtuBytes,
    tunAddresses: network.tunAddresses,
    listen: listen.addresses,
    answerStrangers: listen.answerStrangers,
    peers: settings.peers.flatMap(({ nodeId, address, name, prefixes }) =>
      nodeId === undefined ? [] : [{ id: nodeId, name, addresses: address ? [address] : [], prefixes }],
    ),
    dial: settings.peers.flatMap(({ nodeId, address }) => (nodeId === undefined && address ? [address] : [])),
    localPrefixes: network.advertiseSubnets,
    forward: node.role === 'gateway' || network.advertiseSubnets.length > 0,
    maxConnections: performance.maxConnections,
    cpuAffinity: performance.cpuAffinity,
  };
}
