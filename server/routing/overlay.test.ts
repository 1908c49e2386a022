import { describe, expect, test } from 'vitest';
import { formatIp, type Ip, parseIp } from '../core/ip.ts';
import { type NodeId, nodeIdFromBytes } from '../core/node-id.ts';
import { formatInterfaceAddress, parseInterfaceAddress, parsePrefix } from '../core/prefix.ts';
import type { Result } from '../core/result.ts';
import { planDesiredState } from './desired-state.ts';
import type { DeriveAddresses, Intent, PeerIntent } from './intent.ts';
import { ownAddresses, planOverlay } from './overlay.ts';

const value = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};
const ip = (text: string): Ip => value(parseIp(text));
const prefix = (text: string) => value(parsePrefix(text));
const box = (n: number): NodeId => nodeIdFromBytes(Uint8Array.from({ length: 20 }, () => n));
const [self, york, leeds, hull] = [1, 2, 3, 4].map(box) as [NodeId, NodeId, NodeId, NodeId];

/** 100.64.0.N and fd00::N for box N, unless a test makes two alike. */
const derive: DeriveAddresses = (id) => {
  const n = [self, york, leeds, hull].indexOf(id) + 1;
  return { v4: ip(`100.64.0.${n}`), v6: ip(`fd00::${n}`) };
};

const intent: Intent = {
  id: self,
  name: 'Office',
  tunName: 'quicether0',
  mtu: 1500,
  tunAddresses: [],
  listen: [{ host: '::', port: 9000, isName: false }],
  answerStrangers: false,
  peers: [],
  dial: [],
  localPrefixes: [prefix('192.168.1.0/24')],
  forward: true,
  maxConnections: 10_000,
  cpuAffinity: [],
};
const peer = (id: NodeId, more: Partial<PeerIntent> = {}): PeerIntent => ({ id, addresses: [], prefixes: [], ...more });
const plan = (peers: PeerIntent[], claims: [NodeId, string[]][] = [], world: Intent = intent) =>
  planOverlay(world, peers, new Map(claims), derive);
const texts = (planned: ReturnType<typeof plan>, id: NodeId) => planned.addresses.get(id)?.map(formatIp);

test('addresses follow from the NodeId when nothing else is said', () => {
  expect(ownAddresses(intent, derive).map(formatInterfaceAddress)).toEqual(['100.64.0.1/32', 'fd00::1/128']);
  expect(texts(plan([peer(york)]), york)).toEqual(['100.64.0.2', 'fd00::2']);
});

test('an address set by hand replaces the derived one of its family only', () => {
  const chosen = { ...intent, tunAddresses: [value(parseInterfaceAddress('10.9.0.1/24'))] };
  expect(ownAddresses(chosen, derive).map(formatInterfaceAddress)).toEqual(['10.9.0.1/24', 'fd00::1/128']);
});

describe('what a peer says its address is', () => {
  test('counts, and the other family stays derived', () => {
    expect(texts(plan([peer(york)], [[york, ['100.64.7.7']]]), york)).toEqual(['100.64.7.7', 'fd00::2']);
    expect(texts(plan([peer(york)], [[york, ['100.64.7.7/16', 'fd12::7/64']]]), york)).toEqual([
      '100.64.7.7',
      'fd12::7',
    ]);
  });

  test.each([
    ['an address of the internet', '8.8.8.8', '100.64.0.0/10'],
    ['a private one, here where none is set by hand', '10.9.0.2', 'network.tun_addr'],
    ['our own', '100.64.0.1', 'this box'],
    ["another peer's", '100.64.0.3', '…'],
    ['garbage with an escape in it', '\u001b[2J', 'not an address'],
  ])('%s does not count, and is explained', (_, claim, said) => {
    const planned = plan([peer(york), peer(leeds)], [[york, [claim]]]);
    expect(texts(planned, york)).toEqual(['100.64.0.2', 'fd00::2']);
    expect(planned.problems).toHaveLength(1);
    expect(planned.problems[0]?.peer).toBe(york);
    expect(planned.problems[0]?.failure.message).toContain(said);
    expect(planned.problems[0]?.failure.message).not.toContain('\u001b');
  });

  test('cannot take the address of a peer that comes later in the list', () => {
    const planned = plan([peer(york), peer(leeds, { name: 'Leeds' })], [[york, ['100.64.0.3']]]);
    expect(texts(planned, leeds)).toEqual(['100.64.0.3', 'fd00::3']);
    expect(planned.problems[0]?.failure.message).toContain('Leeds');
  });

  test('may be private when this box has such an address too', () => {
    const chosen = { ...intent, tunAddresses: [value(parseInterfaceAddress('10.9.0.1/24'))] };
    expect(texts(plan([peer(york)], [[york, ['10.9.0.2']]], chosen), york)).toEqual(['10.9.0.2', 'fd00::2']);
  });

  test('may not lie in a network behind this box or another peer', () => {
    const chosen = { ...intent, tunAddresses: [value(parseInterfaceAddress('10.9.0.1/24'))] };
    const behindHull = peer(hull, { name: 'Hull', prefixes: [prefix('10.8.0.0/16')] });
    const planned = plan([peer(york), behindHull], [[york, ['192.168.1.9', '10.8.1.1']]], chosen);
    expect(texts(planned, york)).toEqual(['100.64.0.2', 'fd00::2']);
    expect(planned.problems.map(({ failure }) => failure.message).join()).toMatch(/behind this box.*behind Hull/);
  });

  test('two peers that claim one address: the first keeps it', () => {
    const planned = plan(
      [peer(york), peer(leeds)],
      [
        [york, ['100.64.9.9']],
        [leeds, ['100.64.9.9']],
      ],
    );
    expect(texts(planned, york)).toEqual(['100.64.9.9', 'fd00::2']);
    expect(texts(planned, leeds)).toEqual(['100.64.0.3', 'fd00::3']);
    expect(planned.problems[0]?.failure).toMatchObject({
      code: 'routing.overlay-collision',
      remedy: expect.stringContaining('tun_addr'),
    });
  });

  test('only the first few are looked at', () => {
    const many = Array.from({ length: 1_000 }, () => '8.8.8.8');
    expect(plan([peer(york)], [[york, many]]).problems.length).toBeLessThan(10);
  });
});

test('two NodeIds that give one address: explained, and the second one keeps its IPv6', () => {
  const twins: DeriveAddresses = (id) => ({ ...derive(id), v4: ip('100.64.1.1') });
  const planned = planOverlay({ ...intent, id: hull }, [peer(york, { name: 'York' })], new Map(), twins);
  expect(texts(planned, york)).toEqual(['fd00::2']);
  expect(planned.problems[0]?.failure.message).toMatch(/York.*this box.*100\.64\.1\.1/);
});

describe('the desired state', () => {
  const resolve = (name: string): string[] => (name === 'york.example' ? ['192.0.2.1', '2001:db8::1'] : []);
  const none = { accepted: [], claims: new Map(), resolve };
  const at = (host: string, isName = false) => ({ host, port: 9000, isName });

  test('has overlay addresses first, then what lies behind a peer', () => {
    const peers = [peer(york, { addresses: [at('york.example', true)], prefixes: [prefix('10.1.0.0/16')] })];
    const { state, problems } = planDesiredState({ ...intent, peers }, none, derive);
    expect(problems).toEqual([]);
    expect(state.peers).toEqual([
      {
        node_id: york,
        addresses: ['192.0.2.1:9000', '[2001:db8::1]:9000'],
        prefixes: ['100.64.0.2/32', 'fd00::2/128', '10.1.0.0/16'],
      },
    ]);
    expect(state.tun).toEqual({ name: 'quicether0', mtu: 1500, addresses: ['100.64.0.1/32', 'fd00::1/128'] });
    expect(state.local_prefixes).toEqual(['192.168.1.0/24']);
  });

  test('is the same for the same input', () => {
    const peers = [peer(york), peer(leeds)];
    const once = () => JSON.stringify(planDesiredState({ ...intent, peers }, none, derive));
    expect(once()).toBe(once());
  });

  test('dials a stranger until it is accepted there, then by its NodeId', () => {
    const dial = [at('198.51.100.7')];
    const before = planDesiredState({ ...intent, dial }, none, derive).state;
    expect([before.dial, before.peers]).toEqual([['198.51.100.7:9000'], []]);
    const accepted = [peer(york, { addresses: dial })];
    const after = planDesiredState({ ...intent, dial }, { ...none, accepted }, derive).state;
    expect(after.dial).toEqual([]);
    expect(after.peers[0]?.addresses).toEqual(['198.51.100.7:9000']);
  });

  test('a peer that is configured and accepted is one peer', () => {
    const peers = [peer(york, { addresses: [at('192.0.2.9')] })];
    const accepted = [peer(york, { name: 'York', addresses: [at('192.0.2.9'), at('192.0.2.8')] }), peer(self)];
    const { state } = planDesiredState({ ...intent, peers }, { ...none, accepted }, derive);
    expect(state.peers.map((one) => one.addresses)).toEqual([['192.0.2.9:9000', '192.0.2.8:9000']]);
  });

  test('one prefix with two owners goes to the first, the other is told', () => {
    const peers = [
      peer(york, { name: 'York', prefixes: [prefix('192.168.1.0/24'), prefix('10.1.0.0/16')] }),
      peer(leeds, { prefixes: [prefix('10.1.0.0/16')] }),
    ];
    const { state, problems } = planDesiredState({ ...intent, peers }, none, derive);
    expect(state.peers.map((one) => one.prefixes.slice(2))).toEqual([['10.1.0.0/16'], []]);
    expect(problems.map(({ failure }) => failure.message)).toEqual([
      expect.stringMatching(/York.*this box both have 192\.168\.1\.0\/24/),
      expect.stringMatching(/York.*keeps it/),
    ]);
  });
});
